import { createSystemRuntime } from '../../../node/runtime/index.ts'
import type { Runtime } from '../../../node/runtime/index.ts'
import type { Network } from '../../networks/network.ts'
import { authEnvironment, backendEnvironment, ed25519KeyOfSeed, planOf } from '../../networks/plan.ts'
import type {
  LedgerPlan,
  NetworkPlan,
  NodePlace,
  NodePlan,
  NodeUrls,
  WorldNaming
} from '../../networks/plan.ts'
import { raiseNetwork, takeDown } from '../../networks/raise.ts'
import type { NetworkGround, OnStep, ServiceName, Undo } from '../../networks/raise.ts'
import { startPostgres } from '../../services/postgres.ts'
import type { PostgresService } from '../../services/postgres.ts'
import { startTigerBeetles } from '../../services/tigerbeetle.ts'
import type { TigerBeetleService } from '../../services/tigerbeetle.ts'
import type { Topology, TopologyNode } from '../../topology/model.ts'
import { isRedisOnPath, startRedis } from '../../services/redis.ts'
import { readUnderWay } from './kills.ts'
import type { Kill } from './kills.ts'
import { assignPorts } from './ports.ts'
import type { PortTable } from './ports.ts'
import { cleanUpDeadRuns, createRunDirectory, RUN_MARKER } from './run-directory.ts'
import type { RunDirectory } from './run-directory.ts'
import { startServiceProcess } from './service-process.ts'
import type { Servers } from './servers.ts'
import type { ServiceProcess } from './service-process.ts'

const HOST = '127.0.0.1'

/** A service that stops in order has its own, shorter limit (STOP_GRACE_MS). */
const TERMINATE_GRACE_MS = 60_000

/** Below its run's directory: what other terminals need to pay over a network. */
export const SHARED_NETWORK_FILE = 'network.json'

/** The ledgers that nodes of the local world can have: both can be audited beside a running node. */
export const LOCAL_LEDGERS = ['postgres', 'tigerbeetle'] as const
export type LocalLedger = (typeof LOCAL_LEDGERS)[number]

export interface LocalNetworkOptions {
  /** Default: postgres. */
  ledger?: LocalLedger
  /** Default: memory. `redis`: where a Redis can be started, a database of it for each service; else memory. */
  cache?: 'memory' | 'redis'
  /** PostgreSQL and Redis of somebody else: of the containers world. Default: what is found on this machine. */
  servers?: Servers | undefined
  /** Receives what the laboratory's own actors log: wallets whose node does not answer. Default: standard error. */
  writeLog?: (line: string) => void
  /** Other terminals may pay over it (`lab pay`). Tests and benchmarks keep their networks to themselves. */
  shared?: boolean
}

/**
 * A network of real processes: one per service, one PostgreSQL for all, one TigerBeetle per node where that is
 * the ledger, the wallets in this process.
 */
export interface LocalNetwork extends Network {
  readonly run: RunDirectory
  readonly postgres: PostgresService
  service(nodeName: string, service: ServiceName): ServiceProcess
  /** Ends a service as `kill -9` does. Nothing is told to anyone. */
  kill(nodeName: string, service: ServiceName): Promise<void>
  /** The kills so far, and what each interrupted. */
  readonly kills: readonly Kill[]
  /** Tells a service to stop, as its operator does, and resolves with what it says of its end. */
  terminate(nodeName: string, service: ServiceName): Promise<string>
  /** Starts a service again that was ended. */
  restart(nodeName: string, service: ServiceName): Promise<void>
  /** Resolves with what it says when a service or PostgreSQL ended that nobody ended. */
  readonly failure: Promise<string>
  /** Takes everything down in order; nothing is left of processes, ports and files. */
  stop(): Promise<void>
}

/**
 * Brings a topology up as local processes. What fails takes down what already stood.
 *
 * @throws ServiceError with the service's own last words
 */
export async function startLocalNetwork(
  topology: Topology,
  onStep: OnStep = () => undefined,
  options: LocalNetworkOptions = {}
): Promise<LocalNetwork> {
  const cleaned = cleanUpDeadRuns()
  if (cleaned.runs > 0) {
    onStep('clean-up', `a killed run had left ${cleaned.processes} processes and its files: removed`)
  }
  const run = createRunDirectory()
  const undo: Undo = [() => run.remove()]
  try {
    return await start(topology, options, onStep, run, undo)
  } catch (error) {
    await takeDown(undo)
    throw error
  }
}

async function start(
  topology: Topology,
  {
    ledger = 'postgres',
    cache = 'memory',
    servers,
    writeLog = (line) => process.stderr.write(line),
    shared = false
  }: LocalNetworkOptions,
  onStep: OnStep,
  run: RunDirectory,
  undo: Undo
): Promise<LocalNetwork> {
  const runtime = createSystemRuntime({ name: 'lab', logLevel: 'warn', writeLog })
  undo.push(() => runtime.kill())
  const [postgres, ports] = await Promise.all([
    startPostgres(run, servers && { url: servers.postgresUrl, description: servers.description }),
    assignPorts(topology)
  ])
  undo.push(() => postgres.stop())
  onStep('postgresql', postgres.description)
  const tigerBeetles =
    ledger === 'tigerbeetle'
      ? await startTigerBeetlesOf(topology, run)
      : new Map<string, TigerBeetleService>()
  for (const [node, service] of tigerBeetles) {
    undo.push(() => service.stop())
    onStep('tigerbeetle', `${node}: ${service.description}`)
  }
  const cacheUrls = servers
    ? cacheUrlsOf(topology, servers.takeCacheUrls(topology.nodes.length * 2))
    : cache === 'redis'
      ? await startCaches(topology, onStep, undo)
      : undefined

  const services = createServices(run, naming(ports, run))
  undo.push(() => services.endAll())
  for (const { failed } of [postgres, ...tigerBeetles.values()]) void failed.then((how) => services.fail(how))
  const ground = localGround({ runtime, run, postgres, tigerBeetles, cacheUrls, ports, services })
  const network = await raiseNetwork(topology, ground, { onStep, undo })
  if (shared) run.write(SHARED_NETWORK_FILE, JSON.stringify(toSharedNetwork(network.plan), undefined, 2))
  const kills: Kill[] = []
  return {
    ...network,
    run,
    postgres,
    kills,
    service: (nodeName, service) => services.get(`${nodeName}-${service}`),
    async kill(nodeName, service) {
      await services.end(services.get(`${nodeName}-${service}`), 'SIGKILL')
      const underWay = await readUnderWay(runtime, planOf(network.plan.plans, nodeName))
      kills.push({ node: nodeName, service, ...underWay })
    },
    async terminate(nodeName, service) {
      const process = services.get(`${nodeName}-${service}`)
      await services.end(process, 'SIGTERM', TERMINATE_GRACE_MS)
      return process.ended
    },
    restart: async (nodeName, service) =>
      void (await services.start(planOf(network.plan.plans, nodeName), service)),
    failure: services.failure,
    stop: () => takeDown(undo)
  }
}

/** The service processes of a run: which there are, which were ended on purpose, and whether one ended by itself. */
function createServices(run: RunDirectory, world: WorldNaming) {
  const services = new Map<string, ServiceProcess>()
  const ending = new Set<ServiceProcess>()
  let fail!: (how: string) => void
  const failure = new Promise<string>((resolve) => (fail = resolve))

  function get(name: string): ServiceProcess {
    const found = services.get(name)
    if (!found) throw new Error(`no service "${name}"; there are ${[...services.keys()].join(', ')}`)
    return found
  }
  async function end(
    service: ServiceProcess,
    signal: 'SIGTERM' | 'SIGKILL',
    graceMs?: number
  ): Promise<void> {
    ending.add(service)
    await service.end(signal, graceMs)
  }
  return {
    failure,
    fail,
    get,
    end,
    endAll: () =>
      Promise.all([...services.values()].map((service) => end(service, 'SIGTERM'))).then(() => undefined),
    async start(plan: NodePlan, service: ServiceName): Promise<ServiceProcess> {
      const name = `${plan.node.name}-${service}`
      const environment =
        service === 'backend' ? backendEnvironment(plan, world) : authEnvironment(plan, world)
      const process = startServiceProcess(run, { name, entry: `node/${service}/main.ts`, environment })
      // Known before it is up: what fails meanwhile must take it down as well.
      services.set(name, process)
      await process.started
      void process.ended.then((how) => {
        if (!ending.has(process)) fail(how)
      })
      return process
    }
  }
}

function localGround({
  runtime,
  run,
  postgres,
  tigerBeetles,
  cacheUrls,
  ports,
  services
}: {
  runtime: Runtime
  run: RunDirectory
  postgres: PostgresService
  tigerBeetles: ReadonlyMap<string, TigerBeetleService>
  cacheUrls: CacheUrls | undefined
  ports: PortTable
  services: ReturnType<typeof createServices>
}): NetworkGround {
  return {
    scheme: 'http',
    runtime,
    place: (node) => place(node, { ports, postgres, tigerBeetles, cacheUrls }),
    async prepare({ plans }) {
      const names = plans.flatMap(({ node }) => [
        databaseName(node.name, 'backend'),
        databaseName(node.name, 'auth')
      ])
      await Promise.all(names.map((name) => postgres.createDatabase(name)))
      for (const { node, secrets } of plans) {
        const pem = ed25519KeyOfSeed(secrets.instanceKeySeed).export({ type: 'pkcs8', format: 'pem' })
        run.write(`${node.name}.pem`, pem.toString())
      }
    },
    walletHome: ({ node }) => ({ runtime, address: { host: HOST, port: ports.get(node.name)!.wallet } }),
    async startService(plan, service) {
      const { pid } = await services.start(plan, service)
      return `process ${pid}`
    }
  }
}

function naming(ports: PortTable, run: RunDirectory): WorldNaming {
  return {
    scheme: 'http',
    bindHost: HOST,
    port: (node, service) => ports.get(node)![service],
    privateKeyFile: (node) => run.file(`${node}.pem`)
  }
}

function databaseName(nodeName: string, service: ServiceName): string {
  return `${nodeName.replaceAll('-', '_')}_${service}`
}

function place(
  node: TopologyNode,
  {
    ports,
    postgres,
    tigerBeetles,
    cacheUrls
  }: {
    ports: PortTable
    postgres: PostgresService
    tigerBeetles: ReadonlyMap<string, TigerBeetleService>
    cacheUrls: CacheUrls | undefined
  }
): NodePlace {
  const own = ports.get(node.name)!
  const http = (port: number) => `http://localhost:${port}`
  const urls: NodeUrls = {
    admin: http(own.admin),
    // Wallet addresses are https everywhere; OPEN_PAYMENTS_SCHEME=http says how they are really reached.
    openPayments: `https://localhost:${own.openPayments}`,
    connector: http(own.connector),
    auth: http(own.auth),
    authAdmin: http(own.authAdmin),
    introspection: http(own.introspection),
    interaction: http(own.interaction),
    serviceApi: http(own.serviceApi),
    wallet: http(own.wallet),
    frontend: http(own.frontend)
  }
  return {
    urls,
    databaseUrls: {
      backend: postgres.url(databaseName(node.name, 'backend')),
      auth: postgres.url(databaseName(node.name, 'auth'))
    },
    ledger: ledgerOf(tigerBeetles.get(node.name)),
    ...(cacheUrls && { cacheUrls: cacheUrls.get(node.name)! })
  }
}

function ledgerOf(service: TigerBeetleService | undefined): LedgerPlan {
  if (service === undefined) return { kind: 'postgres' }
  const { clusterId, addresses } = service
  return { kind: 'tigerbeetle', clusterId, addresses }
}

type CacheUrls = ReadonlyMap<string, { backend: string; auth: string }>

function cacheUrlsOf({ nodes }: Topology, urls: readonly string[]): CacheUrls {
  return new Map(
    nodes.map(({ name }, index) => [name, { backend: urls[index * 2]!, auth: urls[index * 2 + 1]! }])
  )
}

/** One Redis for all, a database of it for each service. */
async function startCaches(topology: Topology, onStep: OnStep, undo: Undo): Promise<CacheUrls | undefined> {
  if (!isRedisOnPath()) {
    onStep('redis', 'there is no redis-server on PATH: services keep their caches in memory')
    return undefined
  }
  const databases = topology.nodes.length * 2
  const redis = await startRedis({ databases })
  undo.push(() => redis.stop())
  onStep('redis', `Redis on ${new URL(redis.url).host} (process ${redis.pid})`)
  return cacheUrlsOf(
    topology,
    Array.from({ length: databases }, (_, index) => `${redis.url}/${index}`)
  )
}

/** A cluster for each node: its settlement accounts have the numbers of its own assets (docs/decisions/0007). */
function startTigerBeetlesOf(
  { nodes }: Topology,
  run: RunDirectory
): Promise<Map<string, TigerBeetleService>> {
  return startTigerBeetles(
    nodes.map(({ name }) => name),
    { environment: { [RUN_MARKER]: run.id } }
  )
}

/** What another process of the same user needs to pay over this network (`lab pay`). */
export interface SharedNetwork {
  nodes: {
    name: string
    urls: NodeUrls
    operatorTenantId: string
    adminApiSecret: string
    instanceKeySeed: string
    walletAddresses: { name: string; code: string; scale: number }[]
  }[]
}

function toSharedNetwork({ plans }: NetworkPlan): SharedNetwork {
  return {
    nodes: plans.map(({ node, urls, secrets }) => ({
      name: node.name,
      urls,
      operatorTenantId: secrets.operatorTenantId,
      adminApiSecret: secrets.adminApiSecret,
      instanceKeySeed: secrets.instanceKeySeed.toString('base64'),
      walletAddresses: node.walletAddresses.map(({ name, asset }) => ({ name, ...asset }))
    }))
  }
}
