import { z } from 'zod'
import { DOORS } from '../faults/model.ts'
import type { Fault } from '../faults/model.ts'
import { LINK_TRANSPORTS } from '../topology/model.ts'

/** The version of the format: a file of another one is refused, not guessed at. */
export const HISTORY_VERSION = 1

/** Nodes by their place, and their customers: two each. */
export const NODE_NAMES = ['acacia', 'baobab', 'cedar', 'douglas'] as const
export const ACCOUNTS = [
  'alice@acacia',
  'adam@acacia',
  'bob@baobab',
  'bella@baobab',
  'carol@cedar',
  'chris@cedar',
  'dora@douglas',
  'dan@douglas'
] as const
/** Minor units of any two are worth about the same, to a factor of 200: any amount makes sense in each. */
export const ASSETS = ['USD/2', 'EUR/2', 'EUR/3', 'MXN/1', 'MXN/2'] as const
export const CURRENCIES = ['USD', 'EUR', 'MXN'] as const

const MAX_AMOUNT = 10n ** 15n
const MAX_TIME_MS = 24 * 3_600_000

/** Amounts are bigint minor units, in JSON as decimal strings. */
const amount = z
  .union([z.bigint(), z.string().regex(/^\d{1,16}$/, 'an amount as a decimal string is needed')])
  .transform((value) => BigInt(value))
  .refine((value) => value <= MAX_AMOUNT, `an amount of at most ${MAX_AMOUNT} is needed`)
const timeMs = z.int().min(0).max(MAX_TIME_MS)
const nodeName = z.enum(NODE_NAMES)
const account = z.enum(ACCOUNTS)
const asset = z.enum(ASSETS)
const service = z.enum(['backend', 'auth'])

const nodeSchema = z.strictObject({
  /** Of its customers. */
  asset,
  /** What it takes of each payment that its customers send; both zero: nothing. */
  fee: z.strictObject({ fixed: amount, basisPoints: z.int().min(0).max(10_000) }),
  /** To the next node of the line; of the last, where there is a ring, to the first. */
  link: z.strictObject({
    asset,
    /** Minor units that each side may send before settlement. */
    liquidity: amount,
    /** 0: no limit. */
    maxPacketAmount: amount,
    transport: z.enum(LINK_TRANSPORTS)
  })
})

const between = { from: account, to: account }

/** What actors do, by `do`; each begins at `atMs` after the start, beside the others. */
export const ACTION_SCHEMAS = {
  /** A payment: the payer's debit is fixed, or what the receiver gets. */
  pay: z.strictObject({
    do: z.literal('pay'),
    atMs: timeMs,
    ...between,
    fixed: z.enum(['send', 'receive']),
    amount
  }),
  /** Several payments into one incoming payment, which asks for `amount`; 0: for no certain one. */
  payIntoOne: z.strictObject({
    do: z.literal('payIntoOne'),
    atMs: timeMs,
    to: account,
    amount,
    payers: z.array(z.strictObject({ from: account, send: amount })).max(6)
  }),
  /** Payments at once under one grant with a limit. */
  race: z.strictObject({
    do: z.literal('race'),
    atMs: timeMs,
    ...between,
    limit: amount,
    sends: z.array(amount).max(6)
  }),
  /** Two grants for one quote, and a payment of each at once: only one may be made. */
  quoteTwice: z.strictObject({ do: z.literal('quoteTwice'), atMs: timeMs, ...between, amount }),
  /** A payment is made of a quote around the end of its life. */
  useLateQuote: z.strictObject({
    do: z.literal('useLateQuote'),
    atMs: timeMs,
    ...between,
    amount,
    afterExpiryMs: z.int().min(-60_000).max(60_000)
  }),
  /** The receiver completes the incoming payment while it is being paid. */
  completeEarly: z.strictObject({
    do: z.literal('completeEarly'),
    atMs: timeMs,
    ...between,
    amount,
    afterMs: timeMs
  }),
  /** The incoming payment expires, perhaps while it is being paid. */
  expire: z.strictObject({
    do: z.literal('expire'),
    atMs: timeMs,
    ...between,
    amount,
    expiresInMs: timeMs.min(1)
  }),
  /** A grant is revoked after its first payment was made; the second must be refused. */
  revoke: z.strictObject({ do: z.literal('revoke'), atMs: timeMs, ...between, amount, afterMs: timeMs }),
  /** The operator cancels a payment, if the wallet has not paid for it yet. */
  cancel: z.strictObject({ do: z.literal('cancel'), atMs: timeMs, ...between, amount, afterMs: timeMs }),
  /** The wallet answers twice: it deposits what a payment needs several times over. */
  depositTwice: z.strictObject({
    do: z.literal('depositTwice'),
    atMs: timeMs,
    ...between,
    amount,
    afterMs: timeMs
  }),
  /** The operator settles with the next node of the line, in its favour or (`withdraw`) against it. */
  settle: z.strictObject({
    do: z.literal('settle'),
    atMs: timeMs,
    node: nodeName,
    peer: z.enum(['next', 'previous']),
    way: z.enum(['deposit', 'withdraw']),
    amount
  }),
  /** A node's rate between two currencies is multiplied, for all that asks from then on. */
  rate: z.strictObject({
    do: z.literal('rate'),
    atMs: timeMs,
    node: nodeName,
    base: z.enum(CURRENCIES),
    other: z.enum(CURRENCIES),
    permille: z.int().min(100).max(10_000)
  }),
  /** A node's fee for what its customers send. */
  fee: z.strictObject({
    do: z.literal('fee'),
    atMs: timeMs,
    node: nodeName,
    fixed: amount,
    basisPoints: z.int().min(0).max(10_000)
  }),
  /** A node's limit for packets of its neighbour; 0: none. */
  packetLimit: z.strictObject({
    do: z.literal('packetLimit'),
    atMs: timeMs,
    node: nodeName,
    peer: z.enum(['next', 'previous']),
    amount
  })
} as const

const place = z.union([
  nodeName,
  z.strictObject({ node: nodeName, part: z.enum(['backend', 'auth', 'wallet', 'database']) })
])

/** Faults (sim/faults/model.ts), each armed at `atMs`; its own times and counts are from then. */
export const FAULT_SCHEMAS = {
  partition: z.strictObject({
    fault: z.literal('partition'),
    atMs: timeMs,
    between: z.tuple([place, place]),
    afterMs: timeMs,
    forMs: timeMs
  }),
  connection: z.strictObject({
    fault: z.literal('connection'),
    atMs: timeMs,
    node: nodeName,
    door: z.enum(DOORS),
    at: z.enum(['request', 'answer']),
    nth: z.int().min(1).max(100_000),
    then: z.union([z.literal('reset'), z.strictObject({ stallMs: timeMs })])
  }),
  crash: z.strictObject({
    fault: z.literal('crash'),
    atMs: timeMs,
    node: nodeName,
    service,
    at: z.union([
      z.strictObject({ afterMs: timeMs }),
      z.strictObject({ call: z.int().min(1).max(100_000), side: z.enum(['before', 'after']) })
    ]),
    downMs: timeMs
  }),
  clock: z.strictObject({
    fault: z.literal('clock'),
    atMs: timeMs,
    node: nodeName,
    service,
    afterMs: timeMs,
    stepMs: z.int().min(-MAX_TIME_MS).max(MAX_TIME_MS)
  })
} as const

const range = z.tuple([z.number().min(0).max(60_000), z.number().min(0).max(60_000)])

const historySchema = z.strictObject({
  /** Decides how long each answer takes, and so the order of what happens; ids and secrets too. */
  seed: z
    .int()
    .min(0)
    .max(2 ** 32 - 1),
  nodes: z.array(nodeSchema).min(1).max(NODE_NAMES.length),
  /** How they peer; a ring of fewer than three is a line. */
  shape: z.enum(['line', 'ring']),
  slippage: z.enum(['0', '0.01', '0.1']),
  /** Minor units on each customer's account. */
  balance: amount,
  latency: z.strictObject({ networkMs: range, databaseMs: range }),
  actions: z.array(z.discriminatedUnion('do', [...tupleOf(ACTION_SCHEMAS)])).max(100),
  faults: z.array(z.discriminatedUnion('fault', [...tupleOf(FAULT_SCHEMAS)])).max(100)
})

/** A history of whole nodes as data: what the network is, what its actors do, what goes wrong, when. */
export type History = z.output<typeof historySchema>
export type HistoryNode = History['nodes'][number]
export type Action = History['actions'][number]
export type ActionOf<Kind extends Action['do']> = Extract<Action, { do: Kind }>
export type TimedFault = Fault & { atMs: number }

/** Data that is no history: one line that says where and what. */
export class HistoryError extends Error {
  override name = 'HistoryError'
}

/**
 * Reads a history from JSON.
 *
 * @throws HistoryError naming the place
 */
export function parseHistory(value: unknown): History {
  const parsed = historySchema.safeParse(value)
  if (!parsed.success) {
    const [issue] = parsed.error.issues
    throw new HistoryError(`history: ${issue!.path.join('.') || 'the whole'}: ${issue!.message}`)
  }
  const history = parsed.data
  const stranger = [...namesIn(history)].find((name) => !hasName(history, name))
  if (stranger !== undefined)
    throw new HistoryError(`history: "${stranger}" is not of its ${history.nodes.length} nodes`)
  return history
}

/** The history as JSON: amounts as strings. */
export function historyToJson(history: History): unknown {
  return JSON.parse(
    JSON.stringify(history, (_, part: unknown) => (typeof part === 'bigint' ? part.toString() : part))
  )
}

/**
 * The history with every name that its nodes do not have replaced by one that they do (counted round), and what cannot
 * happen in it left out. So that any part of a history can be taken away and what is left is a history.
 */
export function settleNames(history: History): History {
  const count = history.nodes.length
  const rename = (name: string): string => {
    const place = NODE_NAMES.findIndex((node) => node === name)
    if (place >= 0) return NODE_NAMES[place % count]!
    const at = ACCOUNTS.findIndex((each) => each === name)
    return at >= 0 ? ACCOUNTS[at % (count * 2)]! : name
  }
  const { actions, faults, ...rest } = history
  const renamed = mapStrings({ actions, faults }, rename)
  return {
    ...rest,
    actions: renamed.actions.filter(
      (action) =>
        !((action.do === 'settle' || action.do === 'packetLimit') && neighbour(history, action) === undefined)
    ),
    faults: renamed.faults
      .map(beside)
      .filter(
        (fault) => fault.fault !== 'partition' || placeKey(fault.between[0]) !== placeKey(fault.between[1])
      )
  }
}

/** Only its own node speaks to a wallet or a database: a partition from another's would cut nothing. */
function beside(fault: History['faults'][number]): History['faults'][number] {
  if (fault.fault !== 'partition') return fault
  const [one, other] = fault.between
  if (typeof one === 'string' || typeof other === 'string') return fault
  return { ...fault, between: [one, { ...other, node: one.node }] }
}

/** The node that an action's `peer` is for its node: undefined where there is none. */
export function neighbour(
  { nodes, shape }: Pick<History, 'nodes' | 'shape'>,
  { node, peer }: { node: string; peer: 'next' | 'previous' }
): string | undefined {
  const count = nodes.length
  const place = NODE_NAMES.findIndex((name) => name === node)
  const other = place + (peer === 'next' ? 1 : -1)
  if (other >= 0 && other < count) return NODE_NAMES[other]
  return shape === 'ring' && count > 2 ? NODE_NAMES[(other + count) % count] : undefined
}

/** Everything that happens in a history, to say how large it is. */
export function sizeOf({ actions, faults }: History): number {
  return actions.length + faults.length
}

function placeKey(where: string | { node: string; part: string }): string {
  return typeof where === 'string' ? where : `${where.node} ${where.part}`
}

function namesIn({ actions, faults }: History): Set<string> {
  const names = new Set<string>()
  mapStrings({ actions, faults }, (text) => {
    if (isName(text)) names.add(text)
    return text
  })
  return names
}

function isName(text: string): boolean {
  return NODE_NAMES.some((name) => name === text) || ACCOUNTS.some((name) => name === text)
}

function hasName({ nodes }: History, name: string): boolean {
  const node = name.includes('@') ? name.split('@')[1] : name
  return NODE_NAMES.findIndex((known) => known === node) < nodes.length
}

/** A copy with every string changed. */
function mapStrings<T>(value: T, change: (text: string) => string): T {
  if (typeof value === 'string') return change(value) as T
  if (Array.isArray(value)) return value.map((part: unknown) => mapStrings(part, change)) as T
  if (typeof value !== 'object' || value === null) return value
  return Object.fromEntries(Object.entries(value).map(([key, part]) => [key, mapStrings(part, change)])) as T
}

/** The schemas of a table as zod wants them for a union: a tuple of at least one. */
function tupleOf<Schema extends z.ZodType>(table: Record<string, Schema>): [Schema, ...Schema[]] {
  return Object.values(table) as [Schema, ...Schema[]]
}
