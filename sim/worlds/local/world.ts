import { createSystemRuntime } from '../../../node/runtime/index.ts'
import type { Runtime } from '../../../node/runtime/index.ts'
import type { Network } from '../../networks/network.ts'
import { authEnvironment, backendEnvironment, ed25519KeyOfSeed, planOf } from '../../networks/plan.ts'
import type { NetworkPlan, NodePlan, NodeUrls, WorldNaming } from '../../networks/plan.ts'
import { raiseNetwork, takeDown } from '../../networks/raise.ts'
import type { NetworkGround, OnStep, ServiceName, Undo } from '../../networks/raise.ts'
import { startPostgres } from '../../services/postgres.ts'
import type { PostgresService } from '../../services/postgres.ts'
import type { Topology, TopologyNode } from '../../topology/model.ts'
import { assignPorts } from './ports.ts'
import type { PortTable } from './ports.ts'
import { cleanUpDeadRuns, createRunDirectory } from './run-directory.ts'
import type { RunDirectory } from './run-directory.ts'
import { startServiceProcess } from './service-process.ts'
import type { ServiceProcess } from './service-process.ts'

const HOST = '127.0.0.1'

/** A network of real processes: one per service, one PostgreSQL for all, the wallets in this process. */
export interface LocalNetwork extends Network {
  readonly run: RunDirectory
  service(nodeName: string, service: ServiceName): ServiceProcess
  /** Ends a service as `kill -9` does. Nothing is told to anyone. */
  kill(nodeName: string, service: ServiceName): Promise<void>
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
  onStep: OnStep = () => undefined
): Promise<LocalNetwork> {
  const cleaned = cleanUpDeadRuns()
  if (cleaned.runs > 0) {
    onStep('clean-up', `a killed run had left ${cleaned.processes} processes and its files: removed`)
  }
  const run = createRunDirectory()
  const undo: Undo = [() => run.remove()]
  try {
    return await start(topology, onStep, run, undo)
  } catch (error) {
    await takeDown(undo)
    throw error
  }
}

async function start(
  topology: Topology,
  onStep: OnStep,
  run: RunDirectory,
  undo: Undo
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

  const services = createServices(run, naming(ports, run))
  undo.push(() => services.endAll())
  void postgres.failed.then((how) => services.fail(how))
  const ground = localGround({ runtime, run, postgres, ports, services })
  const network = await raiseNetwork(topology, ground, { onStep, undo })
  run.write('network.json', JSON.stringify(toSharedNetwork(network.plan), undefined, 2))
  return {
    ...network,
    run,
    service: (nodeName, service) => services.get(`${nodeName}-${service}`),
    kill: (nodeName, service) => services.end(services.get(`${nodeName}-${service}`), 'SIGKILL'),
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
  async function end(service: ServiceProcess, signal: 'SIGTERM' | 'SIGKILL'): Promise<void> {
    ending.add(service)
    await service.end(signal)
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
  ports,
  services
}: {
  runtime: Runtime
  run: RunDirectory
  postgres: PostgresService
  ports: PortTable
  services: ReturnType<typeof createServices>
}): NetworkGround {
  return {
    scheme: 'http',
    runtime,
    place: (node) => place(node, ports, postgres),
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
