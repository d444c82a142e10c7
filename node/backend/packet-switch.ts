/**
 * The packet switch without the rest of a backend: its connector with both transports, routes and the accounts of peers,
 * on any ledger and without a database. The laboratory builds nodes of it by the thousand (`sim/packets/`).
 */
export * from './connector/index.ts'
export { createLiquidityAccounts } from './liquidity/accounts.ts'
export { createRoutingTable } from './peers/routing-table.ts'
export { DEFAULT_MAX_PACKETS_IN_FLIGHT, DEFAULT_MAX_PACKETS_PER_SECOND } from './peers/model.ts'
export type { Asset } from './assets/model.ts'
export type { PacketInHand } from './connector/packet.ts'
export type { Step } from './connector/step.ts'
export type { DeliveryTarget } from './incoming-payments/model.ts'
export type { Peer } from './peers/model.ts'
export type { RatesFailure } from './rates/model.ts'
export type { Tenant } from './tenants/model.ts'
