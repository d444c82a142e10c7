import { createHeaders } from '@interledger/http-signature-utils'
import type { GrantTarget, IssuedGrant } from '../../../scenarios/load/k6/targets.ts'
import { createHttpClient } from '../../../node/runtime/index.ts'
import type { HttpClient } from '../../../node/runtime/index.ts'
import { clientKey, planOf } from '../../networks/plan.ts'
import type { LocalLedger } from '../../worlds/local/world.ts'
import type { CallOutcome } from '../engine/stage.ts'
import type { LoadContext, Workload } from './model.ts'
import { ownVersions, startLoadedNetwork } from './network.ts'
import type { LoadedNetwork } from './network.ts'
import { outcomeOf, PAYER_NODE, RECEIVER_NODE, richPair } from './payments-network.ts'
import { countRows, reconcileRows } from './stored-rows.ts'

export interface GrantsOptions {
  ledger: LocalLedger
}

const GRANT_SCRIPT = 'scenarios/load/grants.k6.ts'
const GOOD = 'used and revoked'
const BOUNDS = { p99Ms: 250, errorShare: 0.001 }
const CALLERS = 16
const MAX_IN_FLIGHT = 1_000
const WARM_UP_MS = 5_000
const TIMEOUT_MS = 30_000

/**
 * Grants of GNAP that need nobody's consent: asked for by a signed request, used for one incoming payment (which the
 * node's backend introspects), and revoked.
 */
export async function startGrantsWorkload(
  context: LoadContext,
  { ledger }: GrantsOptions
): Promise<Workload> {
  const loaded = await startLoadedNetwork(context, richPair(), { ledger })
  const { network } = loaded
  const { runtime } = context
  const http = createHttpClient(runtime)
  context.defer(() => http.close())
  const target = await targetOf(loaded, http)
  const plan = planOf(network.plan.plans, RECEIVER_NODE)
  const { privateKey } = clientKey(planOf(network.plan.plans, PAYER_NODE), clientName(loaded))
  const stored = async () => [
    await countRows(
      runtime,
      plan.databaseUrls.auth,
      'grants',
      `state = 'FINALIZED' AND "finalizationReason" = 'REVOKED'`
    ),
    await countRows(runtime, plan.databaseUrls.backend, 'incomingPayments')
  ]
  const before = await stored()

  async function send(
    expected: number,
    method: 'POST' | 'DELETE',
    url: string,
    { token, body }: { token?: string; body?: unknown }
  ): Promise<Buffer> {
    const text = body === undefined ? undefined : JSON.stringify(body)
    const headers = {
      ...(token !== undefined && { authorization: `GNAP ${token}` }),
      ...(text !== undefined && { 'content-type': 'application/json' })
    }
    const signature = await createHeaders({
      request: { method, url, headers, ...(text !== undefined && { body: text }) },
      privateKey,
      keyId: target.client.key.keyId
    })
    const response = await http.request({
      method,
      url,
      headers: { ...headers, ...signature },
      ...(text !== undefined && { body: text }),
      timeoutMs: TIMEOUT_MS
    })
    if (response.status !== expected) throw new Error(`${method}: HTTP ${response.status}`)
    return response.body
  }

  async function useGrant(): Promise<void> {
    const { client, receiver } = target
    const answer = await send(200, 'POST', receiver.authServer, {
      body: {
        access_token: { access: [{ type: 'incoming-payment', actions: ['create', 'read'] }] },
        client: client.walletAddressUrl
      }
    })
    const grant = JSON.parse(answer.toString('utf8')) as IssuedGrant
    await send(201, 'POST', `${receiver.resourceServer}/incoming-payments`, {
      token: grant.access_token.value,
      body: { walletAddress: receiver.id }
    })
    await send(204, 'DELETE', grant.continue.uri, { token: grant.continue.access_token.value })
  }

  const call = (): Promise<CallOutcome> =>
    useGrant().then(
      () => ({ ok: true, name: GOOD }),
      (error: Error) => ({ ok: false, name: outcomeOf(error) })
    )

  return {
    unit: 'grants',
    topology: {
      name: 'pair',
      nodes: [
        { name: 'client', role: 'generator', detail: 'signs with its key', column: 0 },
        { name: RECEIVER_NODE, role: 'node', detail: 'auth and backend', column: 1 },
        { name: PAYER_NODE, role: 'node', detail: 'has the client’s key', column: 2 }
      ],
      links: [
        { from: 'client', to: RECEIVER_NODE, detail: 'GNAP, Open Payments' },
        { from: RECEIVER_NODE, to: PAYER_NODE, detail: 'the client’s keys (jwks.json)' }
      ]
    },
    call,
    maxInFlight: MAX_IN_FLIGHT,
    probeCallers: CALLERS,
    warmUpMs: WARM_UP_MS,
    bounds: BOUNDS,
    processes: loaded.processes,
    profiled: loaded.profiled,
    settings: { ledger, ...loaded.durability },
    versions: ownVersions(),
    databaseBytes: loaded.databaseBytes,
    k6: { script: GRANT_SCRIPT, target },
    async reconcile({ [GOOD]: made = 0, ...failures }) {
      const after = await stored()
      return reconcileRows(
        [
          { what: 'grants that were used and revoked', made, stored: after[0]! - before[0]! },
          { what: 'incoming payments', made, stored: after[1]! - before[1]! }
        ],
        failures
      )
    },
    failure: network.failure
  }
}

function clientName({ network }: LoadedNetwork): string {
  return network.nodes.find(({ name }) => name === PAYER_NODE)!.walletAddresses[0]!.name
}

/** The receiver as its wallet address tells of itself, and the payer's account as the client. */
async function targetOf(loaded: LoadedNetwork, http: HttpClient): Promise<GrantTarget> {
  const { network } = loaded
  const account = (node: string) => network.nodes.find(({ name }) => name === node)!.walletAddresses[0]!
  const { url } = account(RECEIVER_NODE)
  const response = await http.request({
    method: 'GET',
    url: overHttp(url),
    headers: { accept: 'application/json' },
    timeoutMs: TIMEOUT_MS
  })
  if (response.status !== 200) throw new Error(`${url} answers ${response.status}`)
  const { id, authServer, resourceServer } = JSON.parse(
    response.body.toString('utf8')
  ) as GrantTarget['receiver']
  const receiver = { id, authServer: overHttp(authServer), resourceServer: overHttp(resourceServer) }
  const { keyId, privateKey } = clientKey(planOf(network.plan.plans, PAYER_NODE), clientName(loaded))
  const seed = Buffer.from(privateKey.export({ format: 'jwk' }).d!, 'base64url').toString('hex')
  return { client: { walletAddressUrl: account(PAYER_NODE).url, key: { keyId, seed } }, receiver }
}

/** Wallet addresses and what they name are https everywhere; local networks speak http. */
function overHttp(url: string): string {
  return url.replace(/^https:/, 'http:')
}
