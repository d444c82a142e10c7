import type { Health } from '../http-api/index.ts'
import { createClientKeyFetcher } from '../http-signatures/index.ts'
import { createStreamReceiver } from '../ilp/index.ts'
import type { Ledger, LedgerWriter } from '../ledger/index.ts'
import { createHttpClient, idToUuid } from '../runtime/index.ts'
import type { Cache, Database, HttpClient, Runtime } from '../runtime/index.ts'
import { createClient as createIntrospectionClient } from '../token-introspection/index.ts'
import { createAccountingTransfers } from './accounting/transfers.ts'
import { createAdminApi } from './admin/index.ts'
import { createAssetDirectory } from './assets/directory.ts'
import { createAssets } from './assets/service.ts'
import { createAutoPeering } from './auto-peering/index.ts'
import type { BackendConfig } from './config.ts'
import {
  createBtpTransport,
  createConnector,
  createHttpTransport,
  createTransportByScheme,
  createTransportByTrust,
  processTagOf
} from './connector/index.ts'
import type { ConnectorLimits } from './connector/limits.ts'
import { createFees } from './fees/service.ts'
import { createIncarnation } from './incarnation.ts'
import { createIncomingPayments, createSharedAdmissions } from './incoming-payments/index.ts'
import type { InstanceKey } from './instance-key.ts'
import { createLowLiquidity } from './liquidity/low-liquidity.ts'
import { createLiquidity } from './liquidity/service.ts'
import { createOpenPaymentsServer } from './open-payments/index.ts'
import { createOutgoingPayments } from './outgoing-payments/index.ts'
import { revealEventData } from './partial-payments/events.ts'
import { createPartialPayments } from './partial-payments/service.ts'
import { createBtpSettlements } from './peers/btp-settlements.ts'
import { createPeerDirectory } from './peers/directory.ts'
import type { Peer } from './peers/model.ts'
import { createPayments } from './payments/service.ts'
import { createPeers } from './peers/service.ts'
import { createPaths, createQuotes } from './quotes/index.ts'
import { createRates } from './rates/service.ts'
import { createReceivers } from './receivers/index.ts'
import { createTransmitData } from './secrets.ts'
import { createTenantDirectory } from './tenants/directory.ts'
import { createTenants } from './tenants/service.ts'
import { createPaymentTimelines } from './timelines/service.ts'
import { createAwaitedWalletAddresses } from './wallet-addresses/awaited.ts'
import { createWalletAddresses } from './wallet-addresses/service.ts'
import { createAllTargets, createWebMonetization } from './web-monetization/service.ts'
import { createWebhookDeliveries } from './webhooks/deliveries.ts'
import { createWebhookDelivery } from './webhooks/delivery.ts'
import { createWebhookEvents } from './webhooks/events.ts'
import { createOutbox } from './webhooks/outbox.ts'
import { PLACES_PER_PROCESS } from './webhooks/places.ts'

/** What the parts of a backend share, opened before they are made. */
export interface Resources {
  database: Database
  cache: Cache
  ledger: Ledger
  writer: LedgerWriter
  instanceKey: InstanceKey
  http: HttpClients
  health: Health
}

/** Clients by who chose the URLs that they call. */
export interface HttpClients {
  /** URLs of the configuration and of the operator's settings: rates, introspection, the authorization server. */
  operator: HttpClient
  /** URLs of third parties, the rates of other tenants among them: guarded as ALLOW_PRIVATE_ADDRESSES says. */
  thirdParty: HttpClient
  /** Endpoints of the operator's peers: one Prepare per connection at a time. */
  peers: HttpClient
  /** Endpoints that auto-peered nodes chose, or tenants: guarded as ALLOW_PRIVATE_ADDRESSES says. */
  guardedPeers: HttpClient
  /** Receivers of the operator's webhooks. The outbox bounds what is in flight; nothing else waits for a connection of theirs. */
  webhooks: HttpClient
  /** The same for receivers that tenants chose: guarded as ALLOW_PRIVATE_ADDRESSES says. */
  guardedWebhooks: HttpClient
}

export function createHttpClients(runtime: Runtime, config: BackendConfig): HttpClients {
  const guard = { allowPrivateAddresses: config.ALLOW_PRIVATE_ADDRESSES }
  const toPeers = { maxConnectionsPerOrigin: config.MAX_CONNECTIONS_TO_PEER }
  const toWallets = { maxConnectionsPerOrigin: PLACES_PER_PROCESS * Math.max(1, config.WEBHOOK_WORKERS) }
  return {
    operator: createHttpClient(runtime),
    thirdParty: createHttpClient(runtime, guard),
    peers: createHttpClient(runtime, toPeers),
    guardedPeers: createHttpClient(runtime, { ...toPeers, ...guard }),
    webhooks: createHttpClient(runtime, toWallets),
    guardedWebhooks: createHttpClient(runtime, { ...toWallets, ...guard })
  }
}

/** What the variables say of the connector's limits; the others have their defaults. */
export function connectorLimits(config: BackendConfig): Partial<ConnectorLimits> {
  return {
    minReservationTimeoutS: config.TIGERBEETLE_TWO_PHASE_TIMEOUT_SECONDS,
    maxPacketsInFlight: config.MAX_PACKETS_IN_FLIGHT,
    maxPacketsToPeerInFlight: config.MAX_PACKETS_TO_PEER_IN_FLIGHT,
    maxPacketsWaiting: config.MAX_PACKETS_IN_FLIGHT,
    maxWaitMs: config.MAX_PACKET_WAIT_MS,
    stopGraceMs: config.STOP_GRACE_MS
  }
}

/**
 * Makes every part of a backend and hands each what it needs. Nothing starts here: `backend.ts` says in which
 * order that happens. Read from top to bottom, a part uses only what stands above it.
 */
export function composeBackend(config: BackendConfig, runtime: Runtime, resources: Resources) {
  const { clock, random, logger } = runtime
  const { database, cache, ledger, instanceKey, http, health } = resources
  const shared = { config, runtime, clock, random, logger, database, cache, ledger, health }

  // What every process keeps in memory.
  const tenants = createTenantDirectory(shared)
  const assetDirectory = createAssetDirectory(shared)
  const peerDirectory = createPeerDirectory({ ...shared, assets: assetDirectory })

  // Every booking is seen by the watch over low liquidity.
  const outbox = createOutbox(shared)
  const lowLiquidity = createLowLiquidity({ ...shared, assets: assetDirectory, peers: peerDirectory, outbox })
  const base = { ...shared, writer: lowLiquidity.watch(resources.writer) }

  // Money and its conditions.
  const liquidity = createLiquidity({ ...base, assets: assetDirectory })
  const assets = createAssets({ ...base, directory: assetDirectory, liquidity })
  const peers = createPeers({ ...base, directory: peerDirectory, assets: assetDirectory, liquidity })
  const autoPeering = createAutoPeering({
    ...base,
    assets,
    assetDirectory,
    peers,
    peerDirectory,
    tenants,
    liquidity,
    http
  })
  const fees = createFees({ ...base, assets: assetDirectory })
  const rates = createRates({
    ...base,
    httpClients: { plain: http.operator, guarded: http.thirdParty },
    tenants,
    lifetimeMs: config.EXCHANGE_RATES_LIFETIME
  })

  // Webhooks.
  const webhookEvents = createWebhookEvents(base)
  const webhookDeliveries = createWebhookDeliveries(base)
  const transmitData = createTransmitData(config.DB_ENCRYPTION_SECRET, random)
  const webhookDelivery = createWebhookDelivery({
    ...base,
    httpClients: { plain: http.webhooks, guarded: http.guardedWebhooks },
    tenants,
    reveal: revealEventData(transmitData)
  })

  // What is paid, and the packets that pay it.
  const walletAddresses = createWalletAddresses({ ...base, assets: assetDirectory, tenants })
  const streamReceiver = createStreamReceiver({ serverSecret: config.STREAM_SECRET, random })
  const incarnation = createIncarnation(base)
  const incomingPayments = createIncomingPayments({
    ...base,
    // With a cache of its own a process is the only one.
    ...(config.CACHE !== 'memory' && {
      sharedAdmissions: createSharedAdmissions({
        ...base,
        processTag: processTagOf(incarnation.id),
        isAlone: () => incarnation.isAlone()
      })
    }),
    assets: assetDirectory,
    tenants,
    walletAddresses,
    liquidity,
    outbox,
    streamReceiver
  })
  const webMonetization = createWebMonetization({
    ...base,
    assets: assetDirectory,
    walletAddresses,
    liquidity,
    outbox
  })
  const partialPayments = createPartialPayments({ ...base, incomingPayments, outbox, transmitData })
  // Who is no operator could have this node look around in the operator's network, and read what it finds.
  const isGuarded = ({ isAutoPeered, tenantId }: Peer) =>
    isAutoPeered === true || tenantId !== tenants.operator.id
  const httpTransport = createTransportByTrust({
    isGuarded,
    plain: createHttpTransport({ httpClient: http.peers, clock }),
    guarded: createHttpTransport({ httpClient: http.guardedPeers, clock })
  })
  const btpSettlements = createBtpSettlements({ ...base, assets: assetDirectory, liquidity })
  const btp = createBtpTransport({
    ...base,
    peers: peerDirectory,
    isGuarded: (peer) => !config.ALLOW_PRIVATE_ADDRESSES && isGuarded(peer),
    settlements: btpSettlements,
    network: runtime.network
  })
  const connector = createConnector({
    ...base,
    tenants,
    peers: peerDirectory,
    rates,
    deliveryTargets: createAllTargets(incomingPayments.targets, webMonetization.targets),
    streamReceiver,
    ...(config.ENABLE_PARTIAL_PAYMENT_DECISION && { partialPayments }),
    transport: createTransportByScheme({
      'http:': httpTransport,
      'https:': httpTransport,
      'btp+ws:': btp,
      'btp+wss:': btp
    }),
    incarnationId: incarnation.id,
    deadIncarnations: incarnation,
    limits: connectorLimits(config)
  })

  // Paying.
  const receivers = createReceivers({
    ...base,
    http: http.thirdParty,
    instanceKey: instanceKey.privateKey,
    tenants,
    walletAddresses,
    incomingPayments
  })
  const paths = createPaths(clock, config.EXCHANGE_RATES_LIFETIME)
  const quotes = createQuotes({
    ...base,
    paths,
    assets: assetDirectory,
    walletAddresses,
    receivers,
    rates,
    fees,
    connector
  })
  const outgoingPayments = createOutgoingPayments({
    ...base,
    paths,
    walletAddresses,
    quotes,
    receivers,
    liquidity,
    outbox,
    connector,
    targets: incomingPayments.targets,
    incarnationId: idToUuid(incarnation.id)
  })

  // The doors.
  const openPayments = createOpenPaymentsServer({
    ...base,
    instanceKey: instanceKey.privateKey,
    introspection: createIntrospectionClient({
      url: config.AUTH_SERVER_INTROSPECTION_URL,
      httpClient: http.operator,
      logger
    }),
    clientKeys: createClientKeyFetcher({ httpClient: http.thirdParty, scheme: config.OPEN_PAYMENTS_SCHEME }),
    tenants,
    walletAddresses,
    awaitedWalletAddresses: createAwaitedWalletAddresses({ ...base, walletAddresses, tenants, outbox }),
    streamReceiver,
    incomingPayments,
    quotes,
    outgoingPayments
  })
  const tenantService = createTenants({ ...base, directory: tenants, httpClient: http.operator })
  const admin = createAdminApi({
    ...base,
    services: {
      tenants: tenantService,
      assets,
      assetDirectory,
      peers,
      autoPeering,
      fees,
      walletAddresses,
      incomingPayments,
      partialPayments,
      webMonetization,
      quotes,
      outgoingPayments,
      payments: createPayments(base),
      receivers,
      liquidity,
      webhookEvents,
      webhookDeliveries,
      accountingTransfers: createAccountingTransfers({ ledger, assets: assetDirectory }),
      timelines: createPaymentTimelines({ ...base, webhookEvents, webhookDeliveries })
    }
  })

  return {
    tenants,
    tenantService,
    assetDirectory,
    peerDirectory,
    assets,
    peers,
    autoPeering,
    walletAddresses,
    incomingPayments,
    partialPayments,
    webMonetization,
    outgoingPayments,
    lowLiquidity,
    webhookDelivery,
    incarnation,
    btp,
    btpSettlements,
    connector,
    openPayments,
    admin
  }
}

export type BackendParts = ReturnType<typeof composeBackend>
