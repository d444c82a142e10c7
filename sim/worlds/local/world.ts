import { createPostgresLedger } from '../../../node/ledger/index.ts'
import type { AuditableLedger } from '../../../node/ledger/index.ts'
import { createSystemRuntime } from '../../../node/runtime/index.ts'
import type { Database, Runtime } from '../../../node/runtime/index.ts'
import { createWallet } from '../../actors/wallet/wallet.ts'
import type { Wallet } from '../../actors/wallet/wallet.ts'
import type { Network } from '../../networks/network.ts'
import {
  authEnvironment,
  backendEnvironment,
  ed25519KeyOfSeed,
  planNetwork,
  planOf
} from '../../networks/plan.ts'
import type { NetworkPlan, NodePlan, NodeUrls, WorldNaming } from '../../networks/plan.ts'
import { provisionNode } from '../../networks/provision.ts'
import type { Topology, TopologyNode } from '../../topology/model.ts'
import { startPostgres } from '../../services/postgres.ts'
import type { PostgresService } from '../../services/postgres.ts'
import { assignPorts } from './ports.ts'
import type { PortTable } from './ports.ts'
import { cleanUpDeadRuns, createRunDirectory } from './run-directory.ts'
import type { RunDirectory } from './run-directory.ts'
import { startServiceProcess } from './service-process.ts'
import type { ServiceProcess } from './service-process.ts'

const HOST = '127.0.0.1'

export type ServiceName = 'backend' | 'auth'

/** A network of real processes: one per service, one PostgreSQL for all, the wallets in this process. */
export interface LocalNetwork extends Network {
  readonly run: RunDirectory
  service(nodeName: string, service: ServiceName): ServiceProcess
  /** Ends a service as `kill -9` does. Nothing is told to anyone. */
  kill(nodeName: string, service: ServiceName): Promise<void>
  /** Starts a service again that was ended. */
  restart(nodeName: string, service: ServiceName): Promise<ServiceProcess>
  /** Resolves with what it says when a service or PostgreSQL ended that nobody ended. */
  readonly failure: Promise<string>
  /** Takes everything down in order; nothing is left of processes, ports and files. */
  stop(): Promise<void>
}

/** What the world tells while it comes up. */
export type OnStep = (step: string, detail: string) => void

/**
 * Brings a topology up as local processes. What fails takes down what already stood.
 *
 * @throws ServiceError with the service's own last words
 */
export async function startLocalNetwork(
  topology: Topology,
  onStep: OnStep = () => undefined
): Promise<LocalNetwork> {
  const cleaned = cleanUpDeadRuns()
  if (cleaned.runs > 0) {
    onStep('clean-up', `a killed run had left ${cleaned.processes} processes and its files: removed`)
  }
  const run = createRunDirectory()
  const undo: (() => Promise<void> | void)[] = [() => run.remove()]
  try {
    return await start(topology, onStep, run, undo)
  } catch (error) {
    await takeDown(undo)
    throw error
  }
}

async function takeDown(undo: (() => Promise<void> | void)[]): Promise<void> {
  const problems: unknown[] = []
  for (const step of undo.splice(0).reverse()) {
    try {
      await step()
    } catch (error) {
      problems.push(error) // the rest must still come down; all is told at the end
    }
  }
  if (problems.length > 0)
    throw new AggregateError(problems, 'the network could not be taken down completely')
}

async function start(
  topology: Topology,
  onStep: OnStep,
  run: RunDirectory,
  undo: (() => Promise<void> | void)[]
): Promise<LocalNetwork> {
  const runtime = createSystemRuntime({
    name: 'lab',
    logLevel: 'warn',
    writeLog: (line) => process.stderr.write(line)
  })
  undo.push(() => runtime.kill())
  const [postgres, ports] = await Promise.all([startPostgres(run), assignPorts(topology)])
  undo.push(() => postgres.stop())
  onStep('postgresql', postgres.description)

  const world = naming(ports, run)
  const network = planNetwork(topology, runtime.random, (node) => place(node, ports, postgres))
  await Promise.all(
    network.plans.flatMap(({ node }) => [
      postgres.createDatabase(databaseName(node.name, 'backend')),
      postgres.createDatabase(databaseName(node.name, 'auth'))
    ])
  )
  for (const { node, secrets } of network.plans) {
    const pem = ed25519KeyOfSeed(secrets.instanceKeySeed).export({ type: 'pkcs8', format: 'pem' })
    run.write(`${node.name}.pem`, pem.toString())
  }

  const wallets = new Map<string, Wallet>()
  const services = new Map<string, ServiceProcess>()
  const ending = new Set<ServiceProcess>()
  let fail!: (how: string) => void
  const failure = new Promise<string>((resolve) => (fail = resolve))
  void postgres.ended.then((how) => {
    if (!stopping) fail(how)
  })
  let stopping = false

  async function startService(plan: NodePlan, service: ServiceName): Promise<ServiceProcess> {
    const environment = service === 'backend' ? backendEnvironment(plan, world) : authEnvironment(plan, world)
    const started = await startServiceProcess(run, {
      name: `${plan.node.name}-${service}`,
      entry: `node/${service}/main.ts`,
      environment
    })
    services.set(`${plan.node.name}-${service}`, started)
    void started.ended.then((how) => {
      if (!ending.has(started)) fail(how)
    })
    return started
  }
  async function endService(started: ServiceProcess, signal: 'SIGTERM' | 'SIGKILL'): Promise<void> {
    ending.add(started)
    await started.end(signal)
  }
  undo.push(async () => {
    stopping = true
    await Promise.all([...services.values()].map((started) => endService(started, 'SIGTERM')))
  })

  await Promise.all(
    network.plans.map(async (plan) => {
      const wallet = createWallet(runtime, {
        plan,
        address: { host: HOST, port: ports.get(plan.node.name)!.wallet }
      })
      await wallet.start()
      undo.push(() => wallet.stop())
      wallets.set(plan.node.name, wallet)
    })
  )
  await Promise.all(
    network.plans.flatMap((plan) =>
      (['auth', 'backend'] as const).map(async (service) => {
        const { pid } = await startService(plan, service)
        onStep('service', `${plan.node.name} ${service} is up (process ${pid})`)
      })
    )
  )
  const nodes = await Promise.all(
    network.plans.map((plan) =>
      provisionNode(network, plan, { admin: wallets.get(plan.node.name)!.admin, random: runtime.random })
    )
  )
  onStep(
    'network',
    `${nodes.length} nodes, ${topology.links.length} links, wallet addresses: ${nodes.flatMap((node) => node.walletAddresses.map(({ name }) => `${name}@${node.name}`)).join(', ')}`
  )

  const ledgers = openLedgers(runtime, network, undo)
  run.write('network.json', JSON.stringify(toSharedNetwork(network), undefined, 2))

  return {
    plan: network,
    nodes,
    wallets,
    scheme: 'http',
    runtime,
    run,
    ledgerOf: ledgers,
    service: (nodeName, service) => services.get(`${nodeName}-${service}`)!,
    kill: (nodeName, service) => endService(services.get(`${nodeName}-${service}`)!, 'SIGKILL'),
    restart: (nodeName, service) => startService(planOf(network.plans, nodeName), service),
    failure,
    stop: () => takeDown(undo)
  }
}

/** Ledgers are opened beside the nodes, when an audit first asks. */
function openLedgers(
  runtime: Runtime,
  network: NetworkPlan,
  undo: (() => Promise<void> | void)[]
): (nodeName: string) => AuditableLedger {
  const opened = new Map<string, { database: Database; ledger: AuditableLedger }>()
  undo.push(async () => {
    for (const { database } of opened.values()) await database.close()
  })
  return (nodeName) => {
    let found = opened.get(nodeName)
    if (!found) {
      const database = runtime.openDatabase({
        url: planOf(network.plans, nodeName).databaseUrls.backend,
        maxConnections: 2
      })
      found = { database, ledger: createPostgresLedger({ database, clock: runtime.clock }) }
      opened.set(nodeName, found)
    }
    return found.ledger
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
  ports: PortTable,
  postgres: PostgresService
): Pick<NodePlan, 'urls' | 'databaseUrls'> {
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
    wallet: http(own.wallet)
  }
  return {
    urls,
    databaseUrls: {
      backend: postgres.url(databaseName(node.name, 'backend')),
      auth: postgres.url(databaseName(node.name, 'auth'))
    }
  }
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
