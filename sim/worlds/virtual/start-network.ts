import { createAuth, loadAuthConfig } from '../../../node/auth/index.ts'
import { createBackend, loadBackendConfig } from '../../../node/backend/index.ts'
import { armVirtualFault, countVirtualTraffic } from '../../faults/virtual.ts'
import type { FaultGround } from '../../faults/virtual.ts'
import type { ArmedFault, Door, Fault, Part, Traffic } from '../../faults/model.ts'
import type { Network } from '../../networks/network.ts'
import { authEnvironment, backendEnvironment, ed25519KeyOfSeed, planOf } from '../../networks/plan.ts'
import type { NodePlan, NodeUrls, WorldNaming } from '../../networks/plan.ts'
import { raiseNetwork } from '../../networks/raise.ts'
import type { NetworkGround, OnStep, ServiceName } from '../../networks/raise.ts'
import type { Topology } from '../../topology/model.ts'
import type { VirtualRuntime } from './runtime.ts'
import { secondHostOf } from './second-host.ts'
import { POSTGRES_ADDRESS } from './world.ts'
import type { VirtualWorld } from './world.ts'

/** A network in a virtual world: every service is a process of the world, all of them in this one real process. */
export interface VirtualNetwork extends Network {
  /** Ends a service as `kill -9` does. */
  kill(nodeName: string, service: ServiceName): void
  /** Starts it again, as its next incarnation. */
  restart(nodeName: string, service: ServiceName): Promise<void>
  /** Starts a second process of its backend, on the same database, at a host of its own. */
  startSecond(nodeName: string): Promise<void>
  /** Whoever connects to its backend from now on reaches the second process, as behind a load balancer; or the first again. */
  leadTo(nodeName: string, process: 'first' | 'second'): void
  arm(fault: Fault, onStrike: () => void): ArmedFault
  count(traffic: Traffic): () => number
}

/** Ports are Rafiki's defaults, but for what everybody reaches by https, which nobody encrypts here. */
const NAMING: WorldNaming = {
  scheme: 'https',
  bindHost: '0.0.0.0',
  port: (_, service) =>
    ({
      admin: 3001,
      openPayments: 443,
      connector: 3002,
      auth: 443,
      authAdmin: 3003,
      introspection: 3007,
      interaction: 3009,
      serviceApi: 3011,
      wallet: 443,
      frontend: 3010
    })[service],
  privateKeyFile: () => undefined
}
/** The one file that there may be. */
const KEY_FILE = '/key.pem'

/** Brings a topology up inside of a virtual world; called from within it. */
export async function startVirtualNetwork(
  world: VirtualWorld,
  topology: Topology,
  onStep: OnStep = () => undefined
): Promise<VirtualNetwork> {
  const running = new Map<string, VirtualRuntime>()
  const runtime = world.runtimeOf(undefined)

  async function startService(plan: NodePlan, service: ServiceName): Promise<string> {
    const name = `${plan.node.name}-${service}`
    const home = world.runtime(name, hostOf(plan.node.name, service))
    running.set(name, home)
    await home.run(() => (service === 'backend' ? startBackend(plan, home) : startAuth(plan, home)))
    return `incarnation ${home.owner.incarnation}`
  }
  function startBackend(plan: NodePlan, home: VirtualRuntime): Promise<void> {
    if (!plan.node.hasKeyFile)
      return createBackend(loadBackendConfig(backendEnvironment(plan, NAMING)), home).start()
    const naming = { ...NAMING, privateKeyFile: () => KEY_FILE }
    const key = ed25519KeyOfSeed(plan.secrets.instanceKeySeed)
    const readTextFile = async () => String(key.export({ type: 'pkcs8', format: 'pem' }))
    const config = loadBackendConfig(backendEnvironment(plan, naming))
    return createBackend(config, { ...home, readTextFile }).start()
  }
  const startAuth = (plan: NodePlan, home: VirtualRuntime) =>
    createAuth(loadAuthConfig(authEnvironment(plan, NAMING)), home).start()

  const ground: NetworkGround = {
    scheme: 'https',
    runtime,
    place: ({ name }) => ({
      urls: urlsOf(name),
      databaseUrls: {
        backend: world.databaseUrl(`${name}_backend`, 'backend'),
        auth: world.databaseUrl(`${name}_auth`, 'auth')
      },
      ledger: { kind: 'postgres' }
    }),
    prepare: async () => undefined,
    walletHome: ({ node }) => ({
      runtime: world.runtime(`${node.name}-wallet`, hostOf(node.name, 'wallet')),
      address: { host: '0.0.0.0', port: 443 }
    }),
    startService
  }
  const network = await raiseNetwork(topology, ground, { onStep, undo: [] })
  const kill = (nodeName: string, service: ServiceName) => running.get(`${nodeName}-${service}`)!.kill()
  const restart = async (nodeName: string, service: ServiceName) =>
    void (await startService(planOf(network.plan.plans, nodeName), service))
  const faultGround: FaultGround = {
    world,
    hostOf: (node, part) => (part === 'database' ? POSTGRES_ADDRESS.host : hostOf(node, part)),
    portOf,
    runtimeOf: (node, service) => running.get(`${node}-${service}`)!,
    kill,
    restart
  }
  return {
    ...network,
    kill,
    restart,
    async startSecond(nodeName) {
      const home = world.runtime(`${nodeName}-second`, secondHostOf(nodeName))
      await home.run(() => startBackend(planOf(network.plan.plans, nodeName), home))
    },
    leadTo: (nodeName, process) =>
      world.network.lead(
        hostOf(nodeName, 'backend'),
        process === 'second' ? secondHostOf(nodeName) : undefined
      ),
    arm: (fault, onStrike) => armVirtualFault(faultGround, fault, onStrike),
    count: (traffic) => countVirtualTraffic(faultGround, traffic)
  }
}

function portOf(door: Door): number {
  return door === 'database' ? POSTGRES_ADDRESS.port : NAMING.port('', door)
}

function hostOf(nodeName: string, service: Exclude<Part, 'database'>): string {
  return service === 'backend' ? nodeName : `${service}.${nodeName}`
}

function urlsOf(name: string): NodeUrls {
  return {
    admin: `http://${name}:3001`,
    openPayments: `https://${name}`,
    connector: `http://${name}:3002`,
    auth: `https://auth.${name}`,
    authAdmin: `http://auth.${name}:3003`,
    introspection: `http://auth.${name}:3007`,
    interaction: `http://auth.${name}:3009`,
    serviceApi: `http://auth.${name}:3011`,
    wallet: `https://wallet.${name}`,
    frontend: `http://${name}:3010`
  }
}
