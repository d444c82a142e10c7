import { createHttpClient } from '../../../node/runtime/index.ts'
import { createAdminClient } from '../../actors/admin-client.ts'
import { classifyReply, createPacketFactory } from '../bench/connector-packets.ts'
import type { CallOutcome } from '../engine/stage.ts'
import type { LoadTarget } from '../target.ts'
import { booksByLiquidity } from './books.ts'
import type { AccountBooks } from './books.ts'
import { CONNECTOR_BOUNDS, MAX_IN_FLIGHT, PACKET_SCRIPT, PROBE_CALLERS } from './connector.ts'
import type { LoadContext, Workload } from './model.ts'
import { generator, ownVersions } from './network.ts'
import { connectSender, startTallyingPeer } from './packet-ends.ts'
import { reconcilePackets } from './reconcile.ts'
import type { Statement } from './reconcile.ts'

const WARM_UP_MS = 4_000

/** ILP packets through a connector of anybody's: the generator is the peer that sends, and the peer behind it. */
export async function startTargetConnectorWorkload(
  context: LoadContext,
  { name, connector }: LoadTarget & { connector: NonNullable<LoadTarget['connector']> },
  { transport, seed }: { transport: 'http' | 'btp'; seed: number }
): Promise<Workload> {
  const { runtime } = context
  const { url, authToken, destination, receiver, admin } = connector
  const amountEach = BigInt(connector.amount)
  const peer = await startTallyingPeer(context, transport, 'fulfil', receiver)
  context.step('target', `${name}: packets to ${url}, back to ${peer.endpoint}`)
  const sender = await connectSender(context, transport, url, authToken)
  const packets = createPacketFactory(destination, `${seed}/${runtime.random.uuid()}`, amountEach)
  const books = admin && (await openBooks(context, admin))

  async function call(): Promise<CallOutcome> {
    const { bytes, fulfillment } = packets.next(runtime.clock.nowMs())
    const outcome = await sender.send(bytes).then(
      (reply) => classifyReply(reply, fulfillment),
      (error: Error) => error.message
    )
    return { ok: outcome === 'fulfilled', name: outcome }
  }

  return {
    unit: 'packets',
    topology: {
      name,
      nodes: [
        { name: 'sender', role: 'generator', detail: 'the generator, as a peer', column: 0 },
        { name, role: 'node', detail: new URL(url).host, column: 1 },
        { name: 'receiver', role: 'peer', detail: 'fulfils everything', column: 2 }
      ],
      links: [
        { from: 'sender', to: name, detail: transport },
        { from: name, to: 'receiver', detail: transport }
      ]
    },
    call,
    maxInFlight: MAX_IN_FLIGHT[transport],
    probeCallers: PROBE_CALLERS[transport],
    warmUpMs: WARM_UP_MS,
    bounds: CONNECTOR_BOUNDS,
    processes: [generator()],
    profiled: [],
    settings: { target: name, transport, amountPerPacket: connector.amount },
    versions: ownVersions(),
    ...(transport === 'http' && {
      k6: {
        script: PACKET_SCRIPT,
        target: {
          senders: [{ url, authToken }],
          destination,
          amount: connector.amount,
          goodOutcome: 'fulfilled'
        }
      }
    }),
    async reconcile({ fulfilled = 0, ...unfulfilled }) {
      const statements: Statement[] = [
        {
          what: 'generator: fulfilled',
          packets: { count: fulfilled, amount: BigInt(fulfilled) * amountEach },
          amountEach,
          hop: ''
        }
      ]
      if (admin && books) {
        statements.push(
          {
            what: `${name}: taken from the sender`,
            packets: await books.debited(admin.senderPeerId),
            amountEach,
            hop: `the sender → ${name}`
          },
          {
            what: `${name}: given to the receiver`,
            packets: await books.credited(admin.receiverPeerId),
            amountEach,
            hop: `within ${name}`
          }
        )
      }
      statements.push({
        what: 'receiver: fulfilled',
        packets: peer.fulfilled,
        amountEach,
        hop: `${name} → the receiver`
      })
      return reconcilePackets({ statements, unfulfilled, reserved: [] })
    },
    // Nobody tells when another's process ends: its calls fail.
    failure: new Promise(() => undefined)
  }
}

async function openBooks(
  { runtime, defer }: LoadContext,
  admin: NonNullable<NonNullable<LoadTarget['connector']>['admin']>
): Promise<AccountBooks> {
  const http = createHttpClient(runtime)
  defer(() => http.close())
  const client = createAdminClient({ http, clock: runtime.clock }, admin)
  return booksByLiquidity(client, [admin.senderPeerId, admin.receiverPeerId])
}
