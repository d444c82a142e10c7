/** The ledger ids of all transfers that one packet can cause. The second of each pair is for a second leg. */
export interface PacketTransferIds {
  reserve: readonly [bigint, bigint]
  post: readonly [bigint, bigint]
  void: readonly [bigint, bigint]
}

/** The four bits of a UUID that hold its version: other values there make other ids at the same place in time. */
const VERSION_BITS = 76n

const SECOND_LEG = 8n << VERSION_BITS
const POST = 1n << VERSION_BITS
const VOID = 2n << VERSION_BITS

/**
 * The ids of a packet's transfers, derived from that of its first leg: whoever finds the first leg of a
 * reservation (another process, after a crash) knows the others. They differ from each other and from every
 * id that `random.orderedId()` gives, and sort beside the first.
 */
export function packetTransferIds(firstLegId: bigint): PacketTransferIds {
  return new DerivedIds(firstLegId)
}

/** A packet needs two of the three pairs at most, so each is made when it is asked for. */
class DerivedIds implements PacketTransferIds {
  readonly #first: bigint
  constructor(firstLegId: bigint) {
    this.#first = firstLegId
  }
  get reserve() {
    return [this.#first, this.#first ^ SECOND_LEG] as const
  }
  get post() {
    return [this.#first ^ POST, this.#first ^ (POST | SECOND_LEG)] as const
  }
  get void() {
    return [this.#first ^ VOID, this.#first ^ (VOID | SECOND_LEG)] as const
  }
}
