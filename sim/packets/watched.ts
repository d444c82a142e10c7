import type { Peer, Transport, TransportOutcome } from '../../node/backend/packet-switch.ts'
import { decodePrepare, decodeReply, isPacketError } from '../../node/ilp/index.ts'
import { chainIsDone } from '../../node/ledger/index.ts'
import type { LedgerWriter } from '../../node/ledger/index.ts'
import { uuidToId } from '../../node/runtime/index.ts'
import type { Clock } from '../../node/runtime/index.ts'
import type { Link, Party } from './history.ts'
import { meets } from './trace.ts'
import type { Recorder } from './recorder.ts'
import type { PacketTrace } from './trace.ts'
import type { PacketProcess } from './world.ts'

/** What a dead process waits for: code that was about to go on when it was killed must not. */
export function never(): Promise<never> {
  return new Promise(() => undefined)
}

/** A process's ledger writer, seen from above: whose a chain is, when its end is known, and what gets into trouble. */
export function createWriterWatch(recorder: Recorder, clock: Clock) {
  const submitted = new Set<{ trace: PacketTrace | undefined; isStuck: boolean }>()
  let stuck = 0
  return {
    /** A batch is slow or lost: what waits now, in it or behind it, is in trouble, and what comes until those are done. */
    troubled(): void {
      for (const waiting of submitted) {
        if (!waiting.isStuck) stuck += 1
        waiting.isStuck = true
        if (waiting.trace) waiting.trace.isTroubled = true
      }
    },
    around: (inner: LedgerWriter): LedgerWriter => ({
      async submit(transfers, options) {
        const trace = recorder.submits(transfers)
        if (trace && stuck > 0) trace.isTroubled = true
        const waiting = { trace, isStuck: false }
        submitted.add(waiting)
        try {
          const results = await inner.submit(transfers, options)
          const isEnd = transfers[0]?.flags?.voidPending !== true && transfers[0]?.flags?.pending !== true
          if (trace && isEnd && chainIsDone(results)) recorder.knows(trace, clock.nowMs())
          return results
        } catch (error) {
          if (trace) trace.isTroubled = true
          throw error
        } finally {
          submitted.delete(waiting)
          if (waiting.isStuck) stuck -= 1
        }
      },
      close: () => inner.close()
    })
  }
}

/** A process's transport, seen from above: what is handed to it, and what it says came of it. */
export function watchTransport(
  inner: Transport,
  of: { party: Party; recorder: Recorder; process: PacketProcess; linkOf(peer: Peer): Link | undefined }
): Transport {
  const { party, recorder, linkOf } = of
  const { clock, owner } = of.process
  return {
    async send(peer, bytes, times) {
      if (owner.killed) return never()
      const trace = recorder.context.getStore()
      const prepare = decodePrepare(bytes)
      const link = linkOf(peer)
      if (trace === undefined || link === undefined || isPacketError(prepare)) {
        recorder.violate(
          'what is sent is a packet',
          `${party} sends ${bytes.length} bytes that are none of a packet's`
        )
        return inner.send(peer, bytes, times)
      }
      if (prepare.executionCondition.toString('hex') !== trace.condition)
        recorder.violate('the condition stays', `${recorder.nameOf(trace)} goes out under another condition`)
      recorder.sends(trace, clock.nowMs(), prepare, {
        link: link.name,
        accountId: uuidToId(peer.id),
        asset: link.plan.asset
      })
      const outcome = await inner.send(peer, bytes, times)
      if (!owner.killed) recorder.outcome(trace, clock.nowMs(), summaryOf(outcome, trace.condition))
      return outcome
    },
    close: () => inner.close()
  }
}

function summaryOf(outcome: TransportOutcome, condition: string) {
  if (outcome.kind !== 'answer') return { kind: outcome.kind, isValidFulfill: false, code: outcome.code }
  const reply = decodeReply(outcome.bytes)
  if (isPacketError(reply)) return { kind: 'nonsense', isValidFulfill: false }
  if (reply.type === 'reject') return { kind: 'reject', isValidFulfill: false, code: reply.code }
  return { kind: 'fulfill', isValidFulfill: meets(reply.fulfillment, condition) }
}
