import type { Health } from '../../http-api/index.ts'
import type { Address, Cache, Clock, Database, HttpClient, HttpServer, Runtime } from '../../runtime/index.ts'
import type { RunningAssetDirectory } from '../assets/directory.ts'
import type { Assets } from '../assets/model.ts'
import type { BackendConfig } from '../config.ts'
import type { Liquidity } from '../liquidity/model.ts'
import type { RunningPeerDirectory } from '../peers/directory.ts'
import type { Peers } from '../peers/model.ts'
import type { TenantDirectory } from '../tenants/model.ts'
import { createAcceptor } from './accept.ts'
import { createInitiator } from './initiate.ts'
import type { AutoPeering } from './model.ts'
import { createProofs } from './proof.ts'
import { createAutoPeeringServer } from './server.ts'
import { createAutoPeeringStore } from './store.ts'

export type { AutoPeering, AutoPeeringFailure, WaitingRequest } from './model.ts'

export interface AutoPeeringDependencies {
  config: Pick<
    BackendConfig,
    | 'ENABLE_AUTO_PEERING'
    | 'AUTO_PEERING_SERVER_PORT'
    | 'AUTO_PEERING_POLICY'
    | 'AUTO_PEERING_ALLOW'
    | 'AUTO_PEERING_ASSETS'
    | 'AUTO_PEERING_URL'
    | 'BIND_HOST'
    | 'ILP_CONNECTOR_URL'
    | 'INSTANCE_NAME'
  >
  runtime: Pick<Runtime, 'clock' | 'random' | 'network' | 'logger'>
  clock: Clock
  database: Database
  cache: Cache
  assets: Assets
  assetDirectory: RunningAssetDirectory
  peers: Peers
  peerDirectory: RunningPeerDirectory
  tenants: TenantDirectory
  liquidity: Pick<Liquidity, 'deposit'>
  health: Health
  http: { operator: Pick<HttpClient, 'request'>; thirdParty: Pick<HttpClient, 'request'> }
}

export interface RunningAutoPeering extends AutoPeering {
  /** Opens the door where ENABLE_AUTO_PEERING is true. */
  start(): Promise<void>
  /** Where it listens; undefined where it does not. */
  readonly address: Address | undefined
  /** Answers 503 from now on; resolves when what runs has ended, at most after `graceMs`. */
  drain(graceMs?: number): Promise<void>
  stop(graceMs?: number): Promise<void>
}

/** Peering by URL, both sides (facts of the protocol: model.ts). */
export function createAutoPeering(dependencies: AutoPeeringDependencies): RunningAutoPeering {
  const { config, runtime, cache, http, tenants, peers, peerDirectory } = dependencies
  const { random, logger } = runtime
  const store = createAutoPeeringStore({ ...dependencies, random })
  const proofs = createProofs({ cache, random, httpClient: http.thirdParty, ownUrl: publicUrl(config) })
  const base = { tenants, peers, peerDirectory, store, random, logger, config }
  const acceptor = createAcceptor({
    ...base,
    policy: {
      mode: config.AUTO_PEERING_POLICY,
      allowedHosts: config.AUTO_PEERING_ALLOW,
      assets: config.AUTO_PEERING_ASSETS
    },
    assets: dependencies.assetDirectory,
    liquidity: dependencies.liquidity,
    proofs
  })
  const initiator = createInitiator({
    ...base,
    assets: dependencies.assets,
    liquidity: dependencies.liquidity,
    proofs: config.ENABLE_AUTO_PEERING ? proofs : undefined,
    httpClients: { operator: http.operator, tenant: http.thirdParty }
  })
  let server: HttpServer | undefined

  return {
    createOrUpdatePeerByUrl: initiator.createOrUpdatePeerByUrl,
    waitingRequests: store.waiting,
    async start() {
      if (!config.ENABLE_AUTO_PEERING) return
      const address = { host: config.BIND_HOST, port: config.AUTO_PEERING_SERVER_PORT }
      server = await createAutoPeeringServer(
        runtime,
        { acceptor, proofs, health: dependencies.health },
        address
      )
    },
    get address() {
      return server?.address
    },
    async drain(graceMs) {
      await server?.drain(graceMs)
    },
    async stop(graceMs) {
      await server?.stop(graceMs)
    }
  }
}

/** Unless told otherwise: the connector's host, and the server's port. */
function publicUrl({
  AUTO_PEERING_URL,
  ILP_CONNECTOR_URL,
  AUTO_PEERING_SERVER_PORT
}: Pick<BackendConfig, 'AUTO_PEERING_URL' | 'ILP_CONNECTOR_URL' | 'AUTO_PEERING_SERVER_PORT'>): string {
  if (AUTO_PEERING_URL !== undefined) return AUTO_PEERING_URL
  const { protocol, hostname } = new URL(ILP_CONNECTOR_URL)
  return `${protocol}//${hostname}:${AUTO_PEERING_SERVER_PORT}/`
}
