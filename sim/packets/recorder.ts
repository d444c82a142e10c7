import { AsyncLocalStorage } from 'node:async_hooks'
import { createHash } from 'node:crypto'
import type { IlpPrepare, OutgoingReply, Ratio } from '../../node/ilp/index.ts'
import type { AssetName, Party } from './history.ts'
import { createLedgerRecorder } from './ledger-recorder.ts'
import { add, differenceOf, isSettled, meets } from './trace.ts'
import type { Crossing, PacketTrace } from './trace.ts'

/** What must hold, and does not. */
export interface PacketViolation {
  property: string
  message: string
}

/** What an account of a node's ledger is. */
export interface AccountNote {
  kind: 'peer' | 'asset' | 'settlement' | 'target' | 'customer'
  asset: AssetName
  name: string
}

/** What the recorder has to know of the network. */
export interface Surroundings {
  elapsedMs(): number
  /** Every ratio that a node converted by between two moments. */
  ratiosBetween(party: Party, from: AssetName, to: AssetName, fromMs: number, toMs: number): Ratio[]
  account(party: Party, id: bigint): AccountNote | undefined
  /**
   * The links to which a node's routes led an address that came over another one, at any time between two moments: by
   * whole segments, the longest.
   */
  routesTo(
    party: Party,
    destination: string,
    cameOver: string | undefined,
    fromMs: number,
    toMs: number
  ): string[]
  /** Who is at the other end of a link. */
  otherEnd(link: string, party: Party): Party
  /** The least that a connector takes off an expiry, and the longest that the next hop may hold a packet. */
  messageWindowMs: number
  maxHoldTimeMs: number
}

export type Recorder = ReturnType<typeof createRecorder>

/**
 * Sees every Prepare and its answer at every party, and every commit of every ledger, and checks at once what must hold
 * at once (money.md 2 and 7). `quiescence.ts` checks what must hold in the end.
 */
export function createRecorder(surroundings: Surroundings) {
  const { elapsedMs, otherEnd } = surroundings
  const context = new AsyncLocalStorage<PacketTrace>()
  const traces: PacketTrace[] = []
  const crossings: Crossing[] = []
  /** By link and condition. */
  const rightwards = new Map<string, Map<string, Crossing>>()
  const leftwards = new Map<string, Map<string, Crossing>>()
  const twins = new Map<string, PacketTrace[]>()
  const violations: PacketViolation[] = []
  const events: string[] = []
  const states = new Map<string, number>()
  /** By link: when a connection of it broke. */
  const breaks = new Map<string, number[]>()

  const note = (party: Party, text: string) =>
    void events.push(`${elapsedMs().toFixed(0).padStart(6)} ms ${party}: ${text}`)
  const reach = (state: string) => void states.set(state, (states.get(state) ?? 0) + 1)
  function violate(property: string, message: string): void {
    note('VIOLATION', `${property}: ${message}`)
    violations.push({ property, message })
  }

  function crossing(link: string, receiver: Party, condition: string): Crossing {
    const direction = otherEnd(link, receiver) < receiver ? rightwards : leftwards
    let onLink = direction.get(link)
    if (onLink === undefined) direction.set(link, (onLink = new Map()))
    let found = onLink.get(condition)
    if (found === undefined) {
      const sender = otherEnd(link, receiver)
      found = { link, sender, receiver, condition, sends: 0, arrivals: 0, up: 0, down: 0 }
      onLink.set(condition, found)
      crossings.push(found)
    }
    return found
  }

  /** All that came to a party over a link under one condition. */
  function twinsOf({ party, cameOver, condition }: PacketTrace): PacketTrace[] {
    const key = `${party} ${cameOver} ${condition}`
    let found = twins.get(key)
    if (found === undefined) twins.set(key, (found = []))
    return found
  }

  const nameOf = (trace: Pick<PacketTrace, 'condition' | 'party'>) =>
    `packet ${trace.condition.slice(0, 8)} at ${trace.party}`

  const { liquidityIds, submits, knows, committed, wrongPosting, expectedSums } = createLedgerRecorder({
    surroundings,
    current: () => context.getStore(),
    note,
    reach,
    violate,
    nameOf,
    crossing,
    checkConversion
  })

  // ---- Over the wire.

  function arrived(
    party: Party,
    incarnation: number,
    clockMs: number,
    prepare: IlpPrepare,
    from: { link?: string; accountId: bigint; asset: AssetName; isProbe?: boolean }
  ): PacketTrace {
    const trace: PacketTrace = {
      party,
      incarnation,
      cameOver: from.link,
      condition: prepare.executionCondition.toString('hex'),
      amount: prepare.amount,
      isFree: prepare.amount === 0n || from.isProbe === true,
      destination: prepare.destination,
      expiresAtMs: prepare.expiresAtMs,
      accountId: from.accountId,
      asset: from.asset,
      arrivedAtMs: elapsedMs(),
      arrivedClockMs: clockMs,
      sent: undefined,
      outcome: undefined,
      answer: undefined,
      reserved: new Map(),
      posted: new Map(),
      isPosted: false,
      knownPostedClockMs: undefined,
      isTroubled: false,
      isCutOff: false
    }
    traces.push(trace)
    twinsOf(trace).push(trace)
    if (from.link !== undefined) receive(from.link, party, trace.condition)
    note(
      party,
      `has Prepare ${trace.condition.slice(0, 8)} of ${trace.amount}${from.link === undefined ? '' : ` over ${from.link}`}, expires in ${trace.expiresAtMs - clockMs} ms`
    )
    return trace
  }

  function receive(link: string, party: Party, condition: string): void {
    const found = crossing(link, party, condition)
    found.arrivals += 1
    if (found.arrivals > found.sends)
      violate(
        'a Prepare is sent once',
        `packet ${condition.slice(0, 8)} arrived ${found.arrivals} times over ${link} and was sent ${found.sends} times`
      )
  }

  /** A connector hands a Prepare to a transport. */
  function sends(
    trace: PacketTrace,
    clockMs: number,
    prepare: IlpPrepare,
    to: { link: string; accountId: bigint; asset: AssetName }
  ): void {
    const { party, condition } = trace
    const { amount, expiresAtMs } = prepare
    const found = crossing(to.link, otherEnd(to.link, party), condition)
    found.sends += 1
    if (trace.sent !== undefined)
      violate('a Prepare is sent once', `${nameOf(trace)} was handed to a transport twice`)
    const twin = twinsOf(trace).find(
      (other) =>
        other !== trace &&
        other.incarnation === trace.incarnation &&
        other.cameOver !== undefined &&
        other.answer === undefined &&
        other.sent !== undefined
    )
    if (twin && amount > 0n)
      violate(
        'a condition in flight is refused',
        `${nameOf(trace)} was forwarded while the same Prepare was in flight`
      )
    trace.sent = { ...to, amount, expiresAtMs, atMs: elapsedMs() }
    note(
      party,
      `sends Prepare ${condition.slice(0, 8)} of ${amount} over ${to.link}, expires in ${expiresAtMs - clockMs} ms`
    )

    if (trace.cameOver !== undefined) {
      if (to.link === trace.cameOver)
        violate('a packet does not go back', `${nameOf(trace)} goes back over ${to.link}, which it came over`)
      // Read at any moment since it arrived: a clock that steps back meanwhile makes it no later.
      const latest = Math.min(
        trace.expiresAtMs - surroundings.messageWindowMs,
        Math.max(trace.arrivedClockMs, clockMs) + surroundings.maxHoldTimeMs
      )
      if (expiresAtMs > latest)
        violate(
          'the expiry is reduced',
          `${nameOf(trace)} goes out expiring ${expiresAtMs - latest} ms too late`
        )
    }
    if (expiresAtMs <= clockMs)
      violate('an expired packet is not sent', `${nameOf(trace)} expired ${clockMs - expiresAtMs} ms ago`)
    if (/^peer(\.|$)/.test(prepare.destination))
      violate('peer.… is not forwarded', `${nameOf(trace)} is for ${prepare.destination}`)
    const routes = surroundings.routesTo(
      party,
      prepare.destination,
      trace.cameOver,
      trace.arrivedAtMs,
      elapsedMs()
    )
    if (!routes.includes(to.link))
      violate(
        'a packet goes where its address leads',
        `${nameOf(trace)} for ${prepare.destination} goes over ${to.link}, not ${routes.join(' or ') || 'nowhere'}`
      )
    if (prepare.destination !== trace.destination)
      violate('the destination stays', `${nameOf(trace)} goes to ${prepare.destination}`)
    checkConversion(trace, to.asset, amount)
    if (!trace.isFree) checkReservation(trace)
  }

  function checkConversion(trace: PacketTrace, asset: AssetName, amount: bigint): void {
    if (trace.amount === 0n) {
      if (amount !== 0n) violate('conversion rounds down', `${nameOf(trace)} of 0 becomes ${amount}`)
      return
    }
    const ratios = surroundings.ratiosBetween(trace.party, trace.asset, asset, trace.arrivedAtMs, elapsedMs())
    const lawful = ratios.map(({ numerator, denominator }) => (trace.amount * numerator) / denominator)
    if (amount <= 0n || !lawful.includes(amount))
      violate(
        'conversion rounds down',
        `${nameOf(trace)} of ${trace.amount} ${trace.asset} becomes ${amount} ${asset}, not ${lawful.join(' or ') || 'refused for want of a rate'}`
      )
  }

  /** Before it is sent all its legs are reserved. */
  function checkReservation(trace: PacketTrace): void {
    const sums = new Map<bigint, bigint>()
    for (const { debitAccountId, creditAccountId, amount } of trace.reserved.values()) {
      add(sums, debitAccountId, -amount)
      add(sums, creditAccountId, amount)
    }
    const wrong = differenceOf(sums, expectedSums(trace))
    if (wrong) violate('reserved before it is sent', `${nameOf(trace)}: ${wrong}`)
  }

  function outcome(
    trace: PacketTrace,
    clockMs: number,
    ended: { kind: string; isValidFulfill: boolean; code?: string }
  ): void {
    trace.outcome = { ...ended, atMs: elapsedMs(), clockMs }
    note(
      trace.party,
      `hears of ${trace.condition.slice(0, 8)}: ${ended.isValidFulfill ? 'Fulfill' : (ended.code ?? ended.kind)}`
    )
    if (ended.kind === 'lost') reach('an answer is lost')
    if (trace.sent && clockMs >= trace.sent.expiresAtMs && ended.isValidFulfill)
      reach('a Fulfill comes after the expiry')
    if (ended.kind === 'notSent' && trace.sent) {
      const { arrivals, sends } = crossing(
        trace.sent.link,
        otherEnd(trace.sent.link, trace.party),
        trace.condition
      )
      if (arrivals >= sends)
        violate('what was not sent does not arrive', `${nameOf(trace)} counts as not sent, and arrived`)
    }
  }

  /** A connector answers what it was handed. */
  function answered(trace: PacketTrace, clockMs: number, reply: OutgoingReply): void {
    const code = reply.type === 'reject' ? reply.code : ''
    trace.answer = { atMs: elapsedMs(), clockMs, type: reply.type, code }
    note(trace.party, `answers ${trace.condition.slice(0, 8)}: ${reply.type} ${code}`)
    if (reply.type === 'reject') {
      reach(`Reject ${code}`)
      const isKnown = trace.knownPostedClockMs !== undefined && trace.knownPostedClockMs < trace.expiresAtMs
      if (trace.isPosted && isKnown && trace.cameOver !== undefined)
        violate(
          'P5 no Reject for what is posted',
          `${nameOf(trace)} is answered ${code}, and the ledger had said that it is posted`
        )
      if ((code === 'T02' || code === 'T05') && trace.outcome?.code === code)
        violate(
          'a busy next hop makes a busy connector',
          `${nameOf(trace)}: ${code} of the next hop is passed on`
        )
    }
    if (reply.type === 'fulfill') {
      if (!meets(reply.fulfillment, trace.condition))
        violate(
          'P1 only what is posted is fulfilled',
          `${nameOf(trace)} is answered by a Fulfill that does not meet its condition`
        )
      if (!trace.isFree) {
        const wrong = wrongPosting(trace)
        if (wrong)
          violate('P1 only what is posted is fulfilled', `${nameOf(trace)} is fulfilled, and ${wrong}`)
      }
      if (trace.cameOver !== undefined && clockMs > trace.expiresAtMs)
        violate(
          'no Fulfill after the expiry',
          `${nameOf(trace)} is fulfilled ${clockMs - trace.expiresAtMs} ms after it expired`
        )
    }
  }

  return {
    context,
    traces,
    crossings,
    violations,
    events,
    states,
    breaks,
    liquidityIds,
    note,
    reach,
    violate,
    nameOf,
    arrived,
    receive,
    sends,
    outcome,
    answered,
    submits,
    knows,
    committed,
    wrongPosting,
    crossing,
    broke(link: string) {
      const times = breaks.get(link)
      if (times) times.push(elapsedMs())
      else breaks.set(link, [elapsedMs()])
    },
    /** A process died: what it had not finished is cut off. */
    died(party: Party, incarnation: number) {
      for (const trace of traces) {
        if (trace.party === party && trace.incarnation === incarnation) trace.isCutOff ||= !isSettled(trace)
      }
    },
    /** SHA-256 over all that was recorded. */
    hash: () => createHash('sha256').update(events.join('\n')).digest('hex')
  }
}
