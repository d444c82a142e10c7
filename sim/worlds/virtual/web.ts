import http from 'node:http'
import https from 'node:https'
import { Dispatcher, setGlobalDispatcher } from 'undici'
import { createHttpClient } from '../../../node/runtime/index.ts'
import type { HttpClient } from '../../../node/runtime/index.ts'
import { currentOwner } from './owner.ts'
import type { Owner } from './owner.ts'
import type { VirtualRuntime } from './runtime.ts'

/**
 * Puts `fetch` and `http.request` of libraries on the virtual network: each process of the world has connections of its
 * own, which end with it.
 *
 * @param runtimeOf the process whose code runs
 */
export function installWeb(runtimeOf: (owner: Owner | undefined) => VirtualRuntime): void {
  const clients = new WeakMap<VirtualRuntime, HttpClient>()

  function clientOf(runtime: VirtualRuntime): HttpClient {
    const found = clients.get(runtime)
    if (found) return found
    const made = runtime.run(() => createHttpClient(runtime))
    clients.set(runtime, made)
    return made
  }

  class VirtualDispatcher extends Dispatcher {
    override dispatch(options: Dispatcher.DispatchOptions, handler: Dispatcher.DispatchHandler): boolean {
      return clientOf(runtimeOf(currentOwner())).dispatcher.dispatch(options, handler)
    }
    override async close(): Promise<void> {
      return undefined // the processes own the connections
    }
    override async destroy(): Promise<void> {
      return undefined
    }
  }
  setGlobalDispatcher(new VirtualDispatcher())

  const connect = (options: { host?: string | null; port?: number | string | null }) =>
    runtimeOf(currentOwner()).network.connect({
      host: options.host ?? 'localhost',
      port: Number(options.port)
    })
  http.Agent.prototype.createConnection = connect as never
  https.Agent.prototype.createConnection = connect as never
}
