import { createHash } from 'node:crypto'
import { PropertyViolation } from '../scenarios/scenario.ts'
import type { WireAnswer, WireEvent, WirePrepare } from '../wire/model.ts'
import { createPacketBooks } from './packet-books.ts'
import type { BookedNode, BookedTransfer, PacketKind } from './packet-books.ts'

/** What a packet's outgoing expiry is before its incoming one, at least, and how long a packet lives at most (money.md 2). */
const EXPIRY_MARGIN_MS = 1_000
const MAX_LIFETIME_MS = 30_000
/** A crash this long after the Fulfill arrived may still keep it from being posted: the ledger was busy. */
const POSTING_MS = 5_000
/** How long after a fault at a ledger its outcomes may be unknown. */
const LEDGER_SETTLES_MS = 60_000

/** Why the two sides of a link may have booked a packet differently (money.md 7, P3). */
export type OrphanExcuse = 'crash' | 'connection cut' | 'no answer by the expiry' | 'ledger outcome unknown'

/** A packet of an amount above zero, over one link. */
interface TracedPacket extends WirePrepare {
  kind: PacketKind | undefined
  sentAtMs: number
  arrivedAtMs: number | undefined
  answer: WireAnswer | undefined
  answeredAtMs: number | undefined
  answerArrivedAtMs: number | undefined
  /** By the clock of whoever asked, the answer was there before the packet's expiry. */
  answeredInTime: boolean
  lostAtMs: number | undefined
  /** The same packet as it came to whoever sent it: it is forwarded. */
  incoming: TracedPacket | undefined
}

/** Of packets of one kind: what their answers say. */
interface Tally {
  packets: TracedPacket[]
  /** Fulfills that downstream has written. */
  fulfilled: number
  /** Packets that may still be posted downstream, or may have been: not answered, or answered for want of time. */
  undecided: number
  /** Fulfills that upstream has written for the packets that it forwarded as these. */
  relayed: number
  forwarded: number
}

/** What the checker learns of the world; see `createPacketLaw`. */
export interface PacketLaw {
  /** What goes over the wire, in order. */
  wire(event: WireEvent): void
  /** A transfer that a node's ledger has committed, in order. */
  booked(node: string, transfer: BookedTransfer): void
  /** A node's backend ended as by `kill -9`. */
  crashed(node: string, atMs: number): void
  /** From now, for `forMs`, a node may not hear what its ledger has done. */
  ledgerDoubtful(node: string, atMs: number, forMs: number): void
  /**
   * Nothing is in flight any more: every orphan must have its cause.
   *
   * @param options.faultless nothing went wrong, and clocks differ by less than the margin: there are no orphans at all
   */
  settle(options: { faultless: boolean }): void
  /** Orphans with a cause, by link and amount; after `settle`. */
  orphans(): { from: string; to: string; amount: bigint; count: number }[]
}

/**
 * The rules of money for packets (docs/money.md, P1 to P5), checked as things happen. Packets of an amount above zero
 * between two of `nodes` are held to their ledgers; those of others only to what they say on the wire. Packets of one
 * link, direction and amount are counted together: ledgers do not say which is which, and money does not care.
 *
 * @param onViolation each violation; it is told at the moment when it happens
 */
export function createPacketLaw({
  nodes,
  onViolation
}: {
  nodes: readonly BookedNode[]
  onViolation: (violation: PropertyViolation) => void
}): PacketLaw {
  const books = createPacketBooks(nodes)
  const honest = new Set(nodes.map(({ name }) => name))
  const packets = new Map<number, TracedPacket>()
  const tallies = new Map<PacketKind, Tally>()
  /** By node and condition: as which packets it came, and as which it went on. */
  const received = new Map<string, TracedPacket[]>()
  const sent = new Map<string, TracedPacket[]>()
  const crashes = new Map<string, number[]>()
  const doubts = new Map<string, { fromMs: number; untilMs: number }[]>()
  const excused: ReturnType<PacketLaw['orphans']> = []

  function violate(property: string, message: string): void {
    onViolation(new PropertyViolation(property, message))
  }

  function tallyOf(kind: PacketKind): Tally {
    let tally = tallies.get(kind)
    if (!tally)
      tallies.set(kind, (tally = { packets: [], fulfilled: 0, undecided: 0, relayed: 0, forwarded: 0 }))
    return tally
  }

  function prepared(prepare: Extract<WireEvent, { kind: 'prepare' }>): void {
    const {
      exchange,
      link,
      from,
      to,
      amount,
      condition,
      transport,
      expiresAtMs,
      destination,
      atMs,
      clockMs
    } = prepare
    const isBooked = link !== undefined && (honest.has(from) || honest.has(to))
    const kind = isBooked ? books.kind(link, from, to, amount) : undefined
    const came = received.get(`${from} ${condition}`)
    const incoming = came?.findLast((one) => one.answer === undefined)
    const packet: TracedPacket = {
      ...{ exchange, link, from, to, amount, condition, transport, expiresAtMs, destination, kind, incoming },
      ...{ sentAtMs: atMs, arrivedAtMs: undefined, answer: undefined, answeredAtMs: undefined },
      ...{ answerArrivedAtMs: undefined, answeredInTime: false, lostAtMs: undefined }
    }
    packets.set(exchange, packet)
    if (honest.has(from)) {
      const times = push(sent, `${from} ${condition}`, packet)
      if (times > Math.max(came?.length ?? 0, 1))
        violate('sent once', `${nameOf(packet)}: ${from} sent it ${times} times`)
      if (incoming) forwarded(packet, incoming, clockMs)
    }
    if (!kind) return
    const tally = tallyOf(kind)
    tally.packets.push(packet)
    tally.undecided += 1
    if (!incoming || !honest.has(from)) return
    tally.forwarded += 1
    // Probes of its own a node sends unreserved: they are no forwarded packets.
    if (kind.upstream.reserved < tally.forwarded)
      violate(
        'reserved before sent',
        `${nameOf(packet)}: ${from} has reserved ${kind.upstream.reserved} of ${tally.forwarded}`
      )
  }

  function forwarded(packet: TracedPacket, incoming: TracedPacket, clockMs: number): void {
    const latestMs = Math.min(incoming.expiresAtMs - EXPIRY_MARGIN_MS, clockMs + MAX_LIFETIME_MS)
    if (packet.expiresAtMs > latestMs) {
      violate(
        'expiry reduced',
        `${nameOf(packet)}: ${packet.from} sent it on with ${packet.expiresAtMs - latestMs} ms more than it may have`
      )
    }
  }

  function answered(packet: TracedPacket, answer: WireAnswer, atMs: number): void {
    const { to, condition, kind } = packet
    if (packet.answer !== undefined) {
      if (honest.has(to))
        violate(
          'P5',
          `${nameOf(packet)}: ${to} answered it ${describe(packet.answer)} and then ${describe(answer)}`
        )
      return
    }
    packet.answer = answer
    packet.answeredAtMs = atMs
    const tally = kind && tallyOf(kind)
    if (tally && !mayBePosted(answer)) tally.undecided -= 1
    if (tally && answer.type === 'fulfill') tally.fulfilled += 1
    if (!honest.has(to)) return
    if (answer.type === 'fulfill') fulfilled(packet, answer.fulfillment)
    // A packet whose sender is no node is not in anybody's books but downstream's.
    else if (kind) requireNotPosted(kind, to, () => `${nameOf(packet)}: answered ${describe(answer)}`)
    for (const onward of sent.get(`${to} ${condition}`) ?? []) {
      if (onward.incoming !== packet || answer.type !== 'fulfill' || !onward.kind) continue
      const relayed = (tallyOf(onward.kind).relayed += 1)
      if (onward.kind.upstream.posted < relayed) {
        violate(
          'P1',
          `${nameOf(packet)}: ${to} wrote the Fulfill with ${onward.kind.upstream.posted} of ${relayed} credited to ${onward.to}`
        )
      }
    }
  }

  function fulfilled(packet: TracedPacket, fulfillment: string): void {
    const { kind, to, condition } = packet
    if (createHash('sha256').update(Buffer.from(fulfillment, 'hex')).digest('hex') !== condition)
      violate('P1', `${nameOf(packet)}: the fulfillment that ${to} wrote is not of the condition`)
    if (!kind) return
    const count = tallyOf(kind).fulfilled
    if (kind.downstream.posted < count) {
      violate(
        'P1',
        `${nameOf(packet)}: ${to} wrote the Fulfill with ${kind.downstream.posted} of ${count} posted`
      )
    }
  }

  /** What is posted downstream was fulfilled, or may still be. */
  function requireNotPosted(kind: PacketKind, node: string, what: () => string): void {
    const { fulfilled: answers, undecided } = tallyOf(kind)
    if (kind.downstream.posted > answers + undecided) {
      const open = `${answers} are fulfilled, ${undecided} undecided`
      violate(
        'P5',
        `${what()}, and ${node} has posted ${kind.downstream.posted} of ${kind.amount} from ${kind.from}: ${open}`
      )
    }
  }

  function isAmong<Window>(
    of: Map<string, Window[]>,
    node: string,
    holds: (one: Window) => boolean
  ): boolean {
    return of.get(node)?.some(holds) ?? false
  }

  /** Why upstream may not have posted what downstream has. */
  function excuseOf(packet: TracedPacket): OrphanExcuse | undefined {
    const { from, to, sentAtMs, answerArrivedAtMs, answeredAtMs, expiresAtMs, lostAtMs } = packet
    const knownAtMs = answerArrivedAtMs ?? expiresAtMs + LEDGER_SETTLES_MS
    const overlaps = (endMs: number) => (doubt: { fromMs: number; untilMs: number }) =>
      doubt.fromMs <= endMs && doubt.untilMs >= sentAtMs
    const within = (endMs: number) => (atMs: number) => atMs >= sentAtMs && atMs <= endMs
    if (isAmong(crashes, from, within(knownAtMs + POSTING_MS))) return 'crash'
    if (isAmong(doubts, from, overlaps(knownAtMs + POSTING_MS))) return 'ledger outcome unknown'
    if (packet.answer?.type === 'fulfill' && packet.answeredInTime) return undefined
    if (isAmong(crashes, to, within(answeredAtMs ?? expiresAtMs + LEDGER_SETTLES_MS))) return 'crash'
    if (isAmong(doubts, to, overlaps(answeredAtMs ?? knownAtMs))) return 'ledger outcome unknown'
    // An answer that came in time decides, whatever became of the connection.
    if (packet.answeredInTime) return undefined
    return lostAtMs !== undefined && lostAtMs < expiresAtMs ? 'connection cut' : 'no answer by the expiry'
  }

  function settleKind(kind: PacketKind, faultless: boolean): void {
    const { link, from, to, amount, upstream, downstream } = kind
    if (!honest.has(from) || !honest.has(to)) return
    const { packets: all } = tallyOf(kind)
    const orphans = downstream.posted - upstream.posted
    const where = `link ${link} from ${from} to ${to}, packets of ${amount}: ${to} posted ${downstream.posted}, ${from} ${upstream.posted}`
    if (orphans < 0) violate('P4', where)
    const excuses = all.map(excuseOf)
    const due = all.filter(({ answer, answeredInTime }, index) => {
      return answer?.type === 'fulfill' && answeredInTime && excuses[index] === undefined
    })
    if (upstream.posted < due.length)
      violate('P3', `${where}; ${due.length} Fulfills arrived in time, and nothing kept ${from} from posting`)
    if (orphans <= 0) return
    const withExcuse = excuses.filter((excuse) => excuse !== undefined)
    if (faultless) violate('P3', `${where}, and nothing had gone wrong`)
    else if (orphans > withExcuse.length)
      violate(
        'P3',
        `${where}; of ${orphans} orphans ${withExcuse.length} have a cause (${withExcuse.join(', ') || 'none'})`
      )
    else excused.push({ from, to, amount, count: orphans })
  }

  return {
    wire(event) {
      if (event.kind === 'prepare') {
        if (event.amount > 0n) prepared(event)
        return
      }
      const packet = packets.get(event.exchange)
      if (!packet) return
      switch (event.kind) {
        case 'prepareArrived':
          packet.arrivedAtMs = event.atMs
          push(received, `${packet.to} ${packet.condition}`, packet)
          break
        case 'answer':
          answered(packet, event.answer, event.atMs)
          break
        case 'answerArrived':
          packet.answerArrivedAtMs ??= event.atMs
          packet.answeredInTime ||= event.clockMs < packet.expiresAtMs
          break
        case 'lost':
          packet.lostAtMs = event.atMs
          break
      }
    },
    booked(node, transfer) {
      for (const { kind, side } of books.booked(node, transfer)) {
        if (side === 'downstream')
          requireNotPosted(kind, node, () => `${node} posted a packet of ${kind.amount}`)
        else if (honest.has(kind.to) && kind.upstream.posted > kind.downstream.posted) {
          violate(
            'P2',
            `link ${kind.link} from ${kind.from} to ${kind.to}: ${kind.from} posted ${kind.upstream.posted} packets of ${kind.amount}, ${kind.to} ${kind.downstream.posted}`
          )
        }
      }
    },
    crashed: (node, atMs) => void push(crashes, node, atMs),
    ledgerDoubtful: (node, atMs, forMs) =>
      void push(doubts, node, { fromMs: atMs, untilMs: atMs + forMs + LEDGER_SETTLES_MS }),
    settle({ faultless }) {
      for (const kind of books.kinds()) settleKind(kind, faultless)
    },
    orphans: () => excused
  }
}

/**
 * Whether a packet that was so answered may be booked downstream nevertheless: for want of time (the ledger's word came
 * later), or by who said that it failed itself.
 */
function mayBePosted(answer: WireAnswer): boolean {
  return answer.type === 'reject'
    ? answer.code === 'R00'
    : answer.type === 'refused' && answer.with.startsWith('5')
}

function push<Value>(map: Map<string, Value[]>, key: string, value: Value): number {
  const list = map.get(key)
  if (list) return list.push(value)
  map.set(key, [value])
  return 1
}

function nameOf({ from, to, amount, condition, exchange }: TracedPacket): string {
  return `packet ${exchange} of ${amount} from ${from} to ${to} (condition ${condition.slice(0, 8)}…)`
}

function describe(answer: WireAnswer): string {
  switch (answer.type) {
    case 'fulfill':
      return 'Fulfill'
    case 'reject':
      return `Reject ${answer.code}`
    case 'refused':
      return `without a packet (${answer.with})`
  }
}
