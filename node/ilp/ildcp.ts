import { isValidAddress } from './address.ts'
import type { IlpFulfill, IlpPrepare, IlpReply } from './model.ts'
import { conditionOf, createFulfill } from './packet.ts'

/** Where configuration is asked for (RFC 31, Packet). */
export const ILDCP_DESTINATION = 'peer.config'

/** The fulfillment of every answer: 32 zero bytes (RFC 31, Packet). */
const FULFILLMENT = Buffer.alloc(32)
export const ILDCP_CONDITION = conditionOf(FULFILLMENT)

/** What a parent tells its child: the child's address and the asset of their link. */
export interface IldcpConfiguration {
  address: string
  assetCode: string
  assetScale: number
}

/** True for a request of RFC 31: to `peer.config`, under the condition that every such request has. */
export function isIldcpRequest(prepare: Pick<IlpPrepare, 'destination' | 'executionCondition'>): boolean {
  return prepare.destination === ILDCP_DESTINATION && ILDCP_CONDITION.equals(prepare.executionCondition)
}

/** A request that expires at `expiresAtMs`. */
export function createIldcpRequest(expiresAtMs: number): IlpPrepare {
  return {
    amount: 0n,
    executionCondition: ILDCP_CONDITION,
    expiresAtMs,
    destination: ILDCP_DESTINATION,
    data: Buffer.alloc(0)
  }
}

/**
 * The answer (RFC 31, DynamicConfigurationProtocol.asn): address, scale, code.
 *
 * @throws RangeError for an address, scale or code that the answer cannot carry
 */
export function createIldcpAnswer({ address, assetCode, assetScale }: IldcpConfiguration): IlpFulfill {
  if (!isValidAddress(address)) throw new RangeError(`Not an ILP address: ${address}`)
  if (!Number.isInteger(assetScale) || assetScale < 0 || assetScale > 255) {
    throw new RangeError(`An asset scale is a whole number from 0 to 255, not ${assetScale}`)
  }
  const data = Buffer.concat([
    octets(Buffer.from(address, 'ascii')),
    Buffer.of(assetScale),
    octets(Buffer.from(assetCode, 'utf8'))
  ])
  return createFulfill(FULFILLMENT, data)
}

/** What an answer says, undefined when it is a Reject or malformed. Never throws. */
export function readIldcpAnswer(reply: IlpReply): IldcpConfiguration | undefined {
  if (reply.type !== 'fulfill' || !FULFILLMENT.equals(reply.fulfillment)) return undefined
  const address = readOctets(reply.data, 0)
  const assetScale = address && reply.data[address.end]
  if (!address || assetScale === undefined) return undefined
  const assetCode = readOctets(reply.data, address.end + 1)
  if (!assetCode || !isValidAddress(address.value.toString('latin1'))) return undefined
  return { address: address.value.toString('ascii'), assetScale, assetCode: assetCode.value.toString('utf8') }
}

/** A variable-length octet string of at most 65,535 bytes (RFC 30). */
function octets(value: Buffer): Buffer {
  const { length } = value
  if (length < 0x80) return Buffer.concat([Buffer.of(length), value])
  if (length <= 0xff) return Buffer.concat([Buffer.of(0x81, length), value])
  if (length > 0xffff) throw new RangeError(`${length} bytes are too many`)
  return Buffer.concat([Buffer.of(0x82, length >> 8, length & 0xff), value])
}

function readOctets(data: Buffer, offset: number): { value: Buffer; end: number } | undefined {
  const prefix = data[offset]
  if (prefix === undefined) return undefined
  const lengthBytes = prefix < 0x80 ? 0 : prefix & 0x7f
  const start = offset + 1 + lengthBytes
  if (lengthBytes > 2 || prefix === 0x80 || start > data.length) return undefined
  const length = lengthBytes === 0 ? prefix : data.readUIntBE(offset + 1, lengthBytes)
  const end = start + length
  return end > data.length ? undefined : { value: data.subarray(start, end), end }
}
