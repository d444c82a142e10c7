/**
 * What a load run is and what it leaves: the same records are written as JSON, drawn by the report, and compared by
 * `lab report compare`. Times are of the run's own clock; money is in minor units, as decimal text.
 */

export const LOAD_KINDS = ['connector', 'stream', 'payments', 'grants', 'admin'] as const
export type LoadKind = (typeof LOAD_KINDS)[number]

export const LOAD_TOPOLOGIES = [
  'loopback-fulfil',
  'loopback-reject',
  'pair',
  'three-hops',
  'fan-in',
  'hot-account'
] as const
export type LoadTopology = (typeof LOAD_TOPOLOGIES)[number]

export const LOAD_ENGINES = ['built-in', 'k6'] as const
export type LoadEngine = (typeof LOAD_ENGINES)[number]

/** How calls arrive. Open loop: at a rate, whatever becomes of earlier ones. Closed: each caller after its last. */
export type Arrivals =
  | { kind: 'rate'; perSecond: number }
  | { kind: 'ramp'; fromPerSecond: number; toPerSecond: number }
  | { kind: 'closed'; callers: number }

export interface Percentiles {
  p50Ms: number
  p90Ms: number
  p95Ms: number
  p99Ms: number
  p999Ms: number
  maxMs: number
}

/** One second of a stage. Offered counts when calls were due, the others when they ended. */
export interface SecondOfStage {
  atS: number
  offered: number
  completed: number
  failed: number
  p50Ms: number
  p95Ms: number
  p99Ms: number
}

export const PROCESS_ROLES = ['connector', 'auth', 'wallet', 'database', 'generator', 'other'] as const
/** What a measured process is to the run. PostgreSQL's processes count as one, the ledger's writer among them. */
export type ProcessRole = (typeof PROCESS_ROLES)[number]

/** One look at a process, about once a second. What cannot be known of it is absent. */
export interface ProcessSample {
  atS: number
  /** Processors used since the last look: 1 is one of them, whole. */
  cpuShare: number
  /** Of several processes that count as one: the share of the busiest of them. */
  busiestShare?: number
  /** Of several processes: what is not shared among them. */
  residentBytes: number
  /** Open files and sockets. */
  handles?: number
  heapBytes?: number
  /** Part of the time that the event loop was busy, 0 to 1. */
  eventLoopUtilisation?: number
  eventLoopDelayP99Ms?: number
}

export interface ProcessSeries {
  /** As people call it: `acacia backend`, `PostgreSQL`, `generator`. */
  name: string
  role: ProcessRole
  node?: string
  samples: ProcessSample[]
}

/** How busy one thing was over a stage, 0 to 1 of what it can be. */
export interface Busyness {
  /** `event loop of acacia backend`, `PostgreSQL (busiest process)`, `processors of the machine` … */
  what: string
  share: number
  /** The figure in words. */
  detail: string
}

/** What kept a stage from carrying more, as far as its samples tell; the busiest first. */
export interface Saturation {
  /** Undefined: nothing was near its limit. */
  by: string | undefined
  busiest: Busyness[]
}

export interface StageRecord {
  /** `warm-up`, `probe`, `1 of at most 7`, `soak` … */
  name: string
  arrivals: Arrivals
  /** Whether the figures count: a warm-up's do not. */
  counts: boolean
  startedAtS: number
  elapsedMs: number
  offered: number
  completed: number
  failed: number
  /** Due while as many as may be were under way, and not made. */
  dropped: number
  completedPerSecond: number
  /** Of what completed. Open loop: from when a call was due (no coordinated omission); closed: from when it was made. */
  latency: Percentiles
  /** How calls ended, by name: `fulfilled`, `R02`, `HTTP 503` … */
  outcomes: Record<string, number>
  /** How late the generator was at most with a call. */
  generatorLagMs: number
  seconds: SecondOfStage[]
  saturation: Saturation
  /** Of a stage that is held to bounds: what it broke; empty when none. */
  broke?: string[]
}

/** What must hold for a rate to count as carried. */
export interface LoadBounds {
  p99Ms: number
  /** Part of the calls that may fail, 0 to 1. */
  errorShare: number
}

/** One quantity over the minutes of a soak. */
export interface Slope {
  what: string
  unit: string
  /** Its value in the middle of the run. */
  mean: number
  /** Change per hour: least squares over block means, and the 95 % interval around it. */
  perHour: number
  low: number
  high: number
  /** Zero lies within the interval. */
  isFlat: boolean
}

export interface ReconciledCount {
  /** `generator: fulfilled`, `acacia's ledger: posted from sender-1`, `peer: received` … */
  what: string
  count?: number
  /** Minor units, decimal. */
  amount?: string
}

/** Packets or payments that one side booked and the other did not (money.md 1), and why. */
export interface Orphans {
  where: string
  count: number
  amount: string
  cause: string
}

export interface Reconciliation {
  ok: boolean
  counts: ReconciledCount[]
  orphans: Orphans[]
  problems: string[]
}

/** A topology as the report draws it: boxes in columns, arrows between them. */
export interface DrawnTopology {
  name: string
  nodes: { name: string; role: 'generator' | 'node' | 'peer'; detail: string; column: number }[]
  links: { from: string; to: string; detail: string }[]
}

/** Processor time by step, of one process, per call. */
export interface StepProfile {
  process: string
  /** Calls that the profile covers. */
  calls: number
  steps: { step: string; microseconds: number; share: number }[]
}

export interface LoadReport {
  version: 1
  kind: LoadKind
  engine: LoadEngine
  mode: 'rate' | 'ramp' | 'closed' | 'search'
  /** What a call is: `packets`, `payments`, `grants`, `requests`. */
  unit: string
  /** What was typed. */
  command: string
  startedAt: string
  seed: number
  machine: string
  /** Undefined outside a checkout; `+` after it: with changes that are not committed. */
  commit: string | undefined
  versions: Record<string, string>
  settings: Record<string, string | number | boolean>
  topology: DrawnTopology
  bounds: LoadBounds
  stages: StageRecord[]
  processes: ProcessSeries[]
  /** Of a search: the highest rate that held the bounds, and what kept it from more. */
  limit?: { perSecond: number; stage: number; saturatedBy: string | undefined }
  /** Of `stream`: what each number of senders carried. */
  senders?: { senders: number; packetsPerSecond: number; moneyPerSecond: string; asset: string }[]
  /** Of k6: its thresholds. */
  thresholds?: { name: string; ok: boolean }[]
  slopes?: Slope[]
  profiles?: StepProfile[]
  reconciliation: Reconciliation
  /** All that must hold did: it reconciled, and no bound or threshold was broken that fails a run. */
  ok: boolean
  problems: string[]
}
