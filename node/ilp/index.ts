export * from './address.ts'
export * from './ildcp.ts'
export * from './model.ts'
export * from './packet.ts'
export * from './ratio.ts'
export {
  StreamMoneyFrame,
  StreamPacketType,
  decryptStreamPacket,
  deriveStreamKeys,
  encryptStreamPacket,
  fulfillmentOf
} from './stream/codec.ts'
export { readReceiverNews } from './stream/connection.ts'
export * from './stream/credentials.ts'
export * from './stream/receiver.ts'
export * from './stream/path-memory.ts'
export { PROBE_LIMITS, probePath } from './stream/probe.ts'
export type { PathProbe, ProbeFailure, ProbeLimits, ProbeOptions } from './stream/probe.ts'
export * from './stream/quote.ts'
export * from './stream/send-error.ts'
export { SEND_LIMITS } from './stream/pace.ts'
export type { SendLimits } from './stream/pace.ts'
export * from './stream/payment.ts'
export * from './stream/sender.ts'
export * from './stream/share.ts'
export * from './stream/evidence.ts'
export * from './btp/index.ts'
