/**
 * The packet switch. `pipeline.ts` lists what happens to a packet, step by step; `transports/` turns bytes into
 * packets and back; `books.ts` books; `recover.ts` clears up after dead processes.
 */
export { processTagOf } from './connection-totals.ts'
export { createConnector } from './connector.ts'
export type { ConnectorDependencies, DeadIncarnations } from './context.ts'
export { DEFAULT_CONNECTOR_LIMITS } from './limits.ts'
export type { ConnectorLimits } from './limits.ts'
export type { Connector, LocalSender } from './model.ts'
export type { Orphan, OrphanCause, Orphans } from './orphans.ts'
export { pipeline } from './pipeline.ts'
export { packetTransferIds } from './transfer-ids.ts'
export type { PacketTransferIds } from './transfer-ids.ts'
export { createTransportByScheme, createTransportByTrust } from './transport.ts'
export type { Transport, TransportOutcome } from './transport.ts'
export { DEFAULT_BTP_LIMITS, createBtpTransport } from './transports/btp.ts'
export type { BtpLimits, BtpPeers, BtpTransport } from './transports/btp.ts'
export { DEFAULT_MAX_CONNECTIONS_PER_PEER, createHttpTransport } from './transports/http-client.ts'
export { createConnectorServer } from './transports/http-server.ts'
export type { ConnectorServerDependencies } from './transports/http-server.ts'
