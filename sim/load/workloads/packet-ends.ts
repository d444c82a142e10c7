import { encodeReply } from '../../../node/ilp/index.ts'
import { startBtpReceiver, createBtpSender } from '../bench/connector-btp.ts'
import { createHttpFloodSender } from '../bench/connector-flood-http.ts'
import { startHttpReceiver } from '../bench/connector-http.ts'
import { ANY_PORT } from '../bench/connector-model.ts'
import type { BenchTransport, ListenAddress, PacketReceiver, PacketSender } from '../bench/connector-model.ts'
import { fulfill } from '../bench/connector-packets.ts'
import type { LoadContext } from './model.ts'

/** What a peer did with packets: its own books. */
export interface Tally {
  count: number
  amount: bigint
}

export interface TallyingPeer extends PacketReceiver {
  /** Packets that it answered with a Fulfill. */
  readonly fulfilled: Tally
  /** Packets that it answered with a Reject. */
  readonly rejected: Tally
}

const REJECT = encodeReply({
  type: 'reject',
  code: 'F99',
  triggeredBy: 'test.receiver',
  message: 'rejects everything',
  data: Buffer.alloc(0)
})

/** A peer behind the node that fulfils, or rejects, whatever arrives, and keeps count. */
export async function startTallyingPeer(
  { defer }: Pick<LoadContext, 'defer'>,
  transport: BenchTransport,
  answers: 'fulfil' | 'reject',
  address: ListenAddress = ANY_PORT
): Promise<TallyingPeer> {
  const fulfilled: Tally = { count: 0, amount: 0n }
  const rejected: Tally = { count: 0, amount: 0n }
  const answer = (prepare: Buffer): Buffer => {
    const tally = answers === 'fulfil' ? fulfilled : rejected
    tally.count += 1
    tally.amount += amountOf(prepare)
    return answers === 'fulfil' ? fulfill(prepare) : REJECT
  }
  const receiver = await (transport === 'http' ? startHttpReceiver : startBtpReceiver)(answer, address)
  defer(() => receiver.close())
  return { ...receiver, fulfilled, rejected }
}

/** RFC 27: type, length (one byte below 128, else one more for each of its bytes), amount. */
function amountOf(prepare: Buffer): bigint {
  const lengthBytes = prepare[1]! < 0x80 ? 1 : 1 + (prepare[1]! & 0x7f)
  return prepare.readBigUInt64BE(1 + lengthBytes)
}

/** A peer before the node that sends: over HTTP on a connection per packet under way, over BTP on one for all. */
export async function connectSender(
  { defer }: Pick<LoadContext, 'defer'>,
  transport: BenchTransport,
  origin: string,
  token: string
): Promise<PacketSender> {
  const sender =
    transport === 'http' ? createHttpFloodSender(origin, token) : await createBtpSender(origin, token)
  defer(() => sender.close())
  return sender
}
