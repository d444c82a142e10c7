import { z } from 'zod'

/** The version of the format: a file of another one is refused, not guessed at. */
export const PACKET_HISTORY_VERSION = 1

/** Connectors of one history at most: between two end peers, in a line, with a chord where there are three. */
export const MAX_CONNECTORS = 4
/** Minor units of any two are worth about the same, to a factor of 100: any amount makes sense in each. */
export const ASSETS = { 'USD/2': 100n, 'EUR/2': 109n, 'EUR/4': 1n, 'MXN/2': 5n } as const
export type AssetName = keyof typeof ASSETS
const ASSET_NAMES = Object.keys(ASSETS) as [AssetName, ...AssetName[]]

const MAX_AMOUNT = 2n ** 64n - 1n
const MAX_TIME_MS = 60_000

/** Amounts are bigint minor units, in JSON as decimal strings. */
const amount = z
  .union([z.bigint(), z.string().regex(/^\d{1,20}$/, 'an amount as a decimal string is needed')])
  .transform((value) => BigInt(value))
  .refine((value) => value <= MAX_AMOUNT, `an amount of at most ${MAX_AMOUNT} is needed`)
const timeMs = z.int().min(0).max(MAX_TIME_MS)
/** A place in the line of connectors, counted round: any number is one. */
const place = z.int().min(0).max(15)
/** A link by its place, see `linksOf`; counted round. */
const linkPlace = z.int().min(0).max(15)
const count = z.int().min(1).max(1_000)
const end = z.enum(['left', 'right'])
const side = z.enum(['left', 'right'])

const linkSchema = z.strictObject({
  asset: z.enum(ASSET_NAMES),
  transport: z.enum(['btp', 'http']),
  /** Minor units that the left and the right party may send over it before settlement. */
  balances: z.tuple([amount, amount]),
  /** Largest packet, at either side; 0: no limit. */
  maxPacketAmount: amount,
  /** At either side; 0: the default. */
  maxPacketsInFlight: z.int().min(0).max(1_000),
  maxPacketsPerSecond: z.int().min(0).max(20_000),
  /** 0: no limit. */
  maxAmountPerSecond: amount
})

const nodeSchema = z.strictObject({
  /** To its left neighbour. */
  link: linkSchema,
  /** What it keeps of every conversion, in basis points. */
  spread: z.int().min(0).max(1_000),
  /** Of each of its assets. */
  liquidity: amount,
  skewMs: z.int().min(-2_000).max(2_000)
})

/** What the peer at the far end answers. `late` is a Fulfill so long after the Prepare's expiry. */
export const ANSWER_SCHEMA = z.discriminatedUnion('kind', [
  z.strictObject({ kind: z.literal('fulfill'), afterMs: timeMs }),
  z.strictObject({ kind: z.literal('wrong'), afterMs: timeMs }),
  z.strictObject({
    kind: z.literal('reject'),
    afterMs: timeMs,
    code: z.enum(['F02', 'T02', 'T04', 'T05', 'R01', 'F99'])
  }),
  z.strictObject({ kind: z.literal('late'), byMs: z.int().min(-2_000).max(5_000) }),
  z.strictObject({ kind: z.literal('never') }),
  z.strictObject({ kind: z.literal('garbage'), afterMs: timeMs }),
  /** A Fulfill, and a Reject behind it. */
  z.strictObject({ kind: z.literal('fulfillThenReject'), afterMs: timeMs }),
  z.strictObject({ kind: z.literal('rejectThenFulfill'), afterMs: timeMs }),
  /** Cuts the connection, having sent nothing, or right behind the Fulfill. */
  z.strictObject({ kind: z.literal('hangUp'), afterMs: timeMs }),
  z.strictObject({ kind: z.literal('fulfillAndHangUp'), afterMs: timeMs })
])
export type Answer = z.output<typeof ANSWER_SCHEMA>

/** What peers and operators do, by `do`. */
export const ACTION_SCHEMAS = {
  /** An end peer sends Prepares, one every `everyMs`. */
  packets: z.strictObject({
    do: z.literal('packets'),
    atMs: timeMs,
    from: end,
    /**
     * The other end peer, a STREAM account at `node`, an address that nobody has, one that the other end's is no prefix
     * of by segments but by characters, `peer.…`, or its own address.
     */
    to: z.enum(['end', 'account', 'nowhere', 'nearly', 'peer', 'itself']),
    node: place,
    amount,
    lifetimeMs: z.int().min(0).max(30_000),
    count: z.int().min(1).max(200),
    everyMs: z.int().min(0).max(1_000),
    answer: ANSWER_SCHEMA,
    /** Sends each once more after so long, the same bytes; -1: it does not. */
    repeatAfterMs: z.int().min(-1).max(10_000)
  }),
  /** A STREAM payment of a node's own customer to an account of another node. */
  payment: z.strictObject({
    do: z.literal('payment'),
    atMs: timeMs,
    from: place,
    to: place,
    budget: amount,
    /** What the path may cost beyond the rates of the moment. */
    slippagePermille: z.int().min(0).max(500),
    /** The account takes no more than this part of what is to arrive; 1000 and more: all of it. */
    takesPermille: z.int().min(1).max(2_000)
  }),
  /** The operator books a deposit or a withdrawal of the neighbour over a link; of liquidity where that is `asset`. */
  settle: z.strictObject({
    do: z.literal('settle'),
    atMs: timeMs,
    node: place,
    link: linkPlace,
    account: z.enum(['peer', 'asset']),
    way: z.enum(['deposit', 'withdraw']),
    amount
  }),
  /** A node's price of an asset is multiplied; 0: it has none any more. */
  rate: z.strictObject({
    do: z.literal('rate'),
    atMs: timeMs,
    node: place,
    asset: z.enum(ASSET_NAMES),
    permille: z.int().min(0).max(10_000)
  }),
  /** A node's limit for packets of a neighbour; 0: none. */
  limit: z.strictObject({
    do: z.literal('limit'),
    atMs: timeMs,
    node: place,
    link: linkPlace,
    maxPacketAmount: amount
  }),
  /** A node sends what is for an end over another of its links. */
  route: z.strictObject({ do: z.literal('route'), atMs: timeMs, node: place, to: end, link: linkPlace }),
  /** A node does not know a neighbour for a while: it is deleted, and made again. */
  removePeer: z.strictObject({
    do: z.literal('removePeer'),
    atMs: timeMs,
    node: place,
    link: linkPlace,
    forMs: timeMs
  })
} as const

/** What goes wrong, by `fault`. Each strikes once. */
export const FAULT_SCHEMAS = {
  /** The n-th message that the left or right party of a link sends after `atMs` reaches nobody; both see a reset. */
  reset: z.strictObject({ fault: z.literal('reset'), atMs: timeMs, link: linkPlace, from: side, nth: count }),
  /** The same message and all behind it arrive when `forMs` are over. */
  stall: z.strictObject({
    fault: z.literal('stall'),
    atMs: timeMs,
    link: linkPlace,
    from: side,
    nth: count,
    forMs: timeMs
  }),
  /** Nothing passes over a link; what is sent waits, as over TCP. */
  cut: z.strictObject({ fault: z.literal('cut'), atMs: timeMs, link: linkPlace, forMs: timeMs }),
  /** A node ends as by `kill -9` and starts again: at a time, or around its n-th ledger batch after that. */
  crash: z.strictObject({
    fault: z.literal('crash'),
    atMs: timeMs,
    node: place,
    at: z.union([z.literal('once'), z.strictObject({ batch: count, side: z.enum(['before', 'after']) })]),
    downMs: timeMs
  }),
  /** A node's n-th ledger batch after `atMs`: its answer is lost, before or after it was booked, or it takes long. */
  ledger: z.strictObject({
    fault: z.literal('ledger'),
    atMs: timeMs,
    node: place,
    batch: count,
    then: z.union([z.enum(['lostBefore', 'lostAfter']), z.strictObject({ delayMs: timeMs })])
  }),
  /** A node's wall clock steps; timers run on. */
  clock: z.strictObject({
    fault: z.literal('clock'),
    atMs: timeMs,
    node: place,
    stepMs: z.int().min(-30_000).max(30_000)
  })
} as const

const historySchema = z.strictObject({
  /** Decides how long each answer takes; ids and secrets too. */
  seed: z
    .int()
    .min(0)
    .max(2 ** 32 - 1),
  nodes: z.array(nodeSchema).min(1).max(MAX_CONNECTORS),
  /** Of the last node, to the right end. */
  lastLink: linkSchema,
  /** Between the first and the last node, where there are three or more. */
  chord: linkSchema.nullable(),
  networkMs: z.tuple([z.int().min(0).max(1_000), z.int().min(0).max(1_000)]),
  ledgerMs: z.tuple([z.int().min(0).max(1_000), z.int().min(0).max(1_000)]),
  actions: z.array(z.discriminatedUnion('do', unionOf(ACTION_SCHEMAS))).max(200),
  faults: z.array(z.discriminatedUnion('fault', unionOf(FAULT_SCHEMAS))).max(100)
})

/** Connectors between two end peers, what these do, and what goes wrong: a history of packets and ledgers as data. */
export type PacketHistory = z.output<typeof historySchema>
export type LinkPlan = z.output<typeof linkSchema>
export type NodePlan = PacketHistory['nodes'][number]
export type Action = PacketHistory['actions'][number]
export type ActionOf<Kind extends Action['do']> = Extract<Action, { do: Kind }>
export type PacketFault = PacketHistory['faults'][number]
export type End = z.output<typeof end>
export type Side = z.output<typeof side>

/** Data that is no history: one line that says where and what. */
export class PacketHistoryError extends Error {
  override name = 'PacketHistoryError'
}

/**
 * Reads a history from JSON.
 *
 * @throws PacketHistoryError naming the place
 */
export function parsePacketHistory(value: unknown): PacketHistory {
  const parsed = historySchema.safeParse(value)
  if (parsed.success) return parsed.data
  const [issue] = parsed.error.issues
  throw new PacketHistoryError(`history: ${issue!.path.join('.') || 'the whole'}: ${issue!.message}`)
}

/** The history as JSON: amounts as strings. */
export function packetHistoryToJson(history: PacketHistory): unknown {
  return JSON.parse(
    JSON.stringify(history, (_, part: unknown) => (typeof part === 'bigint' ? part.toString() : part))
  )
}

/** Who sends and forwards: `left`, `n0` … `n3`, `right`. */
export type Party = string

/** A link of a history, and who it is between. */
export interface Link {
  name: string
  left: Party
  right: Party
  plan: LinkPlan
}

/** All links: from left to right, the chord last. End peers speak BTP. */
export function linksOf({ nodes, lastLink, chord }: PacketHistory): Link[] {
  const parties = ['left', ...nodes.map((_, index) => `n${index}`), 'right']
  const link = (left: Party, right: Party, plan: LinkPlan): Link => ({
    name: `${left}–${right}`,
    left,
    right,
    plan
  })
  const line = [...nodes.map((node) => node.link), lastLink].map((plan, index, all) =>
    link(
      parties[index]!,
      parties[index + 1]!,
      index === 0 || index === all.length - 1 ? { ...plan, transport: 'btp' } : plan
    )
  )
  return chord !== null && nodes.length >= 3 ? [...line, link('n0', `n${nodes.length - 1}`, chord)] : line
}

/** Everything that happens in a history, to say how large it is. */
export function packetHistorySize({ actions, faults }: PacketHistory): number {
  return actions.length + faults.length
}

/** The schemas of a table as zod wants them for a union: a tuple of at least one. */
function unionOf<Schema extends z.ZodType>(table: Record<string, Schema>): [Schema, ...Schema[]] {
  return Object.values(table) as [Schema, ...Schema[]]
}
