import type { Asset, DeliveryTarget } from '../../node/backend/packet-switch.ts'
import { uuidToId } from '../../node/runtime/index.ts'

/** A customer's account that STREAM packets pay into. */
export interface PacketTarget extends DeliveryTarget {
  received: bigint
  booking: bigint
  closed: boolean
}

/** @param receiveMax what it takes; undefined: whatever comes */
export function createTarget(
  id: string,
  tenantId: string,
  asset: Asset,
  receiveMax: bigint | undefined
): PacketTarget {
  const target: PacketTarget = {
    kind: 'incomingPayment',
    id,
    tenantId,
    asset,
    accountId: uuidToId(id),
    receiveMax,
    received: 0n,
    booking: 0n,
    closed: false,
    get isClosed() {
      return target.closed
    },
    admit(amount) {
      if (target.closed) return 'closed'
      if (receiveMax !== undefined && target.received + target.booking >= receiveMax) return 'full'
      target.booking += amount
      return 'admitted'
    },
    posted(amount) {
      target.booking -= amount
      target.received += amount
    },
    released: (amount) => void (target.booking -= amount),
    learned: (received) => void (target.received = received > target.received ? received : target.received)
  }
  return target
}
