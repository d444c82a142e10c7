export type BenchTransport = 'http' | 'btp'

/** A peer that sends, over as many connections as its transport has. */
export interface PacketSender {
  /** Resolves with the answer's bytes; rejects when none came. */
  send(prepare: Buffer): Promise<Buffer>
  close(): Promise<void> | void
}

/** A peer at the far end, which fulfils every packet of the benchmark at once. */
export interface PacketReceiver {
  /** What the node under load has as the peer's endpoint. */
  readonly endpoint: string
  close(): Promise<void> | void
}

/** Connections of the sending peer over HTTP, each with one packet at a time. */
export const CONNECTIONS = 64
/** Packets in flight over BTP's one connection: it carries as many as are asked for. */
export const BTP_IN_FLIGHT = 256

/** Where a receiver listens. */
export interface ListenAddress {
  host: string
  /** 0: any that is free. */
  port: number
}

export const ANY_PORT: ListenAddress = { host: '127.0.0.1', port: 0 }
