import type { Ratio } from '../model.ts'
import { ceilDivide, maxOf } from '../ratio.ts'

/** A packet whose outcome is open: in flight, or in doubt after its answer was lost. */
export interface Hold {
  readonly source: bigint
  readonly minimum: bigint
}

/** What a payment sent, delivered and has at stake; and the least that its next packet must deliver. */
export interface SendingAccount {
  readonly sent: bigint
  readonly delivered: bigint
  /** Source units of packets whose outcome is open. */
  readonly heldSource: bigint
  /**
   * The least that a packet of `source` must deliver so that the minimum rate holds, cumulatively.
   *
   * With the rate r it is max(0, ceil((sent + s)·r − delivered + Σ max(0, sⱼ·r − minⱼ))) over the open packets j.
   * That is never less than max(0, ceil((sent + Σ sⱼ + s)·r) − delivered − Σ minⱼ), and it holds whichever of
   * the open packets are rejected in the end: a hope of one is no credit for another. A shortfall of rounding
   * is carried by what earlier packets brought above the minimum, so small packets are not refused for ever.
   */
  minimumFor(source: bigint): bigint
  hold(source: bigint, minimum: bigint): Hold
  /** The packet was fulfilled: `delivered` arrived. */
  settle(hold: Hold, delivered: bigint): void
  /** The packet was rejected: nothing moved. */
  release(hold: Hold): void
}

export function createSendingAccount(options: {
  minimumRate: Ratio
  /** Of earlier attempts at the same payment. */
  alreadySent: bigint
  alreadyDelivered: bigint
}): SendingAccount {
  const { numerator, denominator } = options.minimumRate
  const open = new Set<Hold>()
  let sent = options.alreadySent
  let delivered = options.alreadyDelivered
  let heldSource = 0n
  /** Σ max(0, s·r − min) over open packets, times the rate's denominator. */
  let heldShortfall = 0n

  const shortfall = ({ source, minimum }: Hold) => maxOf(0n, source * numerator - minimum * denominator)

  function close(hold: Hold): void {
    if (!open.delete(hold)) throw new Error('A packet has one outcome')
    heldSource -= hold.source
    heldShortfall -= shortfall(hold)
  }

  return {
    get sent() {
      return sent
    },
    get delivered() {
      return delivered
    },
    get heldSource() {
      return heldSource
    },
    minimumFor(source) {
      const owed = (sent + source) * numerator - delivered * denominator + heldShortfall
      return maxOf(0n, ceilDivide(owed, denominator))
    },
    hold(source, minimum) {
      const hold = { source, minimum }
      open.add(hold)
      heldSource += source
      heldShortfall += shortfall(hold)
      return hold
    },
    settle(hold, arrived) {
      close(hold)
      sent += hold.source
      delivered += arrived
    },
    release: close
  }
}
