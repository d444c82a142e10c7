import { OpenPaymentsClientError } from '@interledger/open-payments'
import { scenario } from '../sim/scenarios/scenario.ts'
import { line } from '../sim/topology/builders.ts'

export default scenario({
  title: 'Two account servicing entities on one node: neither gets at what is the other’s',
  topology: line({ nodes: { acacia: 'USD/2' } }),
  worlds: ['virtual'],
  async run({ net, always, does }) {
    const acacia = net.node('acacia')
    const otter = await acacia.createTenant('otter')

    does('the operator and otter create the same asset under the same idempotency key')
    const input = { code: 'EUR', scale: 2, idempotencyKey: 'the same' }
    const create = async (admin: typeof otter.admin) =>
      (await admin.call<{ createAsset: { asset: { id: string } } }>(CREATE_ASSET, { input })).createAsset
        .asset.id
    const [operators, otters] = [await create(acacia.admin), await create(otter.admin)]
    always('an idempotency key is its tenant’s own', operators !== otters)

    const zebra = await net.packetPeer('acacia', { name: 'zebra', asset: 'USD/2', liquidity: 0n })
    const common = { tenant: otter, asset: otters, liquidity: 1_000n }
    const yak = await net.packetPeer('acacia', { name: 'yak', ...common })
    does('a peer of otter’s sends 100 to a peer of the operator’s')
    const reply = await yak.send({ destination: zebra.address, amount: 100n })
    const stayed = reply.type === 'reject' && zebra.arrived.length === 0
    always('a tenant’s packets go through its own peers', stayed)

    does('a third party gets a token of otter, and uses it for alice of the operator')
    const alice = net.wallet('alice@acacia')
    const client = await alice.client()
    const grant = await client.grant.request(
      { url: otter.authServer },
      { access_token: { access: [{ type: 'incoming-payment', actions: ['create', 'read'] }] } }
    )
    if (!('access_token' in grant)) throw new Error('the grant is pending')
    const { resourceServer } = await client.walletAddress.get({ url: alice.url })
    const created = await client.incomingPayment
      .create(
        { url: resourceServer, accessToken: (grant.access_token as { value: string }).value },
        { walletAddress: alice.url }
      )
      .catch((error: unknown) => {
        if (!(error instanceof OpenPaymentsClientError)) throw error
        return undefined
      })
    always('a token of another tenant opens nothing', created === undefined)

    const { url } = await otter.createWalletAddress('olga', otters)
    const shown = async () =>
      (await net.http.request({ method: 'GET', url, headers: { accept: 'application/json' } })).status
    always('a tenant’s wallet address is shown', (await shown()) === 200)
    await otter.delete()
    always('a deleted tenant’s wallet address is gone', (await shown()) === 404)
  }
})

const CREATE_ASSET = `mutation CreateAsset($input: CreateAssetInput!) { createAsset(input: $input) { asset { id } } }`
