import type { Clock, Random } from '../../runtime/index.ts'
import type { SendPacket, StreamCredentials } from '../model.ts'
import { MAX_PACKET_AMOUNT } from '../packet.ts'
import { StreamMaxMoneyFrame } from './codec.ts'
import { createClientConnection, readReceiverNews } from './connection.ts'

/** How long the question may take. */
export const EVIDENCE_LIFETIME_MS = 10_000

/**
 * Asks a receiver, with a packet of amount zero, how much it got on a connection: evidence for packets whose
 * answers were lost. Destination units; undefined when it does not answer authentically or does not say.
 * `sequence` must not have been used on the connection, and is used up.
 *
 * A receiver may have forgotten: a total below what is known to have been delivered is no evidence.
 */
export async function askTotalReceived(options: {
  credentials: StreamCredentials
  sendPacket: SendPacket
  clock: Pick<Clock, 'nowMs'>
  random: Pick<Random, 'bytes'>
  sequence: number
  lifetimeMs?: number
}): Promise<bigint | undefined> {
  const { sendPacket, sequence, lifetimeMs = EVIDENCE_LIFETIME_MS } = options
  const connection = createClientConnection({ ...options, firstSequence: sequence })
  // Naming our own limit on the stream makes receivers tell theirs.
  const frames = [new StreamMaxMoneyFrame(1, MAX_PACKET_AMOUNT.toString(), 0)]
  const prepared = connection.prepare({ amount: 0n, minimum: 0n, frames, lifetimeMs })
  if (!prepared) return undefined
  const reply = await sendPacket(prepared.packet)
  if (reply.type === 'inDoubt') return undefined
  const stream = prepared.readReply(reply)
  return stream && readReceiverNews(stream.frames).totalReceived
}
