import { readFileSync } from 'node:fs'
import { createStreamReceiver } from '../../../node/ilp/index.ts'
import type { StreamCredentials } from '../../../node/ilp/index.ts'
import { createPostgresLedger } from '../../../node/ledger/index.ts'
import { createHttpClient, uuidToId } from '../../../node/runtime/index.ts'
import type { Runtime } from '../../../node/runtime/index.ts'
import { createAdminClient } from '../../actors/admin-client.ts'
import type { AdminClient } from '../../actors/admin-client.ts'
import { backendEnvironment, createSecrets } from '../../networks/plan.ts'
import type { NodePlan, NodeUrls } from '../../networks/plan.ts'
import { startPostgres } from '../../services/postgres.ts'
import { SERVICE_PORTS } from '../../topology/model.ts'
import type { ServicePort } from '../../topology/model.ts'
import { freePorts } from '../../services/free-ports.ts'
import { cleanUpDeadRuns, createRunDirectory } from '../../worlds/local/run-directory.ts'
import { startServiceProcess } from '../../worlds/local/service-process.ts'
import { describe, readDurability } from './ledger-store.ts'
import type { BenchmarkContext } from './model.ts'

const HOST = '127.0.0.1'
const ASSET = { code: 'USD', scale: 9 }
/** What each sending peer may send: more than any run can. */
const LIQUIDITY = 10n ** 15n
const NODE_ADDRESS = 'test.bench'
/** STREAM connections that packets for an account of the node are spread over. */
const STREAM_CONNECTIONS = 16

/** What the ledger says after a run. */
export interface LedgerReading {
  /** Minor units that it posted to receiving peers and to the incoming payment. */
  received: bigint
  problems: string[]
}

/** A backend as an operator runs it, between peers. */
export interface NodeUnderLoad {
  readonly pid: number
  readonly durability: Readonly<Record<string, string>>
  /** Where packets go in. */
  readonly origin: string
  /** A peer that may send, and the token that it presents. */
  addSender(name: string, limits?: Readonly<Record<string, string | number>>): Promise<string>
  /** A peer that packets can be forwarded to; gives an address behind it. */
  addReceiver(name: string, endpoint: string): Promise<string>
  /** An incoming payment without a limit, and connections to it. */
  addIncomingPayment(runtime: Pick<Runtime, 'random'>): Promise<StreamCredentials[]>
  /** Resident memory now, and the most so far, in bytes. */
  memory(): { residentBytes: number; peakBytes: number }
  /** What it really holds: its heap after a forced collection, in bytes. */
  liveHeapBytes(): Promise<number>
  /** Processor time that it used so far, in milliseconds. */
  cpuMs(): number
  readLedger(): Promise<LedgerReading>
}

/** Starts PostgreSQL (durable) and `node/backend/main.ts` with its default settings; taken down by the context. */
export async function startNodeUnderLoad(context: BenchmarkContext): Promise<NodeUnderLoad> {
  const { runtime, defer, step } = context
  cleanUpDeadRuns()
  const run = createRunDirectory()
  defer(() => run.remove())
  const postgres = await startPostgres(run)
  defer(() => postgres.stop())
  step('postgresql', postgres.description)
  await postgres.createDatabase('backend')
  const plan = await planNode(runtime, postgres.url('backend'))
  const service = startServiceProcess(run, {
    name: 'backend',
    entry: 'node/backend/main.ts',
    environment: backendEnvironment(plan, {
      scheme: 'http',
      bindHost: HOST,
      port: (_node, name) => Number(new URL(plan.urls[name]).port),
      privateKeyFile: () => undefined
    })
  })
  defer(() => service.end('SIGTERM', 5_000))
  await service.started
  step('node', `process ${service.pid}, node/backend/main.ts with default settings`)

  const http = createHttpClient(runtime)
  defer(() => http.close())
  const { operatorTenantId: tenantId, adminApiSecret: secret } = plan.secrets
  const admin = createAdminClient({ http, clock: runtime.clock }, { url: plan.urls.admin, tenantId, secret })
  const { createAsset } = await admin.call<{ createAsset: { asset: { id: string } } }>(CREATE_ASSET, {
    input: ASSET
  })
  const assetId = createAsset.asset.id
  const receivingIds: string[] = []

  const database = runtime.openDatabase({ url: postgres.url('backend'), maxConnections: 1 })
  defer(() => database.close())
  const ledger = createPostgresLedger({ database, clock: runtime.clock })
  const durability = await readDurability(database)
  step('durability', describe(durability))

  return {
    pid: service.pid,
    durability,
    origin: plan.urls.connector,
    async addSender(name, limits = {}) {
      const token = `${name}-to-node`
      await createPeer(admin, {
        assetId,
        staticIlpAddress: `test.${name}`,
        http: {
          incoming: { authTokens: [token] },
          // Nothing is ever sent to it.
          outgoing: { endpoint: `http://${HOST}:9/`, authToken: `node-to-${name}` }
        },
        initialLiquidity: LIQUIDITY.toString(),
        ...limits
      })
      return token
    },
    async addReceiver(name, endpoint) {
      const id = await createPeer(admin, {
        assetId,
        staticIlpAddress: `test.${name}`,
        http: { outgoing: { endpoint, authToken: `node-to-${name}` } }
      })
      receivingIds.push(id)
      return `test.${name}.account`
    },
    async addIncomingPayment({ random }) {
      const address = `${plan.urls.openPayments}/bench`
      const wallet = await admin.call<{ createWalletAddress: { walletAddress: { id: string } } }>(
        CREATE_WALLET_ADDRESS,
        { input: { address, assetId } }
      )
      const created = await admin.call<{ createIncomingPayment: { payment: { id: string } } }>(
        CREATE_INCOMING_PAYMENT,
        { input: { walletAddressId: wallet.createWalletAddress.walletAddress.id } }
      )
      const paymentTag = created.createIncomingPayment.payment.id
      receivingIds.push(paymentTag)
      // As the node issues them: the laboratory knows its STREAM secret.
      const issuer = createStreamReceiver({ serverSecret: plan.secrets.streamSecret, random })
      return Array.from({ length: STREAM_CONNECTIONS }, () => {
        const { ilpAddress: destination, sharedSecret } = issuer.createCredentials({
          serverAddress: NODE_ADDRESS,
          paymentTag,
          asset: ASSET
        })
        return { destination, sharedSecret }
      })
    },
    memory: () => memoryOf(service.pid),
    liveHeapBytes: async () => (await service.measure()).heapBytes,
    cpuMs: () => cpuOf(service.pid),
    async readLedger() {
      const problems: string[] = []
      for (const total of await ledger.totals()) {
        const { ledger: number, debitsPosted, creditsPosted, debitsPending, creditsPending } = total
        if (debitsPosted !== creditsPosted) problems.push(`ledger ${number}: debits are not credits`)
        if (debitsPending !== 0n || creditsPending !== 0n) {
          problems.push(`ledger ${number}: ${debitsPending} is left reserved`)
        }
        if (total.overdrawnAccountIds.length > 0) problems.push(`ledger ${number}: an account is overdrawn`)
      }
      const accounts = await ledger.lookupAccounts(receivingIds.map(uuidToId))
      const received = accounts.reduce((sum, account) => sum + (account?.creditsPosted ?? 0n), 0n)
      return { received, problems }
    }
  }
}

async function planNode(runtime: Runtime, databaseUrl: string): Promise<NodePlan> {
  const ports = await freePorts(SERVICE_PORTS.length)
  const urls = Object.fromEntries(
    SERVICE_PORTS.map((service, index) => [service, `http://${HOST}:${ports[index]}`])
  ) as Record<ServicePort, string> satisfies NodeUrls
  // Wallet addresses are https everywhere; OPEN_PAYMENTS_SCHEME=http says how they are really reached.
  urls.openPayments = urls.openPayments.replace(`http://${HOST}`, 'https://localhost')
  return {
    node: {
      name: 'bench',
      ilpAddress: NODE_ADDRESS,
      assets: [],
      walletAddresses: [],
      rates: {},
      slippage: '0.01',
      ports: {}
    },
    secrets: createSecrets(runtime.random),
    urls,
    databaseUrls: { backend: databaseUrl, auth: '' },
    ledger: { kind: 'postgres' }
  }
}

async function createPeer(admin: AdminClient, input: Record<string, unknown>): Promise<string> {
  const answer = await admin.call<{ createPeer: { peer: { id: string } } }>(CREATE_PEER, { input })
  return answer.createPeer.peer.id
}

/** Linux's /proc/<pid>/status. */
function memoryOf(pid: number): { residentBytes: number; peakBytes: number } {
  const status = readFileSync(`/proc/${pid}/status`, 'utf8')
  const field = (name: string) =>
    Number(new RegExp(`^${name}:\\s+(\\d+) kB`, 'm').exec(status)?.[1] ?? 0) * 1024
  return { residentBytes: field('VmRSS'), peakBytes: field('VmHWM') }
}

/** Linux's /proc/<pid>/stat: user and system time in ticks of 10 ms. */
function cpuOf(pid: number): number {
  const fields = readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ')[1]!.split(' ')
  return (Number(fields[11]) + Number(fields[12])) * 10
}

const CREATE_ASSET = `mutation CreateAsset($input: CreateAssetInput!) { createAsset(input: $input) { asset { id } } }`
const CREATE_PEER = `mutation CreatePeer($input: CreatePeerInput!) { createPeer(input: $input) { peer { id } } }`
const CREATE_WALLET_ADDRESS = `mutation CreateWalletAddress($input: CreateWalletAddressInput!) {
  createWalletAddress(input: $input) { walletAddress { id } } }`
const CREATE_INCOMING_PAYMENT = `mutation CreateIncomingPayment($input: CreateIncomingPaymentInput!) {
  createIncomingPayment(input: $input) { payment { id } } }`
