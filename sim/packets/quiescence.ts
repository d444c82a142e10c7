import {
  DEFAULT_MAX_PACKETS_IN_FLIGHT,
  DEFAULT_MAX_PACKETS_PER_SECOND
} from '../../node/backend/packet-switch.ts'
import type { ActionRecords, PaymentRecord } from './actions.ts'
import type { SentPrepare } from './end.ts'
import type { Action, PacketHistory } from './history.ts'
import type { PacketNetwork } from './network.ts'
import type { PacketTrace } from './trace.ts'

/** A timer of a deadline fires in whole milliseconds. */
const DEADLINE_SLACK_MS = 2
/** Skew beyond this may cost a Fulfill its time, and an honest network an orphan. */
const HARMLESS_SKEW_MS = 400

/** What must hold when nothing is in flight any more and everything that died is back (money.md 7). */
export async function checkQuiescence(
  network: PacketNetwork,
  history: PacketHistory,
  { payments, sent }: ActionRecords
): Promise<void> {
  const { recorder } = network
  for (const trace of recorder.traces) checkTrace(network, history, trace)
  checkCrossings(network, history)
  for (const payment of payments) await checkPayment(network, payment)
  for (const { end, request } of sent) {
    if (request.answers === 0 && !request.isLost)
      recorder.violate(
        'every packet is answered',
        `a Prepare of ${end.name} was never answered, and its connection stands`
      )
  }
  await checkTargets(network)
  checkCalm(network, history, sent)
  if (history.faults.length === 0) checkRefusedForRate(network, history, sent)
}

function checkTrace(network: PacketNetwork, history: PacketHistory, trace: PacketTrace): void {
  const { recorder } = network
  const { answer, sent, isCutOff, reserved } = trace
  const name = recorder.nameOf(trace)
  if (answer === undefined && !isCutOff) recorder.violate('every packet is answered', `${name} was not`)
  if (
    answer !== undefined &&
    trace.cameOver !== undefined &&
    !stepsClock(history, trace.party) &&
    trace.expiresAtMs > trace.arrivedClockMs
  ) {
    const lateMs = answer.clockMs - trace.expiresAtMs
    if (lateMs > DEADLINE_SLACK_MS)
      recorder.violate('answered in time', `${name} was answered ${lateMs} ms after its expiry`)
  }
  // What its customer's payment is in doubt about, evidence decides.
  const mayStay = trace.cameOver === undefined && (answer === undefined || answer.type === 'inDoubt')
  if (reserved.size > 0 && !mayStay)
    recorder.violate(
      'nothing stays reserved',
      `${name} was answered ${answer?.type ?? 'not'}, and ${reserved.size} of its legs are reserved still`
    )
  if (trace.isPosted) {
    const wrong = recorder.wrongPosting(trace)
    if (wrong) recorder.violate('all legs are posted once', `${name}: ${wrong}`)
    if (
      sent === undefined &&
      answer?.type === 'reject' &&
      trace.knownPostedClockMs !== undefined &&
      trace.knownPostedClockMs < trace.expiresAtMs &&
      // Timers run on: by the stepped clock it was known in time.
      !(answer.code === 'R00' && stepsClock(history, trace.party))
    )
      recorder.violate(
        'P5 no Reject for what is posted',
        `${name} was delivered, and answered ${answer.code}`
      )
  }
}

function checkCrossings(network: PacketNetwork, history: PacketHistory): void {
  const { recorder } = network
  for (const { link, sender, receiver, condition, up, down } of recorder.crossings) {
    const name = `packet ${condition.slice(0, 8)} from ${sender} to ${receiver}`
    if (up > down) {
      recorder.violate(
        'P4 downstream has posted at least what upstream has',
        `${name}: ${up} and ${down} times`
      )
      continue
    }
    if (down === up) continue
    recorder.reach('an orphan')
    const suspects = recorder.traces.filter(
      (trace) =>
        trace.party === sender &&
        trace.sent?.link === link &&
        trace.condition === condition &&
        !trace.isPosted
    )
    if (isEnd(sender)) {
      if (isCalm(history) && hasHonestAnswers(history)) checkEndsOrphan(network, sender, condition, name)
      continue
    }
    const explained = suspects.filter(
      (trace) => wrongWithOrphan(network, history, trace, receiver) === undefined
    )
    // Of several packets under one condition any may be the one.
    if (explained.length >= down - up) continue
    const unexplained = suspects.find((trace) => !explained.includes(trace))
    const { property, why } = (unexplained && wrongWithOrphan(network, history, unexplained, receiver)) ?? {
      property: 'P3 an orphan has a cause',
      why: `it was posted ${down} times there, and sent ${suspects.length + up} times`
    }
    recorder.violate(property, `${name} is posted by ${receiver} and not by ${sender}: ${why}`)
  }
}

function isEnd(party: string): boolean {
  return party === 'left' || party === 'right'
}

/** An end that is told of its Fulfill in time has it, where nothing is wrong. */
function checkEndsOrphan({ recorder }: PacketNetwork, sender: string, condition: string, name: string): void {
  const answeredLate = recorder.traces.some(
    (trace) => trace.condition === condition && (trace.answer?.clockMs ?? 0) + 500 >= trace.expiresAtMs
  )
  if (!answeredLate)
    recorder.violate(
      'P3 an orphan has a cause',
      `${name}: nothing is wrong, and ${sender} was not told in time`
    )
}

/** Posted by the next hop and not here: only for a cause that both the laboratory knows and a node lists. */
function wrongWithOrphan(
  network: PacketNetwork,
  history: PacketHistory,
  trace: PacketTrace,
  receiver: string
): { property: string; why: string } | undefined {
  const { recorder } = network
  const next = recorder.traces.filter((one) => one.party === receiver && one.condition === trace.condition)
  const causes = causesOf(network, history, trace, next, receiver)
  if (causes.length === 0) return { property: 'P3 an orphan has a cause', why: 'there is no cause' }
  const lists = (party: string, direction: string) =>
    network.nodes
      .find((one) => one.name === party)
      ?.orphans()
      .some((orphan) => orphan.condition === trace.condition && orphan.direction === direction)
  // Who was told of a Reject in time has nothing to list: then the next hop, which posted later, has.
  const isListed = lists(trace.party, 'downstream') || lists(receiver, 'upstream')
  if (!isListed && !trace.isCutOff && !next.some((one) => one.isCutOff))
    return { property: 'P3 an orphan is listed', why: `neither lists it (${causes.join(', ')})` }
  if (isCalm(history) && hasHonestAnswers(history))
    return { property: 'without faults no orphans', why: `nothing went wrong (${causes.join(', ')})` }
  return undefined
}

function causesOf(
  { recorder }: PacketNetwork,
  history: PacketHistory,
  trace: PacketTrace,
  next: readonly PacketTrace[],
  receiver: string
): string[] {
  const { sent, outcome } = trace
  const causes: string[] = []
  if (trace.isCutOff) causes.push(`a crash of ${trace.party}`)
  if (next.some((one) => one.isCutOff)) causes.push(`a crash of ${receiver}`)
  const endMs = outcome?.atMs ?? Infinity
  if ((recorder.breaks.get(sent!.link) ?? []).some((atMs) => atMs >= sent!.atMs && atMs <= endMs))
    causes.push('the connection broke')
  if (outcome === undefined || outcome.clockMs >= sent!.expiresAtMs)
    causes.push('its answer came after the expiry')
  // Timers run on: by the stepped clock it came in time.
  else if (
    trace.answer?.code === 'R00' &&
    trace.answer.atMs <= outcome.atMs &&
    stepsClock(history, trace.party)
  )
    causes.push('its answer came after the expiry, and a clock stepped')
  if (trace.isTroubled || next.some((one) => one.isTroubled && one.isPosted))
    causes.push('the ledger’s answer was late or lost')
  return causes
}

function stepsClock({ faults, nodes }: PacketHistory, party: string): boolean {
  return faults.some((fault) => fault.fault === 'clock' && `n${fault.node % nodes.length}` === party)
}

async function checkPayment(network: PacketNetwork, payment: PaymentRecord): Promise<void> {
  const { recorder } = network
  const node = network.nodes.find(({ name }) => name === payment.node)!
  const { result, traces, budget, deliver, target } = payment
  const name = `the payment of ${payment.node}`
  const [customer, credited] = await Promise.all([
    node.ledger.lookupAccounts([payment.customerId]),
    network.nodes.find((one) => one.name === payment.targetNode)!.ledger.lookupAccounts([target.accountId])
  ])
  const posted = customer[0]!.debitsPosted
  const pending = customer[0]!.debitsPending
  const arrived = credited[0]!.creditsPosted
  if (posted + pending > budget)
    recorder.violate(
      'a payment keeps to its budget',
      `${name} spent ${posted} and holds ${pending} of ${budget}`
    )
  if (target.receiveMax !== undefined) {
    const largest = traces.length === 0 ? 0n : maxCredit(recorder.traces, target.accountId)
    if (arrived >= target.receiveMax + (largest > 0n ? largest : 1n))
      recorder.violate(
        'a receiver takes what it asked for',
        `${name}: its account has ${arrived}, and takes ${target.receiveMax}`
      )
  }
  const wasKilled = node.starts > payment.incarnation || !node.isUp
  if (result === undefined) {
    if (!wasKilled && payment.error === undefined) recorder.violate('a payment ends', `${name} did not`)
    return
  }
  if (result.sent !== posted)
    recorder.violate('what was sent is what is posted', `${name} says ${result.sent}, the ledger ${posted}`)
  if (result.delivered > arrived)
    recorder.violate(
      'what was delivered has arrived',
      `${name} says ${result.delivered}, its account has ${arrived}`
    )
  if (result.outcome === 'delivered' && result.delivered < deliver)
    recorder.violate('delivered is what was promised', `${name} delivered ${result.delivered} of ${deliver}`)
  if (result.delivered * budget < result.sent * deliver)
    recorder.violate(
      'the minimum rate holds',
      `${name} delivered ${result.delivered} for ${result.sent}; at least ${deliver} for ${budget} were due`
    )
}

function maxCredit(traces: readonly PacketTrace[], accountId: bigint): bigint {
  return traces.reduce((most, { posted }) => {
    const sum = posted.get(accountId) ?? 0n
    return sum > most ? sum : most
  }, 0n)
}

async function checkTargets({ recorder, nodes }: PacketNetwork): Promise<void> {
  for (const node of nodes) {
    const all = [...node.targets.values()]
    const accounts = await node.ledger.lookupAccounts(all.map(({ accountId }) => accountId))
    all.forEach((target, index) => {
      const inLedger = accounts[index]!.creditsPosted
      if (target.received !== inLedger || target.booking !== 0n)
        recorder.violate(
          'received is what is posted',
          `an account of ${node.name} counts ${target.received} received and ${target.booking} being booked; the ledger has ${inLedger}`
        )
    })
  }
}

/** A packet that was rejected is open until its reservation is voided, at the latest when it expires. */
function mayBeOpen(one: SentPrepare, atOf: SentPrepare): boolean {
  if (one.answers === 0 || one.repliedAtMs >= atOf.sentAtMs) return true
  return one.reply?.type !== 'fulfill' && one.prepare.expiresAtMs > atOf.prepare.expiresAtMs - atOf.lifetimeMs
}

/** T05 is for a peer that used up its own limit, whatever others do. */
function checkRefusedForRate(
  network: PacketNetwork,
  history: PacketHistory,
  sent: ActionRecords['sent']
): void {
  // What arrived together may have been sent apart.
  const windowMs = 1_000 + 4 * history.networkMs[1]
  for (const { end, request } of sent) {
    const { reply, repliedAtMs } = request
    if (reply?.type !== 'reject' || reply.code !== 'T05' || reply.triggeredBy !== `test.${end.node}`) continue
    const { maxPacketsInFlight, maxPacketsPerSecond, maxAmountPerSecond } = end.link.plan
    const before = end.sent.filter(
      ({ sentAtMs }) => sentAtMs <= repliedAtMs && sentAtMs > repliedAtMs - windowMs
    )
    const open = end.sent.filter((one) => one.sentAtMs <= repliedAtMs && mayBeOpen(one, request))
    const amount = before.reduce((sum, { prepare }) => sum + prepare.amount, 0n)
    const isLawful =
      before.length >= (maxPacketsPerSecond || DEFAULT_MAX_PACKETS_PER_SECOND) ||
      open.length > (maxPacketsInFlight || DEFAULT_MAX_PACKETS_IN_FLIGHT) ||
      (maxAmountPerSecond > 0n && amount > maxAmountPerSecond)
    if (!isLawful)
      network.recorder.violate(
        'T05 is for who used up its limit',
        `${end.name} had sent ${before.length} packets of ${amount} in a second, ${open.length} were open, and it got T05: ${reply.message}`
      )
  }
}

// ---- Where nothing goes wrong.

/** No fault, and clocks that agree well enough. */
export function isCalm({ faults, nodes, actions }: PacketHistory): boolean {
  return (
    faults.length === 0 &&
    nodes.every(({ skewMs }) => Math.abs(skewMs) <= HARMLESS_SKEW_MS / 2) &&
    actions.every((action) => action.do === 'packets' || action.do === 'payment' || action.do === 'settle')
  )
}

function hasHonestAnswers({ actions }: PacketHistory): boolean {
  return actions.every((action) => action.do !== 'packets' || isHonest(action.answer))
}

function isHonest({ kind }: { kind: string }): boolean {
  return kind === 'fulfill' || kind === 'reject'
}

/** Enough for anything that a history asks for. */
const PLENTY = 10n ** 15n
const SMALL = 10n ** 9n

/** Where there is plenty of everything and time, every honest packet arrives. */
function checkCalm(network: PacketNetwork, history: PacketHistory, sent: ActionRecords['sent']): void {
  const { recorder, links } = network
  if (!isCalm(history) || !hasHonestAnswers(history)) return
  const hasPlenty =
    history.nodes.every(({ liquidity }) => liquidity >= PLENTY) &&
    links.every(
      ({ plan }) =>
        plan.balances.every((balance) => balance >= PLENTY) &&
        plan.maxPacketAmount === 0n &&
        plan.maxPacketsInFlight === 0 &&
        plan.maxPacketsPerSecond === 0 &&
        plan.maxAmountPerSecond === 0n
    ) &&
    history.actions.every((action) => amountOf(action) <= SMALL)
  if (!hasPlenty) return
  const slowMs = 4 * (history.networkMs[1] + 4 * history.ledgerMs[1])
  for (const { action, request, isRepeat, end } of sent) {
    if (isRepeat || action.repeatAfterMs >= 0) continue
    const isForEnd = action.to === 'end' && action.answer.kind === 'fulfill'
    if (!isForEnd && action.to !== 'account') continue
    const waitMs = isForEnd && action.answer.kind === 'fulfill' ? action.answer.afterMs : 0
    const neededMs =
      1_000 * (history.nodes.length + 1) + waitMs + history.nodes.length * slowMs + HARMLESS_SKEW_MS
    if (action.lifetimeMs < neededMs || isWorthless(network, history, action)) continue
    const { reply } = request
    recorder.reach('a packet with plenty of everything')
    if (reply?.type !== 'fulfill')
      recorder.violate(
        'what can be delivered is',
        `a Prepare of ${end.name} with plenty of everything was answered ${reply ? `${reply.code} by ${reply.triggeredBy}: ${reply.message}` : 'by nothing'}`
      )
  }
}

/** Of a settlement none is small: it may take what is there. */
function amountOf(action: Action): bigint {
  if (action.do === 'packets') return action.amount
  return action.do === 'payment' ? action.budget : PLENTY
}

/** Whether less than a unit may be left of it somewhere. */
function isWorthless(
  network: PacketNetwork,
  { nodes }: PacketHistory,
  { amount, from, node, to }: { amount: bigint; from: string; node: number; to: string }
): boolean {
  const places = nodes.map((_, index) => index)
  const line = from === 'left' ? places : places.reverse()
  const last = to === 'account' ? network.nodes.indexOf(network.node(node)) : line.at(-1)!
  let left = amount
  let asset = network.links[from === 'left' ? 0 : nodes.length]!.plan.asset
  for (const place of line) {
    const isLast = place === last
    const next =
      isLast && to === 'account'
        ? network.nodes[place]!.plan.link.asset
        : network.links[from === 'left' ? place + 1 : place]!.plan.asset
    const ratio = network.nodes[place]!.ratio(asset, next)!
    left = (left * ratio.numerator) / ratio.denominator
    if (left === 0n) return true
    if (isLast) return false
    asset = next
  }
  return false
}
