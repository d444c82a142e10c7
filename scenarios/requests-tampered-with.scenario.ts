import { createHeaders } from '@interledger/http-signature-utils'
import type { HttpRequest } from '../node/runtime/index.ts'
import { scenario } from '../sim/scenarios/scenario.ts'
import { line } from '../sim/topology/builders.ts'

export default scenario({
  title: 'Somebody on the way changes a signed request, or sends a signed one again: both are refused',
  topology: line({ nodes: { acacia: 'USD/2' } }),
  worlds: ['virtual'],
  async run({ net, random, always, does }) {
    const acacia = net.node('acacia')
    const alice = net.wallet('alice@acacia')
    const { authServer } = await (await alice.client()).walletAddress.get({ url: alice.url })
    const signed = grantRequest(alice.url, '["create"]')
    const request = { method: 'POST' as const, url: authServer, headers: { accept: 'application/json' } }
    const headers = await createHeaders({
      request: { ...request, body: signed },
      ...alice.key
    })
    const send = (body: string) =>
      net.http.request({ ...request, headers: { ...request.headers, ...jsonHeaders(headers) }, body })
    does('alice’s client asks for a grant to create incoming payments')
    always('a signed request is honoured', (await send(signed)).status === 200)
    does('the same request comes with another body')
    const changed = await send(grantRequest(alice.url, '["read"  ]'))
    always('a body that was changed on the way is refused', changed.status !== 200)

    const recorded: HttpRequest[] = []
    const tapped = acacia.adminOver({
      request(asked) {
        recorded.push(asked)
        return net.http.request(asked)
      }
    })
    does('the operator creates an asset, and somebody listens')
    await tapped.call(CREATE_ASSET, { input: { code: 'XYZ', scale: 2 } })
    for (const laterMs of [random.integer(50, 20_000), 3_600_000]) {
      await net.sleep(laterMs)
      does(`who listened sends the same again ${laterMs} ms later`)
      const { status, body } = await net.http.request(recorded[0]!)
      const isRefused = status !== 200 || /UNAUTHENTICATED|replay|signature/i.test(body.toString())
      always('a replayed request is refused', isRefused)
    }
  }
})

function grantRequest(client: string, actions: string): string {
  return `{"access_token":{"access":[{"type":"incoming-payment","actions":${actions}}]},"client":${JSON.stringify(client)}}`
}

function jsonHeaders(headers: object): Record<string, string> {
  return Object.fromEntries(
    Object.entries(headers).map(([name, value]) => [name.toLowerCase(), String(value)])
  )
}

const CREATE_ASSET = `mutation CreateAsset($input: CreateAssetInput!) { createAsset(input: $input) { asset { id } } }`
