import { AMOUNT_ALL } from '../../node/ledger/index.ts'
import type { CreateTransferResult, NewTransfer } from '../../node/ledger/index.ts'
import type { AssetName, Party } from './history.ts'
import type { Surroundings } from './recorder.ts'
import { add, differenceOf } from './trace.ts'
import type { Crossing, PacketTrace } from './trace.ts'

/** What the recorder of the wire shares with that of the ledgers. */
export interface LedgerRecording {
  surroundings: Pick<Surroundings, 'account' | 'otherEnd'>
  /** The packet that a process works on. */
  current(): PacketTrace | undefined
  note(party: Party, text: string): void
  reach(state: string): void
  violate(property: string, message: string): void
  nameOf(trace: PacketTrace): string
  crossing(link: string, receiver: Party, condition: string): Crossing
  checkConversion(trace: PacketTrace, asset: AssetName, amount: bigint): void
}

/** Sees what processes submit and every commit of every ledger, finds the packet that it belongs to, and checks it at once. */
export function createLedgerRecorder({
  surroundings: { account, otherEnd },
  current,
  note,
  reach,
  violate,
  nameOf,
  crossing,
  checkConversion
}: LedgerRecording) {
  const byTransferId = new Map<bigint, PacketTrace>()

  /** The sums that a packet must make, by account: none for one without money. */
  function expectedSums(trace: PacketTrace): Map<bigint, bigint> {
    const sums = new Map<bigint, bigint>()
    if (trace.isFree) return sums
    let outAccountId = trace.sent?.accountId
    let outAmount = trace.sent?.amount ?? 0n
    let outAsset = trace.sent?.asset
    for (const [id, sum] of trace.sent ? [] : trace.posted) {
      const owner = account(trace.party, id)
      if (owner?.kind !== 'target' || sum <= 0n) continue
      outAccountId = id
      outAmount = sum
      outAsset = owner.asset
    }
    add(sums, trace.accountId, -trace.amount)
    if (outAccountId === undefined || outAsset === undefined) return sums
    add(sums, outAccountId, outAmount)
    if (outAsset !== trace.asset) {
      add(sums, liquidityOf(trace.party, trace.asset), trace.amount)
      add(sums, liquidityOf(trace.party, outAsset), -outAmount)
    }
    return sums
  }

  const liquidityIds = new Map<string, bigint>()
  function liquidityOf(party: Party, asset: AssetName): bigint {
    return liquidityIds.get(`${party} ${asset}`) ?? 0n
  }

  function wrongPosting(trace: PacketTrace): string | undefined {
    if (!trace.isPosted) return 'nothing of it is posted'
    return differenceOf(trace.posted, expectedSums(trace))
  }

  /** What a process submits is this packet's, from its first transfer on. */
  function submits(transfers: readonly NewTransfer[]): PacketTrace | undefined {
    let trace: PacketTrace | undefined
    for (const { id, pendingId } of transfers)
      trace ??= byTransferId.get(id) ?? (pendingId ? byTransferId.get(pendingId) : undefined)
    trace ??= current()
    if (trace !== undefined) for (const { id } of transfers) byTransferId.set(id, trace)
    return trace
  }

  function knows(trace: PacketTrace, clockMs: number): void {
    if (trace.isPosted) trace.knownPostedClockMs ??= clockMs
  }

  function committed(
    party: Party,
    transfers: readonly NewTransfer[],
    results: readonly CreateTransferResult[]
  ): void {
    const touched = new Set<PacketTrace>()
    for (const [index, transfer] of transfers.entries()) {
      if (results[index] !== 'ok') {
        if (results[index] === 'exceeds_credits') reach('the ledger refuses for want of a balance')
        continue
      }
      const trace = traceOf(transfer)
      if (trace === undefined) {
        violate('every transfer belongs to a packet', `${party} booked ${transfer.amount} of nobody's`)
        continue
      }
      book(trace, transfer)
      touched.add(trace)
    }
    for (const trace of touched) afterCommit(trace)
  }

  function traceOf({ id, pendingId }: NewTransfer): PacketTrace | undefined {
    return byTransferId.get(id) ?? (pendingId ? byTransferId.get(pendingId) : undefined)
  }

  function book(trace: PacketTrace, transfer: NewTransfer): void {
    const { flags = {}, id, pendingId = 0n } = transfer
    byTransferId.set(id, trace)
    if (trace.isFree) violate('no money, no booking', `${nameOf(trace)} of 0 is booked`)
    if (flags.pending) {
      trace.reserved.set(id, transfer)
      return
    }
    if (!flags.postPending && !flags.voidPending) return post(trace, transfer, transfer.amount)
    const reservation = trace.reserved.get(pendingId)
    trace.reserved.delete(pendingId)
    if (flags.voidPending) return
    if (reservation === undefined)
      return violate('posted once', `${nameOf(trace)} posts what is not reserved`)
    post(trace, reservation, transfer.amount === AMOUNT_ALL ? reservation.amount : transfer.amount)
  }

  function post(trace: PacketTrace, { debitAccountId, creditAccountId }: NewTransfer, amount: bigint): void {
    add(trace.posted, debitAccountId, -amount)
    add(trace.posted, creditAccountId, amount)
  }

  function afterCommit(trace: PacketTrace): void {
    if (trace.isPosted || trace.posted.size === 0) return
    trace.isPosted = true
    note(trace.party, `has posted ${trace.condition.slice(0, 8)}`)
    reach('a packet is posted')
    const { sent, outcome: ended } = trace
    if (trace.cameOver !== undefined) crossing(trace.cameOver, trace.party, trace.condition).down += 1
    if (trace.answer !== undefined) reach('posted after it was answered')
    if (sent === undefined) return checkDelivered(trace)
    const { link, expiresAtMs } = sent
    const found = crossing(link, otherEnd(link, trace.party), trace.condition)
    found.up += 1
    if (found.up > found.down)
      violate(
        'P2 the nodes that posted are a suffix',
        `${nameOf(trace)} is posted, and ${found.receiver} has not posted it`
      )
    if (ended === undefined || !ended.isValidFulfill)
      violate('only a Fulfill is posted', `${nameOf(trace)} is posted without one`)
    else if (ended.clockMs >= expiresAtMs)
      violate(
        'only a Fulfill in time is posted',
        `${nameOf(trace)}: it came ${ended.clockMs - expiresAtMs} ms after the expiry`
      )
  }

  function checkDelivered(trace: PacketTrace): void {
    for (const [id, sum] of trace.posted) {
      const owner = account(trace.party, id)
      if (owner?.kind === 'target') checkConversion(trace, owner.asset, sum)
    }
  }

  return { liquidityIds, submits, knows, committed, wrongPosting, expectedSums }
}
