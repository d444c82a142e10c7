import { createSystemRuntime, serveHttp } from '../../runtime/index.ts'
import { startTestNode } from './testing.ts'
import type { TestNode } from './testing.ts'

/** Runs a mutation of one `input` as the operator, and gives what it answered. @throws with its errors */
export async function run<Result>(
  node: TestNode,
  name: string,
  type: string,
  fields: string,
  input: object
): Promise<Result> {
  const mutation = `mutation ($input: ${type}!) { ${name}(input: $input) ${fields} }`
  const { data, errors } = await node.admin<Record<string, Result>>(mutation, { input })
  if (!data || errors) throw new Error(JSON.stringify(errors))
  return data[name]!
}

/**
 * Two nodes over real sockets, peered in USD/2: acacia has dollars, baobab dollars and euros, with liquidity for both
 * directions. A dollar buys 0.8 euros.
 */
export async function startPeeredNodes(adminUrl: string, environment: Record<string, string> = {}) {
  const runtime = createSystemRuntime({ name: 'test', logLevel: 'silent' })
  const ratesService = await serveHttp(runtime, { host: '127.0.0.1', port: 0 }, (request, response) => {
    const base = new URL(request.url!, 'http://rates.example').searchParams.get('base')
    response.end(JSON.stringify({ base, rates: base === 'USD' ? { EUR: 0.8 } : { USD: 1.25 } }))
  })
  const start = (ILP_ADDRESS: string) =>
    startTestNode(adminUrl, {
      backend: {
        ILP_ADDRESS,
        EXCHANGE_RATES_URL: `http://127.0.0.1:${ratesService.address.port}/`,
        ...environment
      }
    })
  const [acacia, baobab] = await Promise.all([start('test.acacia'), start('test.baobab')])
  const dollars = await createAsset(acacia, 'USD')
  const dollarsThere = await createAsset(baobab, 'USD')
  const euros = await createAsset(baobab, 'EUR')
  await peer(acacia, dollars, 'test.baobab', baobab)
  await peer(baobab, dollarsThere, 'test.acacia', acacia)
  await run(baobab, 'depositAssetLiquidity', 'DepositAssetLiquidityInput', '{ success }', {
    id: runtime.random.uuid(),
    assetId: euros,
    amount: '1000000',
    idempotencyKey: 'euros'
  })
  return {
    acacia,
    baobab,
    /** Assets: of acacia, and of baobab. */
    dollars,
    euros,
    async stop() {
      await Promise.all([acacia.stop(), baobab.stop(), ratesService.stop(0)])
      runtime.kill()
    }
  }
}

async function createAsset(node: TestNode, code: string): Promise<string> {
  const input = { code, scale: 2 }
  const { asset } = await run<{ asset: { id: string } }>(
    node,
    'createAsset',
    'CreateAssetInput',
    '{ asset { id } }',
    input
  )
  return asset.id
}

const peer = (node: TestNode, assetId: string, staticIlpAddress: string, other: TestNode) =>
  run(node, 'createPeer', 'CreatePeerInput', '{ peer { id } }', {
    assetId,
    staticIlpAddress,
    http: {
      incoming: { authTokens: [tokenTo(node)] },
      outgoing: { endpoint: other.connectorUrl, authToken: tokenTo(other) }
    },
    initialLiquidity: '1000000'
  })

const tokenTo = (node: TestNode) => `to ${node.connectorUrl}`.replace(/\W/g, '-')
