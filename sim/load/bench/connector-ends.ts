import { createBtpSender, startBtpReceiver } from './connector-btp.ts'
import { createHttpSender, startHttpReceiver } from './connector-http.ts'
import { CONNECTIONS } from './connector-model.ts'
import type { BenchTransport, PacketReceiver, PacketSender } from './connector-model.ts'
import type { NodeUnderLoad } from './connector-node.ts'
import { PACKET_AMOUNT } from './connector-packets.ts'
import { startRelay } from './connector-phases.ts'
import type { BenchmarkContext, BenchmarkResult } from './model.ts'

/** A peer at the far end, taken down with the run. */
export async function startReceiver(
  { defer }: BenchmarkContext,
  transport: BenchTransport
): Promise<PacketReceiver> {
  const receiver = transport === 'http' ? await startHttpReceiver() : await startBtpReceiver()
  defer(() => receiver.close())
  return receiver
}

/** A peer of the node that sends, and one behind the node that receives. */
export async function connectPeers(
  { defer }: BenchmarkContext,
  node: NodeUnderLoad,
  transport: BenchTransport,
  receiver: PacketReceiver,
  {
    connections = CONNECTIONS,
    limits = {}
  }: { connections?: number; limits?: Readonly<Record<string, string | number>> } = {}
): Promise<{ sender: PacketSender; destination: string }> {
  const token = await node.addSender(`sender-${transport}`, limits)
  const destination = await node.addReceiver(`receiver-${transport}`, receiver.endpoint)
  const sender =
    transport === 'http'
      ? createHttpSender(node.origin, token, connections)
      : await createBtpSender(node.origin, token)
  defer(() => sender.close())
  return { sender, destination }
}

/** The bare relay before the same receiver, and a sender to it. */
export async function connectRelay(
  context: BenchmarkContext,
  transport: BenchTransport,
  receiver: PacketReceiver,
  connections: number
): Promise<PacketSender> {
  const { defer } = context
  let sender: PacketSender
  if (transport === 'http') {
    const { origin } = new URL(receiver.endpoint)
    const relay = await startRelay(context, 'connector-relay-http.ts', [origin, String(connections)])
    sender = createHttpSender(relay, 'none', connections)
  } else {
    const relay = await startRelay(context, 'connector-relay-btp.ts', [receiver.endpoint.replace('btp+', '')])
    sender = await createBtpSender(relay, 'none')
  }
  defer(() => sender.close())
  return sender
}

/** Once nothing is in flight any more: zero-sum, nothing reserved, and posted exactly what was fulfilled. */
export async function auditBooks(node: NodeUnderLoad, fulfilled: number): Promise<BenchmarkResult['audit']> {
  const { received, problems } = await node.readLedger()
  const expected = BigInt(fulfilled) * PACKET_AMOUNT
  if (received !== expected) problems.push(`${expected} were fulfilled and ${received} are booked`)
  return problems.length === 0 ? { ok: true } : { ok: false, problems }
}
