import { createHash } from 'node:crypto'
import { uuidToId } from '../../runtime/index.ts'

/** The account that the wallet funds: the payment's own. */
export function paymentAccountId(paymentId: string): bigint {
  return uuidToId(paymentId)
}

/** The account that one epoch of the payment's lease spends from. */
export function epochAccountId(paymentId: string, epoch: number): bigint {
  const epochBytes = Buffer.alloc(4)
  epochBytes.writeUInt32BE(epoch)
  return derivedId(paymentId, epochBytes)
}

/** The transfer that hands a payment's money to sending. There is one for each payment, whoever books it. */
export function budgetTransferId(paymentId: string): bigint {
  return derivedId(paymentId, Buffer.from('budget'))
}

/** The legs of a payment within this node, in the order of their chain. */
export function localTransferId(paymentId: string, leg: number): bigint {
  return derivedId(paymentId, Buffer.from(`local ${leg}`))
}

/** What ends the reservation that keeps a local payment from ever being booked. */
export function localFenceVoidId(paymentId: string): bigint {
  return derivedId(paymentId, Buffer.from('local fence void'))
}

/** The first 16 bytes of SHA-256(payment id, purpose). */
function derivedId(paymentId: string, purpose: Buffer): bigint {
  const payment = Buffer.from(paymentId.replaceAll('-', ''), 'hex')
  const digest = createHash('sha256').update(payment).update(purpose).digest()
  return BigInt(`0x${digest.subarray(0, 16).toString('hex')}`)
}
