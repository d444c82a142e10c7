import { createHttpClient } from '../../../node/runtime/index.ts'
import type { HttpClient } from '../../../node/runtime/index.ts'
import type { AdminClient } from '../../actors/admin-client.ts'
import { buildAdminUi } from '../../admin-ui/build.ts'
import { startFrontendProcess } from '../../admin-ui/frontend-process.ts'
import { readTopology } from '../../topology/parse.ts'
import { startLocalNetwork } from '../../worlds/local/world.ts'
import type { LocalNetwork } from '../../worlds/local/world.ts'
import { wholeNumber } from './command.ts'
import { byTurns, closedLoop, perSecond } from './drivers.ts'
import { createLatencies, rounded } from './histogram.ts'
import type { Latencies } from './histogram.ts'
import { OVERHEAD_LIMIT_S } from './model.ts'
import type { Benchmark, BenchmarkContext, BenchmarkResult } from './model.ts'
import { countSeeded, seedPayments } from './overview-seed.ts'

/**
 * The overview of the admin UI, loaded by one operator after the other from a node with many payments: from the request
 * to the last byte of its HTML. The limit for comparison is what the page asks the node for, asked of the Admin API
 * without a page. By turns.
 */
export const overviewBenchmark: Benchmark = {
  name: 'overview',
  title: "loads of the admin UI's overview per second, beside the answers of the Admin API that it shows",
  options: {
    payments: { type: 'string', value: 'N', default: '100000', help: 'outgoing, and as many incoming ones' },
    accounts: { type: 'string', value: 'N', default: '100', help: 'assets, and as many peers' }
  },
  limitS: ({ seconds }) => seconds + OVERHEAD_LIMIT_S + 120,
  run: runOverviewBenchmark
}

const NODE = 'acacia'
const WARM_UP_MS = 3_000
const TURN_MS = 1_000
/** What a person waits for without noticing: the page's promise, at the median. */
const LIMIT_MS = 300
const MIN_LOADS = 50

async function runOverviewBenchmark(context: BenchmarkContext): Promise<BenchmarkResult> {
  const { options, signal, step } = context
  const { clock } = context.runtime
  const payments = wholeNumber('--payments', options.payments as string, 1_000_000)
  const accounts = wholeNumber('--accounts', options.accounts as string, 1_000)
  step('build', await buildAdminUi())
  const network = await startLocalNetwork({ ...readTopology('fixtures/topologies/pair.json'), payments: [] })
  context.defer(() => network.stop())
  const page = await openOverview(context, network)
  const { admin } = network.wallets.get(NODE)!
  await createAccounts(admin, accounts)
  const audit = await seed(context, network, payments)
  step('seeded', `${payments} payments each way with their webhooks, ${accounts} assets and peers`)

  const parts: Record<string, Latencies> = {}
  const phases = {
    page: (durationMs: number) =>
      closedLoop({
        clock,
        durationMs,
        signal,
        callers: 1,
        call: async () => {
          for (const [part, tookMs] of await page.load()) (parts[part] ??= createLatencies()).record(tookMs)
        }
      }),
    api: (durationMs: number) =>
      closedLoop({ clock, durationMs, signal, callers: 1, call: () => askBare(admin, clock.nowMs()) })
  }
  step('warm-up', `${WARM_UP_MS / 1_000} s each`)
  for (const phase of Object.values(phases)) await phase(WARM_UP_MS)
  const measured = await byTurns(phases, {
    seconds: context.seconds,
    turnMs: TURN_MS,
    signal,
    onTurn: (name, turn, round, rounds) =>
      context.progress(`turn ${round} of ${rounds}: ${name} ${turn.latencies.percentileMs(50)} ms`)
  })
  for (const [name, { failed, firstFailure }] of Object.entries(measured)) {
    if (failed > 0)
      throw new Error(`${failed} loads of the ${name} failed, the first: ${String(firstFailure)}`)
  }
  const p50Ms = measured.page.latencies.percentileMs(50)
  const problems = await audit(await page.html())
  if (measured.page.completed < MIN_LOADS)
    problems.push(`only ${measured.page.completed} loads were measured: give it more --seconds`)
  if (p50Ms > LIMIT_MS) problems.push(`the median of ${p50Ms} ms is above ${LIMIT_MS} ms`)
  step('overview', `p50 ${p50Ms} ms, p99 ${measured.page.latencies.percentileMs(99)} ms`)
  return {
    perSecond: perSecond(measured.page),
    limitPerSecond: perSecond(measured.api),
    ratio: rounded(perSecond(measured.page) / perSecond(measured.api)),
    p50Ms,
    p99Ms: measured.page.latencies.percentileMs(99),
    audit: problems.length === 0 ? { ok: true } : { ok: false, problems },
    maxMs: measured.page.latencies.maxMs(),
    loads: measured.page.completed,
    /** What each part of the page waited for, by its own `Server-Timing`. */
    partsP50Ms: Object.fromEntries(
      Object.entries(parts).map(([part, latencies]) => [part, latencies.percentileMs(50)])
    ),
    apiP50Ms: measured.api.latencies.percentileMs(50),
    apiP99Ms: measured.api.latencies.percentileMs(99),
    payments,
    accounts
  }
}

/** 100 of the assets and peers that there shall be, at once; the network's own count, too. */
async function createAccounts(admin: AdminClient, count: number): Promise<void> {
  for (let n = 2; n <= count; n += 1) {
    const code = `X${letter(n / 676)}${letter(n / 26)}${letter(n)}`
    const { createAsset } = await admin.call<{ createAsset: { asset: { id: string } } }>(
      `mutation CreateAsset($input: CreateAssetInput!) { createAsset(input: $input) { asset { id } } }`,
      { input: { code, scale: 2, liquidityThreshold: '1000' } }
    )
    await admin.call(
      `mutation CreatePeer($input: CreatePeerInput!) { createPeer(input: $input) { peer { id } } }`,
      {
        input: {
          assetId: createAsset.asset.id,
          staticIlpAddress: `test.seeded${n}`,
          http: { outgoing: { endpoint: 'http://127.0.0.1:9/ilp', authToken: `out-${n}` } },
          initialLiquidity: String(n * 10),
          liquidityThreshold: '500'
        }
      }
    )
  }
}

const letter = (n: number): string => String.fromCharCode(65 + (Math.floor(n) % 26))

/** Fills the node's database, and gives what compares a page with it. */
async function seed(
  { runtime, defer }: BenchmarkContext,
  network: LocalNetwork,
  payments: number
): Promise<(html: string) => Promise<string[]>> {
  const url = network.plan.plans.find(({ node }) => node.name === NODE)!.databaseUrls.backend
  // One connection: a statement of the seed may take longer than those of a service.
  const database = runtime.openDatabase({ url, maxConnections: 1, statementTimeoutMs: 120_000 })
  defer(() => database.close())
  await seedPayments(database.knex, payments, new Date(runtime.clock.nowMs()))
  return async (html) => {
    const text = html.replaceAll(/<!-- -->/g, '')
    const shown = ['Outgoing', 'Incoming'].map((kind) =>
      Number(new RegExp(`${kind} payments: ([\\d,]+)`).exec(text)?.[1]?.replaceAll(',', '') ?? Number.NaN)
    )
    const hourMs = 3_600_000
    const since = new Date(Math.floor(runtime.clock.nowMs() / hourMs) * hourMs - 23 * hourMs)
    const { ofLastDay, failedWebhooks } = await countSeeded(database.knex, since)
    const problems: string[] = []
    if (shown[0]! + shown[1]! !== ofLastDay)
      problems.push(`the page counts ${shown.join(' and ')} payments, the tables ${ofLastDay}`)
    if (failedWebhooks > 100 && !text.includes('More than 100'))
      problems.push(`the page does not tell of ${failedWebhooks} webhooks that were given up`)
    return problems
  }
}

/** The admin UI of the node, signed in. `load` gives what its parts took, in milliseconds. */
async function openOverview(
  { runtime, defer }: BenchmarkContext,
  network: LocalNetwork
): Promise<{ load(): Promise<[part: string, tookMs: number][]>; html(): Promise<string> }> {
  const { urls, secrets } = network.plan.plans.find(({ node }) => node.name === NODE)!
  const frontend = startFrontendProcess(network.run, `${NODE}-frontend`, {
    PORT: new URL(urls.frontend).port,
    GRAPHQL_URL: `${urls.admin}/graphql`,
    OPEN_PAYMENTS_URL: urls.openPayments,
    AUTH_HEALTH_URL: `${urls.auth}/healthz`,
    NODE_ENV: 'production'
  })
  defer(() => frontend.process.end('SIGTERM'))
  await frontend.process.started
  const http = createHttpClient(runtime)
  defer(() => http.close())
  const cookie = await signIn(http, frontend.url, secrets)
  const get = async () => {
    const response = await http.request({
      method: 'GET',
      url: `${frontend.url}/overview`,
      headers: { cookie },
      timeoutMs: 30_000
    })
    if (response.status !== 200) throw new Error(`the overview answered ${response.status}`)
    return response
  }
  return {
    async load() {
      const { headers } = await get()
      const timing = String(headers['server-timing'])
      return [...timing.matchAll(/(\w+);dur=([\d.]+)/g)].map(([, part, tookMs]) => [part!, Number(tookMs)])
    },
    html: async () => (await get()).body.toString('utf8')
  }
}

/** By the form of the home page. @returns the session's cookie */
async function signIn(
  http: HttpClient,
  url: string,
  { operatorTenantId, adminApiSecret }: { operatorTenantId: string; adminApiSecret: string }
): Promise<string> {
  const cookieOf = (setCookie: string | string[] | undefined) =>
    [setCookie]
      .flat()
      .find((cookie) => cookie?.startsWith('__session='))!
      .split(';')[0]!
  const form = await http.request({ method: 'GET', url })
  const csrfToken = /name="csrfToken" value="([^"]+)"/.exec(form.body.toString('utf8'))![1]!
  const fields = {
    csrfToken,
    intent: 'save',
    tenantId: operatorTenantId,
    apiSecret: adminApiSecret,
    next: ''
  }
  const answer = await http.request({
    method: 'POST',
    url: `${url}/?index`,
    headers: {
      'content-type': 'application/x-www-form-urlencoded',
      cookie: cookieOf(form.headers['set-cookie'])
    },
    body: new URLSearchParams(fields).toString()
  })
  if (answer.status !== 302) throw new Error(`signing in answered ${answer.status}`)
  return cookieOf(answer.headers['set-cookie'])
}

/** What the page asks the node for, at once. */
function askBare(admin: AdminClient, nowMs: number): Promise<unknown> {
  const hourMs = 3_600_000
  const since = new Date(Math.floor(nowMs / hourMs) * hourMs - 23 * hourMs).toISOString()
  return Promise.all(BARE.map((query) => admin.call(query, query.includes('$since') ? { since } : {})))
}

const LEVELS = 'id liquidity liquidityThreshold tenant { id publicName }'
const BARE = [
  `query Assets { assets(first: 100) { edges { node { code scale ${LEVELS} } } pageInfo { hasNextPage endCursor } } }`,
  `query Peers { peers(first: 100) { edges { node { name staticIlpAddress asset { code scale } ${LEVELS} } } pageInfo { hasNextPage endCursor } } }`,
  `query States($since: String!) { paymentStates(since: $since, bucketSeconds: 3600) { type state bucketStart count } }`,
  `query Webhooks { webhookEvents(first: 100, filter: { deliveryState: FAILED }) {
    edges { node { id type createdAt deliveries { state attempts statusCode lastError } } } pageInfo { hasNextPage } } }`
]
