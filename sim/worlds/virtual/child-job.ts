import type { ServerAddress } from '../interleave/server.ts'

/** What the parent asks of the world's process. */
export type ChildJob =
  | { kind: 'image' }
  | {
      kind: 'run'
      seed: string
      /** URL of the module whose default export is the scenario. */
      module: string
      args: unknown
      logFile?: string
      latencyMs?: number
      database?: boolean
      /** A real PostgreSQL instead of the one in memory: an interleave world. */
      server?: ServerAddress
      limitMs?: number
    }

export type ChildMessage =
  | {
      ok: true
      result: unknown
      hash: string
      events: number
      simulatedMs: number
      wallMs: number
      /** What the process holds afterwards. */
      rssBytes: number
    }
  | {
      ok: false
      error: string
      /** Whose fault it is: the world came to a stop, or the scenario threw. */
      fault?: VirtualRunError['fault']
    }

export interface VirtualRunOptions {
  seed: string
  /** Real time that the process may take, start-up included. */
  wallLimitMs?: number
  /** Simulated time that the scenario may take. */
  limitMs?: number
  /** The whole history as text is written here. */
  logFile?: string
  latencyMs?: number
  database?: boolean
  /** A real PostgreSQL instead of the one in memory: an interleave world. */
  server?: ServerAddress
}

export interface VirtualRunResult<T> {
  /** What the scenario returned, as JSON. */
  result: T
  /** SHA-256 over every message, statement, timer and random draw: equal for equal seeds. */
  hash: string
  /** Events in the history. */
  events: number
  /** Simulated time that the scenario took. */
  simulatedMs: number
  /** Processor time that the scenario took, start-up not counted. */
  wallMs: number
}

/** The world's process failed: the scenario threw, the world was stuck, or it took too long. */
export class VirtualRunError extends Error {
  override name = 'VirtualRunError'
  /**
   * `world`: it was stuck, spun, deadlocked at the database, or took too long. `scenario`: code threw. `process`: it
   * ended or was ended from outside.
   */
  readonly fault: 'world' | 'scenario' | 'process'
  constructor(message: string, fault: VirtualRunError['fault']) {
    super(message)
    this.fault = fault
  }
}
