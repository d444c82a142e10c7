import type { IlpErrorCode } from '../../ilp/index.ts'
import type { Peer } from '../peers/model.ts'

/**
 * How handing a Prepare to a peer ended.
 *
 *   answer    bytes came back: a Fulfill, a Reject, or nonsense
 *   notSent   the peer cannot have executed it: no connection, or refused before it was a packet
 *   lost      the peer may have executed it, but its answer will never come
 *
 * `code` is what the upstream hears.
 */
export type TransportOutcome =
  | { kind: 'answer'; bytes: Buffer }
  | { kind: 'notSent'; code: IlpErrorCode; reason: string }
  | { kind: 'lost'; code: IlpErrorCode; reason: string }

/** Moments of an exchange, by the wall clock. */
export interface ExchangeTimes {
  /** The Prepare's expiry: a Prepare that still waits then is not sent any more. */
  expiresAtMs: number
  /** Until then an answer is waited for: later than the expiry, so that a late Fulfill is seen and listed. */
  giveUpAtMs: number
}

/** Carries Prepares to peers. */
export interface Transport {
  /**
   * Sends one Prepare, once: whatever happens to the connection, the same bytes never go out again, and not at
   * all after its expiry. Never rejects.
   */
  send(peer: Peer, bytes: Buffer, times: ExchangeTimes): Promise<TransportOutcome>
  close(): Promise<void>
}

/** Chooses a transport by the scheme of the peer's endpoint (`https:` for example). */
export function createTransportByScheme(transports: Readonly<Record<string, Transport>>): Transport {
  return {
    send(peer, bytes, times) {
      const { endpoint } = peer.http.outgoing
      const transport = transports[endpoint.slice(0, endpoint.indexOf(':') + 1)]
      if (transport === undefined) {
        const reason = `no transport carries packets to ${endpoint}`
        return Promise.resolve({ kind: 'notSent', code: 'F02', reason })
      }
      return transport.send(peer, bytes, times)
    },
    async close() {
      for (const transport of new Set(Object.values(transports))) await transport.close()
    }
  }
}

/** Peers whose endpoint the operator did not choose are reached through a guarded transport, others through the plain one. */
export function createTransportByTrust({
  plain,
  guarded,
  isGuarded
}: {
  plain: Transport
  guarded: Transport
  isGuarded(peer: Peer): boolean
}): Transport {
  return {
    send: (peer, bytes, times) => (isGuarded(peer) ? guarded : plain).send(peer, bytes, times),
    async close() {
      await plain.close()
      await guarded.close()
    }
  }
}
