import { createReject, encodeReply } from '../../ilp/index.ts'
import type { IlpPrepare, IlpReply, OutgoingPacket, OutgoingReply } from '../../ilp/index.ts'
import { createMemoryCache, uuidToId } from '../../runtime/index.ts'
import { ConnectorStoppedError, createBooks } from './books.ts'
import { createConnectionTotals } from './connection-totals.ts'
import type { ConnectorContext, ConnectorDependencies } from './context.ts'
import { createDeadlines } from './deadlines.ts'
import { DEFAULT_CONNECTOR_LIMITS, createPeerUsages } from './limits.ts'
import type { Connector, LocalSender } from './model.ts'
import { createLoad } from './load.ts'
import { createOrphans } from './orphans.ts'
import type { PacketInHand, PacketSource } from './packet.ts'
import { rejectPacket } from './packet.ts'
import { runPipeline } from './pipeline.ts'
import { createRecovery } from './recover.ts'
import { READ_REFUSAL_COST, createRefusals } from './refusals.ts'
import { refusalForLoad } from './steps/admission.ts'
import type { LoadRefusal } from './steps/admission.ts'
import { destinationAsset } from './steps/convert.ts'
import { resolveDestination } from './steps/resolve.ts'

/** The node's packet switch: both doors lead into one pipeline. */
export function createConnector(dependencies: ConnectorDependencies): Connector {
  const { clock, logger, writer, cache = createMemoryCache({ clock }) } = dependencies
  const limits = { ...DEFAULT_CONNECTOR_LIMITS, ...dependencies.limits }
  const giveUp = new AbortController()
  const context: ConnectorContext = {
    ...dependencies,
    limits,
    books: createBooks({ writer, clock, logger, limits, stopped: giveUp.signal }),
    orphans: createOrphans({ clock, logger, maxListed: limits.maxOrphansListed }),
    connectionTotals: createConnectionTotals({ ...dependencies, cache, stopped: giveUp.signal }),
    usages: createPeerUsages(clock, (id) => dependencies.peers.get(id) !== undefined),
    load: createLoad(clock, limits),
    refusals: createRefusals(clock, limits),
    deadlines: createDeadlines(clock),
    accountIdOf: createAccountIds(),
    packetsInFlight: 0,
    stopped: giveUp.signal
  }
  const recovery = createRecovery(context)
  const { refusals } = context
  const refusalBytes = createRefusalBytes()
  let isStopping = false
  /** From a packet's arrival until nothing of it is left to do. */
  let unsettledPackets = 0
  let onSettled: (() => void) | undefined

  const addressOf = (tenantId: string) => context.tenants.get(tenantId)?.settings.ilpAddress ?? ''

  async function take(packet: PacketInHand): Promise<OutgoingReply> {
    if (isStopping) return rejectPacket(packet, STOPPING.code, STOPPING.message)
    unsettledPackets += 1
    const { answer, settled } = await runPipeline(packet, context, dependencies.steps)
    const done = () => {
      unsettledPackets -= 1
      if (unsettledPackets === 0) onSettled?.()
    }
    if (settled === undefined) {
      done()
    } else {
      const end = settled.then(done)
      // A sender within this node plans with what its account has free: it hears of a Reject when that is
      // voided. A peer does not wait for it.
      if (packet.source.kind === 'local') await end
    }
    if (answer.type === 'reject') {
      logger.debug(
        {
          event: 'packet_rejected',
          code: answer.code,
          triggeredBy: answer.triggeredBy,
          reason: answer.message,
          destination: packet.prepare.destination
        },
        'packet rejected'
      )
    }
    return answer
  }

  function packetFrom(
    source: PacketSource,
    prepare: IlpPrepare,
    origin: Pick<PacketInHand, 'tenantId' | 'asset' | 'accountId'>
  ): PacketInHand {
    const { tenantId, asset, accountId } = origin
    return {
      tenantId,
      asset,
      accountId,
      source,
      prepare,
      ownAddress: addressOf(tenantId),
      isFreeOfMoney: prepare.amount === 0n || (source.kind === 'local' && source.packet.isProbe),
      waitingSinceMs: undefined,
      postingSinceMs: undefined,
      isShed: false,
      destination: undefined,
      outgoingAmount: prepare.amount,
      outgoingExpiresAtMs: prepare.expiresAtMs,
      reservation: undefined,
      exchange: undefined,
      unsettled: undefined
    }
  }

  async function sendFrom(sender: LocalSender, outgoing: OutgoingPacket): Promise<OutgoingReply> {
    const { amount, executionCondition, expiresAtMs, destination, data } = outgoing
    const packet = packetFrom(
      { kind: 'local', sender, packet: outgoing },
      { amount, executionCondition, expiresAtMs, destination, data },
      { tenantId: sender.tenantId, asset: sender.asset, accountId: sender.account?.id ?? 0n }
    )
    if (sender.account === undefined && !packet.isFreeOfMoney) {
      return rejectPacket(packet, 'F00', 'this sender has no account: it may only send probes')
    }
    return take(packet)
  }

  return {
    orphans: context.orphans,

    door: {
      refuseUnread(peer, cost) {
        const refusal = isStopping ? STOPPING : refusalForLoad(peer, context)
        if (refusal === undefined) return undefined
        refusals.count(peer.id, cost)
        return refusalBytes(addressOf(peer.tenantId), refusal)
      },
      restMs: (peerId) => (isStopping ? 0 : refusals.restMs(peerId))
    },

    async handle(peer, prepare) {
      const packet = packetFrom({ kind: 'peer', peer }, prepare, {
        tenantId: peer.tenantId,
        asset: peer.asset,
        accountId: context.accountIdOf(peer)
      })
      const answer = await take(packet)
      if (answer.type === 'fulfill') refusals.countFulfill(peer.id)
      else if (packet.isShed) refusals.count(peer.id, READ_REFUSAL_COST)
      return asReply(answer)
    },

    senderFor: (sender) => (outgoing) => sendFrom(sender, outgoing),

    async nextHop(tenantId, destination) {
      const found = await resolveDestination(context, tenantId, destination)
      if (found === undefined) return undefined
      const via = found.kind === 'peer' ? found.peer : found.target
      return { asset: destinationAsset({ destination: found }), via }
    },

    start: () => recovery.start(),

    async stop(graceMs = limits.stopGraceMs) {
      isStopping = true
      recovery.stop()
      if (unsettledPackets > 0) {
        await new Promise<void>((resolve) => {
          const deadline = clock.setTimer(graceMs, resolve)
          onSettled = () => {
            deadline.cancel()
            resolve()
          }
        })
      }
      giveUp.abort(new ConnectorStoppedError('the connector stopped'))
    }
  }
}

/** The ledger accounts of peers: their ids as numbers, read once for each peer as it is. */
function createAccountIds(): ConnectorContext['accountIdOf'] {
  const known = new WeakMap<object, bigint>()
  return (peer) => {
    let id = known.get(peer)
    if (id === undefined) {
      id = uuidToId(peer.id)
      known.set(peer, id)
    }
    return id
  }
}

const STOPPING: LoadRefusal = { code: 'T03', message: 'the node is stopping' }

/** Rejects for load, encoded once for each of their few reasons, under the address that refused last. */
function createRefusalBytes() {
  const known = new Map<LoadRefusal, { triggeredBy: string; bytes: Buffer }>()
  return (triggeredBy: string, refusal: LoadRefusal): Buffer => {
    let entry = known.get(refusal)
    if (entry?.triggeredBy !== triggeredBy) {
      const { code, message } = refusal
      entry = { triggeredBy, bytes: encodeReply(createReject(code, { triggeredBy, message })) }
      known.set(refusal, entry)
    }
    return entry.bytes
  }
}

/** Doubt is for senders within this node only; to a peer it would be T01. */
function asReply(answer: OutgoingReply): IlpReply {
  if (answer.type !== 'inDoubt') return answer
  return createReject('T01', { triggeredBy: '', message: 'the answer of the next hop was lost' })
}
