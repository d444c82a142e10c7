import { decodePrepare, encodeReply, isPacketError } from '../../ilp/index.ts'
import type { IlpPrepare, IlpReply } from '../../ilp/index.ts'
import { LedgerBusyError, LedgerUnavailableError } from '../../ledger/index.ts'
import type { LedgerWriter, NewTransfer, SubmissionResult } from '../../ledger/index.ts'
import type { Clock } from '../../runtime/index.ts'
import type { Peer } from '../peers/model.ts'
import type { Transport, TransportOutcome } from './transport.ts'

// For tests: a ledger writer that fails as told, a transport that does as told.

/** What goes wrong with one submission. `after`: it was applied, and nobody hears of it. */
export type WriterFault = 'before' | 'after' | 'busy' | { delayMs: number; then?: 'before' | 'after' }

export interface FaultyWriter extends LedgerWriter {
  /** Asked for every submission. */
  fault: (transfers: readonly NewTransfer[]) => WriterFault | undefined
}

export function createFaultyWriter(inner: LedgerWriter, clock: Clock): FaultyWriter {
  const writer: FaultyWriter = {
    fault: () => undefined,
    async submit(transfers, options): Promise<SubmissionResult[]> {
      const told = writer.fault(transfers)
      if (typeof told === 'object') await clock.sleep(told.delayMs)
      const fault = typeof told === 'object' ? told.then : told
      if (fault === 'busy') throw new LedgerBusyError('told to')
      if (fault === 'before') throw new LedgerUnavailableError('told to, before')
      const results = await inner.submit(transfers, options)
      if (fault === 'after') throw new LedgerUnavailableError('told to, after')
      return results
    },
    close: () => inner.close()
  }
  return writer
}

/** A packet that reached the far end of a scripted transport. */
export interface SentPacket {
  peer: Peer
  prepare: IlpPrepare
  giveUpAtMs: number
  answer(reply: IlpReply): void
  end(outcome: TransportOutcome): void
}

export interface ScriptedTransport extends Transport {
  readonly sent: SentPacket[]
  /** Called for each packet; without it packets wait in `sent`. */
  onSend: ((packet: SentPacket) => void) | undefined
}

export function createScriptedTransport(): ScriptedTransport {
  const transport: ScriptedTransport = {
    sent: [],
    onSend: undefined,
    send(peer, bytes, { giveUpAtMs }) {
      return new Promise((resolve) => {
        const prepare = decodePrepare(bytes)
        if (isPacketError(prepare)) throw new Error(prepare.reason)
        const packet: SentPacket = {
          peer,
          prepare,
          giveUpAtMs,
          answer: (reply) => resolve({ kind: 'answer', bytes: encodeReply(reply) }),
          end: resolve
        }
        transport.sent.push(packet)
        transport.onSend?.(packet)
      })
    },
    close: async () => undefined
  }
  return transport
}
