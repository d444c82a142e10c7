import { readFileSync } from 'node:fs'
import type { Network } from '../../networks/network.ts'
import { SERVICES } from '../../networks/raise.ts'
import type { ServiceName } from '../../networks/raise.ts'
import type { Topology } from '../../topology/model.ts'
import { answer } from '../../worlds/local/observer.ts'
import type { EventLoopLook } from '../../worlds/local/observer.ts'
import { startLocalNetwork } from '../../worlds/local/world.ts'
import type { LocalLedger, LocalNetwork } from '../../worlds/local/world.ts'
import { describe, readDurability } from '../bench/ledger-store.ts'
import type { WatchedProcess } from '../engine/processes.ts'
import type { ProfiledProcess } from './model.ts'
import type { LoadContext } from './model.ts'

/** A network as operators run it, with default settings, and what is known of its processes. */
export interface LoadedNetwork {
  network: LocalNetwork
  processes: WatchedProcess[]
  profiled: ProfiledProcess[]
  durability: Record<string, string>
  databaseBytes(): Promise<number>
}

/** Brings a topology up as local processes, to be taken down with the run. */
export async function startLoadedNetwork(
  context: LoadContext,
  topology: Topology,
  { ledger = 'postgres', cache = 'memory' }: { ledger?: LocalLedger; cache?: 'memory' | 'redis' } = {}
): Promise<LoadedNetwork> {
  const network = await startLocalNetwork(topology, context.step, { ledger, cache })
  context.defer(() => network.stop())
  const databaseUrl = network.plan.plans[0]!.databaseUrls.backend
  const database = context.runtime.openDatabase({ url: databaseUrl, maxConnections: 1 })
  context.defer(() => database.close())
  const durability = await readDurability(database)
  context.step('durable', describe(durability))
  const services = network.plan.plans.flatMap(({ node }) =>
    SERVICES.map((service) => watchedService(network, node.name, service))
  )
  return {
    network,
    processes: [...services, ...postgresOf(network), generator()],
    profiled: network.plan.plans.map(({ node }) => ({
      name: `${node.name} backend`,
      ask: (question) => network.service(node.name, 'backend').ask(question)
    })),
    durability,
    async databaseBytes() {
      const { rows } = await database.knex.raw<{ rows: [{ bytes: string }] }>(
        `SELECT sum(pg_database_size(datname))::text AS bytes FROM pg_database WHERE NOT datistemplate`
      )
      return Number(rows[0].bytes)
    }
  }
}

function watchedService(network: LocalNetwork, node: string, service: ServiceName): WatchedProcess {
  const process = network.service(node, service)
  return {
    name: `${node} ${service}`,
    role: service === 'backend' ? 'connector' : 'auth',
    node,
    pid: process.pid,
    observe: () => process.ask('observe')
  }
}

/** Of somebody else's server nothing is known. */
function postgresOf({ postgres }: LocalNetwork): WatchedProcess[] {
  if (postgres.pid === undefined) return []
  return [{ name: 'PostgreSQL', role: 'database', pid: postgres.pid, family: true }]
}

/** This very process: it makes the calls, and runs the wallets and peers at the ends. */
export function generator(): WatchedProcess {
  return {
    name: 'generator',
    role: 'generator',
    pid: process.pid,
    observe: () => answer('observe') as Promise<EventLoopLook>
  }
}

export function ownVersions(): Record<string, string> {
  const { version } = JSON.parse(readFileSync(new URL('../../../package.json', import.meta.url), 'utf8')) as {
    version: string
  }
  return { 'rafiki-lab': version, 'Node.js': process.version }
}

/** The operator's Admin API of a node of the network. */
export function adminOf({ wallets }: Pick<Network, 'wallets'>, node: string) {
  return wallets.get(node)!.admin
}
