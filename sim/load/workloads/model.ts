import type { Runtime } from '../../../node/runtime/index.ts'
import type { Question, Answers } from '../../worlds/local/observer.ts'
import type { K6Script } from '../engine/k6.ts'
import type { WatchedProcess } from '../engine/processes.ts'
import type { DrawnTopology, LoadBounds, LoadReport, Reconciliation, StageRecord } from '../engine/model.ts'
import type { CallOutcome, CountedStage, StageOptions } from '../engine/stage.ts'

/** What a workload has at hand while a run lasts. */
export interface LoadContext {
  runtime: Runtime
  signal: AbortSignal
  step(name: string, detail: string): void
  /** Called at the end, in reverse order, however the run ends. */
  defer(takeDown: () => Promise<void> | void): void
}

/** A process that can be profiled from within. */
export interface ProfiledProcess {
  name: string
  ask<Name extends Question>(question: Name): Promise<Answers[Name]>
}

/** Something to load: brought up, with all that is known of it. */
export interface Workload {
  /** What a call is: `packets`, `payments`, `grants`, `requests`. */
  unit: string
  topology: DrawnTopology
  /** One call; never rejects. Absent where `drive` is. */
  call?(): Promise<CallOutcome>
  /** Makes a stage's calls by itself: of senders that find their own pace. */
  drive?(options: Omit<StageOptions, 'call'>): Promise<CountedStage>
  /** Calls under way at most in an open loop. */
  maxInFlight: number
  /** Callers of the closed loop that probes what can be carried at all. */
  probeCallers: number
  warmUpMs: number
  bounds: LoadBounds
  processes: WatchedProcess[]
  profiled: ProfiledProcess[]
  settings: LoadReport['settings']
  versions: LoadReport['versions']
  /** Bytes of the databases; undefined where they are not ours to ask. */
  databaseBytes?(): Promise<number>
  /** What each number of senders carried, where that is what is asked for. */
  sendersOf?(stages: readonly StageRecord[]): LoadReport['senders']
  /** The same calls as a script of k6; undefined where k6 cannot make them. */
  k6?: K6Script
  /**
   * Once nothing is under way any more: compares what everybody counted. `outcomes` is the generator's own count, of all
   * stages.
   */
  reconcile(outcomes: Readonly<Record<string, number>>): Promise<Reconciliation>
  /** Resolves with what it says when a service ended that nobody ended. */
  failure: Promise<string>
}
