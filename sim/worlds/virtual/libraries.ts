import { randomFillSync } from 'node:crypto'
import http from 'node:http'
import https from 'node:https'
import { createRequire } from 'node:module'
import { getResourceServerOpenAPI } from '@interledger/open-payments'
import * as ws from 'ws'

const require = createRequire(import.meta.url)

/**
 * Libraries that keep something for the whole process: here each process of a world has its own, or none. Otherwise the
 * first one to use them would take it along when it is killed, and one world would leave it to the next.
 */
export async function installLibraries(): Promise<void> {
  installTimersOfUndici()
  installMasksOfWebSockets()
  await installValidators()
}

/** One tick, of whoever asked first, drives all timers of undici. */
function installTimersOfUndici(): void {
  const timers = require('undici/lib/util/timers.js') as Record<string, unknown>
  const set = (callback: () => void, delayMs: number, argument: unknown) =>
    setTimeout(callback, delayMs, argument)
  const clear = (timeout: NodeJS.Timeout) => clearTimeout(timeout)
  Object.assign(timers, {
    setTimeout: set,
    setFastTimeout: set,
    clearTimeout: clear,
    clearFastTimeout: clear
  })
}

/** Random bytes for the masks of frames are drawn for many of them at once, whoever sends them. */
function installMasksOfWebSockets(): void {
  interface FrameOptions {
    generateMask?: (mask: Uint8Array) => void
  }
  // The types do not name it.
  const { Sender } = ws as unknown as {
    Sender: { frame(data: Buffer, options: FrameOptions): Buffer[] }
  }
  const frame = Sender.frame.bind(Sender)
  Sender.frame = (data, options) => {
    options.generateMask ??= (mask) => void randomFillSync(mask, 0, 4)
    return frame(data, options)
  }
}

/**
 * Every service compiles the OpenAPI documents, a second and more of a processor for a network. What is compiled keeps
 * nothing of what it validates, so that one serves all.
 */
async function installValidators(): Promise<void> {
  type Make = (this: { paths: Record<string, unknown> }, lookUp: { path: string; method: string }) => unknown
  const document = await getResourceServerOpenAPI()
  const prototype = Object.getPrototypeOf(document) as Record<string, Make>
  for (const name of ['createRequestValidator', 'createResponseValidator']) {
    const make = prototype[name]!
    const made = new Map<string, unknown>()
    prototype[name] = function (lookUp) {
      const key = `${lookUp.method} ${lookUp.path} ${JSON.stringify(this.paths[lookUp.path])}`
      const found = made.get(key)
      if (found) return found
      const validator = make.call(this, lookUp)
      made.set(key, validator)
      return validator
    }
  }
}

/** Connections that `http.request` kept for later are of hosts that are no more. */
export function forgetConnections(): void {
  http.globalAgent.destroy()
  https.globalAgent.destroy()
}
