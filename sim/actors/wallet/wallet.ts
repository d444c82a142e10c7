import type { KeyObject } from 'node:crypto'
import type { IncomingMessage, ServerResponse } from 'node:http'
import { createHttpClient, serveHttp } from '../../../node/runtime/index.ts'
import type { HttpServer, Runtime } from '../../../node/runtime/index.ts'
import type { NodePlan } from '../../networks/plan.ts'
import { formatAmount } from '../../topology/amount.ts'
import { createAdminClient } from '../admin-client.ts'
import type { AdminClient } from '../admin-client.ts'
import { createCustomerAccounts } from './accounts.ts'
import type { CustomerAccounts } from './accounts.ts'
import { createConsentDesk } from './consent.ts'
import { handleWebhookEvent, isSignedBy } from './webhooks.ts'
import type { WalletPolicy, WebhookEvent } from './webhooks.ts'

/**
 * An account servicing entity: keeps its customers' money, serves exchange rates, answers its node's webhooks
 * over the Admin API, and asks its customers for consent. It knows nothing of the node that a stranger's
 * wallet would not.
 */
export interface Wallet {
  readonly accounts: CustomerAccounts
  readonly admin: AdminClient
  /** May be changed; what is under way keeps what it was told. */
  readonly policy: WalletPolicy
  start(): Promise<void>
  stop(): Promise<void>
  /** Resolves once `test` holds; it is asked after every event that was honoured. */
  until(test: () => boolean): Promise<void>
  /** Tells of every event that came, before it is honoured: the node waits for its answer. Gives what ends it. */
  onAsked(listener: (event: WebhookEvent) => void): () => void
  /** Tells of every event that was honoured, repeated ones too. Gives what ends it. */
  onEvent(listener: (event: WebhookEvent) => void): () => void
  /** The rate between two currencies becomes so many thousandths of what it is, for whoever asks from now on. */
  changeRate(base: string, other: string, permille: number): void
}

const MAX_BODY_BYTES = 1_048_576

export function createWallet(
  runtime: Runtime,
  {
    plan,
    address,
    policy = {},
    accounts = createCustomerAccounts(),
    cards = new Map<string, KeyObject>()
  }: {
    plan: NodePlan
    address: { host: string; port: number }
    policy?: WalletPolicy
    /** Books that others keep as well. Default: its own. */
    accounts?: CustomerAccounts
    /** Public keys of the customers' cards, by the name of the wallet address. */
    cards?: ReadonlyMap<string, KeyObject>
  }
): Wallet {
  const { node, urls, secrets } = plan
  const http = createHttpClient(runtime)
  const admin = createAdminClient(
    { http, clock: runtime.clock },
    { url: urls.admin, tenantId: secrets.operatorTenantId, secret: secrets.adminApiSecret }
  )
  for (const { name, asset, balance } of node.walletAddresses) accounts.open(name, asset, balance)
  const consent = createConsentDesk(http, {
    interactionUrl: urls.interaction,
    authUrl: urls.auth,
    idpSecret: secrets.idpSecret,
    title: `${node.name} wallet`
  })
  const rates = structuredClone(node.rates)
  const names = new Map<string, Promise<string>>()
  const waiting = new Set<() => void>()
  const listeners = new Set<(event: WebhookEvent) => void>()
  const askedListeners = new Set<(event: WebhookEvent) => void>()
  let server: HttpServer | undefined

  /** The name of a wallet address: the last part of its URL. */
  function walletAddressOf(id: string): Promise<string> {
    const known = names.get(id)
    if (known) return known
    const found = admin
      .call<{ walletAddress: { address: string } | null }>(
        'query WalletAddress($id: String!) { walletAddress(id: $id) { address } }',
        { id }
      )
      .then(({ walletAddress }) => {
        if (!walletAddress) throw new Error(`the node does not know the wallet address ${id}`)
        return walletAddress.address.slice(walletAddress.address.lastIndexOf('/') + 1)
      })
    names.set(id, found)
    found.catch(() => names.delete(id))
    return found
  }

  async function handle(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const url = new URL(request.url ?? '/', urls.wallet)
    const route = `${request.method} ${url.pathname}`
    if (route === 'GET /healthz') return send(response, 200, 'text/plain', 'OK')
    if (route === 'GET /rates') return serveRates(url.searchParams.get('base') ?? '', response)
    if (route === 'GET /consent') {
      const { status, html } = await consent.page(url.searchParams)
      return send(response, status, 'text/html; charset=utf-8', html)
    }
    if (route === 'POST /consent') {
      const decided = await consent.decide(new URLSearchParams(await readBody(request)))
      if (!('location' in decided))
        return send(response, decided.status, 'text/html; charset=utf-8', decided.html)
      response.writeHead(303, { location: decided.location }).end()
      return
    }
    if (route === 'POST /webhooks') return acceptWebhook(request, response)
    send(response, 404, 'text/plain', 'Not Found')
  }

  function serveRates(base: string, response: ServerResponse): void {
    // Rates are exact decimals: they are written as they stand in the topology, never through a float.
    const entries = Object.entries(rates[base] ?? {}).map(([code, rate]) => `${JSON.stringify(code)}:${rate}`)
    send(response, 200, 'application/json', `{"base":${JSON.stringify(base)},"rates":{${entries.join(',')}}}`)
  }

  async function acceptWebhook(request: IncomingMessage, response: ServerResponse): Promise<void> {
    let event: WebhookEvent
    try {
      event = JSON.parse(await readBody(request)) as WebhookEvent
    } catch {
      return send(response, 400, 'text/plain', 'The body is not JSON.')
    }
    const header = request.headers['rafiki-signature']
    if (!isSignedBy(secrets.webhookSecret, String(header ?? ''), event, runtime.clock.nowMs())) {
      return send(response, 401, 'text/plain', 'The signature is missing, wrong or too old.')
    }
    for (const listener of askedListeners) listener(event)
    await handleWebhookEvent({ admin, accounts, policy, cards, walletAddressOf }, event)
    send(response, 200, 'text/plain', 'OK')
    for (const listener of listeners) listener(event)
    for (const check of waiting) check()
  }

  return {
    accounts,
    admin,
    policy,
    async start() {
      server = await serveHttp(runtime, address, (request, response) => {
        handle(request, response).catch((error: unknown) => {
          runtime.logger.error(
            { err: error, method: request.method, url: request.url },
            'the wallet could not answer'
          )
          if (!response.headersSent) send(response, 500, 'text/plain', 'The wallet could not honour this.')
        })
      })
    },
    async stop() {
      await server?.stop(1_000)
      await http.close()
    },
    onAsked(listener) {
      askedListeners.add(listener)
      return () => askedListeners.delete(listener)
    },
    onEvent(listener) {
      listeners.add(listener)
      return () => listeners.delete(listener)
    },
    changeRate(base, other, permille) {
      const rate = rates[base]?.[other]
      if (rate === undefined) throw new Error(`the wallet has no rate from ${base} to ${other}`)
      const [whole, fraction = ''] = rate.split('.')
      const scale = fraction.length + 3
      rates[base]![other] = formatAmount(BigInt(whole! + fraction) * BigInt(permille), scale)
    },
    until(test) {
      return new Promise((resolve) => {
        const check = () => {
          if (!test()) return
          waiting.delete(check)
          resolve()
        }
        waiting.add(check)
        check()
      })
    }
  }
}

async function readBody(request: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = []
  let length = 0
  for await (const chunk of request as AsyncIterable<Buffer>) {
    length += chunk.length
    if (length > MAX_BODY_BYTES) throw new Error(`a body of over ${MAX_BODY_BYTES} bytes`)
    chunks.push(chunk)
  }
  return Buffer.concat(chunks).toString('utf8')
}

function send(response: ServerResponse, status: number, contentType: string, body: string): void {
  response
    .writeHead(status, { 'content-type': contentType, 'content-length': Buffer.byteLength(body) })
    .end(body)
}
