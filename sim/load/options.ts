import { parseArgs } from 'node:util'
import { WrongUse } from '../commands/wrong-use.ts'
import { LOCAL_LEDGERS } from '../worlds/local/world.ts'
import type { LocalLedger } from '../worlds/local/world.ts'
import { LOAD_ENGINES, LOAD_KINDS, LOAD_TOPOLOGIES } from './engine/model.ts'
import type { LoadBounds, LoadEngine, LoadKind, LoadTopology } from './engine/model.ts'
import type { LoadMode } from './engine/runner.ts'

/** What `lab load` was asked for. */
export interface LoadOptions {
  kind: LoadKind
  /** Path of a description of what is up already; undefined: a network of ours. */
  target: string | undefined
  topology: LoadTopology
  transport: 'http' | 'btp'
  ledger: LocalLedger
  engine: LoadEngine
  mode: LoadMode
  durationMs: number
  /** The workload's own otherwise. */
  warmUpMs: number | undefined
  /** Those that were given; the workload's own otherwise. */
  bounds: Partial<LoadBounds>
  processes: number
  quota: number | undefined
  profile: boolean
  seed: number
  report: string | undefined
  json: boolean
}

export const LOAD_HELP = `npm run lab -- load ${LOAD_KINDS.join('|')} [options]

Loads a connector, or a network of nodes, on this machine and says what it carries; every run ends with a comparison of
what everybody counted, and one that does not add up has failed.

  connector   ILP packets through nodes
  stream      STREAM senders over two peered nodes: packets and money of one, and of 100
  payments    end-to-end payments over two peered nodes
  grants      GNAP grants of an Open Payments client: asked for, used once, revoked
  admin       requests to the Admin API of a node

How calls arrive (default: an open loop at 70 % of what a probe carries):
  --rate N             open loop: N per second, whatever becomes of earlier ones
  --ramp FROM:TO       open loop that grows evenly from one rate to another
  --search             look for the highest rate that holds the bounds, by bisection
  --callers N[,N…]     closed loop: N at once, each making its next call when its last one ended; several numbers one
                       after the other (of stream always, default 1,100: a sender finds its own pace)
  --duration TIME      of each stage: seconds, or 90s, 30m, 1h (default 10 s; 30 s for a rate that is given)
  --warm-up TIME       closed loop before anything counts (default 4 to 8 s, by what is loaded)
  --p99 MS, --errors SHARE   the bounds; given without --search, breaking them fails the run

What is loaded:
  --target FILE        what is up already, of whoever's, instead of a network on this machine: connector and payments
                       (docs/performance.md, load, says what the file holds)
  --topology NAME      ${LOAD_TOPOLOGIES.join(', ')} (connector only; default pair)
  --transport NAME     http or btp (default http)
  --ledger NAME        ${LOCAL_LEDGERS.join(' or ')} (default postgres)
  --processes N        connector processes of the first node, on one database (connector only)
  --quota SHARE        part of a processor that each of them is held to

Who makes the calls:
  --engine NAME        ${LOAD_ENGINES.join(', or ')}: the k6 on the PATH, with the script of scenarios/load, the bounds as its
                       thresholds (broken ones fail the run) (default built-in)

What is told:
  --profile            processor time by step of each backend
  --report DIR         writes the run as DIR/load.json and DIR/index.html
  --seed N             of what is drawn (default 1)
  --json               one JSON object per line, the last {"event":"summary","ok":…}

Exit status: 0 all is well, 1 it did not reconcile, a bound was broken, or a service failed, 2 wrong use.
`

const OPTIONS = {
  rate: { type: 'string' },
  ramp: { type: 'string' },
  search: { type: 'boolean' },
  callers: { type: 'string' },
  duration: { type: 'string' },
  'warm-up': { type: 'string' },
  p99: { type: 'string' },
  errors: { type: 'string' },
  target: { type: 'string' },
  engine: { type: 'string', default: 'built-in' },
  topology: { type: 'string' },
  transport: { type: 'string' },
  ledger: { type: 'string' },
  processes: { type: 'string' },
  quota: { type: 'string' },
  profile: { type: 'boolean', default: false },
  report: { type: 'string' },
  seed: { type: 'string', default: '1' },
  json: { type: 'boolean', default: false },
  help: { type: 'boolean', default: false }
} as const

const DEFAULT_DURATION_MS = 10_000
const DEFAULT_RATE_DURATION_MS = 30_000
/** STREAM senders. */
const ONE_AND_MANY = '1,100'
const MOST_SENDERS = 1_000
const LONGEST_MS = 24 * 3_600_000

/**
 * Reads the command line of `lab load`; undefined where the help was asked for.
 *
 * @throws WrongUse naming the option and what it takes
 */
export function parseLoadOptions(args: string[]): LoadOptions | undefined {
  const { values, positionals } = parse(args)
  if (values.help) return undefined
  const kind = oneOf('what to load', positionals[0], LOAD_KINDS)
  if (positionals.length > 1)
    throw new WrongUse(`one thing is loaded at a time, not "${positionals.join(' ')}"`)
  const isConnector = kind === 'connector'
  for (const option of ['topology', 'processes', 'quota'] as const) {
    if (!isConnector && values[option] !== undefined) {
      throw new WrongUse(`--${option} is for "load connector", not for "load ${kind}"`)
    }
  }
  if (kind !== 'connector' && kind !== 'stream' && kind !== 'payments' && values.transport !== undefined)
    throw new WrongUse(`--transport is of packets, not for "load ${kind}"`)
  const mode = kind === 'stream' ? sendersOf(values) : modeOf(values)
  return {
    kind,
    target: targetOf(kind, values),
    topology: oneOf('--topology', values.topology ?? 'pair', LOAD_TOPOLOGIES),
    transport: oneOf('--transport', values.transport ?? 'http', ['http', 'btp'] as const),
    ledger: oneOf('--ledger', values.ledger ?? 'postgres', LOCAL_LEDGERS),
    engine: oneOf('--engine', values.engine, LOAD_ENGINES),
    mode,
    durationMs:
      values.duration === undefined
        ? values.rate === undefined && values.ramp === undefined
          ? DEFAULT_DURATION_MS
          : DEFAULT_RATE_DURATION_MS
        : durationOf('--duration', values.duration),
    warmUpMs: values['warm-up'] === undefined ? undefined : durationOf('--warm-up', values['warm-up']),
    bounds: {
      ...(values.p99 !== undefined && { p99Ms: decimal('--p99', values.p99, 0.1, 60_000) }),
      ...(values.errors !== undefined && { errorShare: decimal('--errors', values.errors, 0, 1) })
    },
    processes: values.processes === undefined ? 1 : decimal('--processes', values.processes, 1, 16, true),
    quota: values.quota === undefined ? undefined : decimal('--quota', values.quota, 0.05, 1),
    profile: values.profile,
    seed: decimal('--seed', values.seed, 0, 2 ** 32 - 1, true),
    report: values.report,
    json: values.json
  }
}

function parse(args: string[]) {
  try {
    return parseArgs({ args, allowPositionals: true, options: OPTIONS })
  } catch (error) {
    throw new WrongUse((error as Error).message)
  }
}

function modeOf(values: {
  rate?: string | undefined
  ramp?: string | undefined
  search?: boolean | undefined
  callers?: string | undefined
}): LoadMode {
  const given = (['rate', 'ramp', 'search', 'callers'] as const).filter((name) => values[name] !== undefined)
  if (given.length > 1) throw new WrongUse(`one of --${given.join(', --')} can be given, not all`)
  if (values.search) return { kind: 'search' }
  if (values.callers !== undefined) {
    return { kind: 'closed', callers: callersOf(values.callers) }
  }
  if (values.ramp !== undefined) {
    const [from, to, ...more] = values.ramp.split(':')
    if (to === undefined || more.length > 0) {
      throw new WrongUse(`--ramp needs two rates, such as 100:2000, not "${values.ramp}"`)
    }
    return {
      kind: 'ramp',
      fromPerSecond: decimal('--ramp', from!, 0.1, 1e6),
      toPerSecond: decimal('--ramp', to, 0.1, 1e6)
    }
  }
  return {
    kind: 'rate',
    perSecond: values.rate === undefined ? undefined : decimal('--rate', values.rate, 0.1, 1e6)
  }
}

/** @throws WrongUse where it says with a target what only a network of ours has */
function targetOf(
  kind: LoadKind,
  values: { target?: string | undefined } & Record<string, unknown>
): string | undefined {
  const { target } = values
  if (target === undefined) return undefined
  if (kind !== 'connector' && kind !== 'payments') {
    throw new WrongUse(`--target is for "load connector" and "load payments", not for "load ${kind}"`)
  }
  for (const option of ['topology', 'ledger', 'processes', 'quota'] as const) {
    if (values[option] !== undefined) {
      throw new WrongUse(`--${option} is of a network on this machine: it cannot be given with --target`)
    }
  }
  return target
}

function sendersOf({ rate, ramp, search, callers = ONE_AND_MANY }: Parameters<typeof modeOf>[0]): LoadMode {
  if (rate !== undefined || ramp !== undefined || search) {
    throw new WrongUse('a STREAM sender finds its own pace: --callers says how many of them there are')
  }
  return { kind: 'closed', callers: callersOf(callers, MOST_SENDERS) }
}

function callersOf(text: string, most = 10_000): number[] {
  return text.split(',').map((each) => decimal('--callers', each, 1, most, true))
}

const UNITS_MS = { ms: 1, s: 1_000, m: 60_000, h: 3_600_000 } as const

function durationOf(option: string, text: string): number {
  const found = /^(\d+(?:\.\d+)?)(ms|s|m|h)?$/.exec(text)
  const durationMs = found
    ? Number(found[1]) * UNITS_MS[(found[2] ?? 's') as keyof typeof UNITS_MS]
    : Number.NaN
  if (durationMs >= 1_000 && durationMs <= LONGEST_MS) return durationMs
  throw new WrongUse(`${option} needs a time from 1s to 24h, such as 90s, 30m or 1h, not "${text}"`)
}

function decimal(option: string, text: string, low: number, high: number, isWhole = false): number {
  const value = /^\d+(\.\d+)?$/.test(text) ? Number(text) : Number.NaN
  if (value >= low && value <= high && (!isWhole || Number.isInteger(value))) return value
  throw new WrongUse(
    `${option} needs a ${isWhole ? 'whole ' : ''}number from ${low} to ${high}, not "${text}"`
  )
}

function oneOf<Name extends string>(option: string, given: string | undefined, names: readonly Name[]): Name {
  const found = names.find((name) => name === given)
  if (found === undefined) {
    throw new WrongUse(
      `${option}: one of ${names.join(', ')} is needed${given === undefined ? '' : `, not "${given}"`}`
    )
  }
  return found
}
