import { backendEnvironment, planOf } from '../../networks/plan.ts'
import { freePorts } from '../../services/free-ports.ts'
import { startServiceProcess } from '../../worlds/local/service-process.ts'
import { holdToCpuQuota } from '../bench/cpu-quota.ts'
import type { WatchedProcess } from '../engine/processes.ts'
import type { LoadContext, ProfiledProcess } from './model.ts'
import type { LoadedNetwork } from './network.ts'

/** The processes that carry packets for one node, all on its database: the node's own, and more of them. */
export interface ConnectorProcesses {
  /** Where packets go in, one door of each. */
  origins: string[]
  /** Those beside the node's own. */
  processes: WatchedProcess[]
  profiled: ProfiledProcess[]
  failure: Promise<string>
}

const HOST = '127.0.0.1'

/**
 * Starts further backends of a node on its database, as one scales a node out, and holds each to its part of a
 * processor.
 *
 * @throws Error where a quota is asked for and cannot be set here
 */
export async function startMoreConnectors(
  context: LoadContext,
  { network }: LoadedNetwork,
  nodeName: string,
  { processes, quota }: { processes: number; quota: number | undefined }
): Promise<ConnectorProcesses> {
  const plan = planOf(network.plan.plans, nodeName)
  const own = network.service(nodeName, 'backend')
  const result: ConnectorProcesses = {
    origins: [plan.urls.connector],
    processes: [],
    profiled: [],
    failure: new Promise(() => undefined)
  }
  const pids = [own.pid]
  const failures: Promise<string>[] = []
  for (let number = 2; number <= processes; number++) {
    const name = `${nodeName} backend ${number}`
    const ports = await freePorts(3)
    const doors = { admin: ports[0]!, openPayments: ports[1]!, connector: ports[2]! }
    const service = startServiceProcess(network.run, {
      name: name.replaceAll(' ', '-'),
      entry: 'node/backend/main.ts',
      environment: backendEnvironment(plan, {
        scheme: 'http',
        bindHost: HOST,
        port: (_node, door) => doors[door as keyof typeof doors],
        privateKeyFile: (node) => network.run.file(`${node}.pem`)
      })
    })
    let isEnding = false
    context.defer(() => {
      isEnding = true
      return service.end('SIGTERM')
    })
    await service.started
    // One that is ended with the run has not failed.
    failures.push(service.ended.then((how) => (isEnding ? new Promise<never>(() => undefined) : how)))
    context.step('service', `${name} is up (process ${service.pid}, on the same database)`)
    pids.push(service.pid)
    result.origins.push(`http://localhost:${doors.connector}`)
    result.processes.push({
      name,
      role: 'connector',
      node: nodeName,
      pid: service.pid,
      observe: () => service.ask('observe')
    })
    result.profiled.push({ name, ask: (question) => service.ask(question) })
  }
  if (failures.length > 0) result.failure = Promise.race(failures)
  if (quota !== undefined) {
    for (const pid of pids) {
      const held = holdToCpuQuota(pid, quota)
      if ('problem' in held) throw new Error(`no process can be held to a quota here: ${held.problem}`)
      context.defer(held.release)
    }
    context.step('held to', `${quota} of a processor each`)
  }
  return result
}
