/** The ledger ids of all transfers that one packet can cause. The second of each pair is for a second leg. */
export interface PacketTransferIds {
  reserve: readonly [bigint, bigint]
  post: readonly [bigint, bigint]
  void: readonly [bigint, bigint]
}

/** The four bits of a UUID that hold its version: other values there make other ids at the same place in time. */
const VERSION_BITS = 76n

const SECOND_LEG = 8n
const POST = 1n
const VOID = 2n

/**
 * The ids of a packet's transfers, derived from that of its first leg: whoever finds the first leg of a
 * reservation (another process, after a crash) knows the others. They differ from each other and from every
 * id that `random.orderedId()` gives, and sort beside the first.
 */
export function packetTransferIds(firstLegId: bigint): PacketTransferIds {
  const derived = (purpose: bigint) => firstLegId ^ (purpose << VERSION_BITS)
  return {
    reserve: [firstLegId, derived(SECOND_LEG)],
    post: [derived(POST), derived(POST | SECOND_LEG)],
    void: [derived(VOID), derived(VOID | SECOND_LEG)]
  }
}
