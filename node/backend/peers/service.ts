import { AccountCode, MAX_AMOUNT } from '../../ledger/index.ts'
import { idToUuid } from '../../runtime/index.ts'
import type { Clock, Database, Random } from '../../runtime/index.ts'
import type { RunningAssetDirectory } from '../assets/directory.ts'
import type { Asset } from '../assets/model.ts'
import type { BackendConfig } from '../config.ts'
import type { LiquidityService } from '../liquidity/service.ts'
import { Channel, failure, isFailure, notify } from '../model.ts'
import type { Failure, Transaction } from '../model.ts'
import { selectPage } from '../../pagination/index.ts'
import { isUuid, violatedUnique } from '../sql.ts'
import type { RunningPeerDirectory } from './directory.ts'
import { MAX_PEERS, MAX_PEERS_PER_TENANT } from './model.ts'
import type { Peer, PeerChanges, PeerFailure, PeerInput, Peers } from './model.ts'
import { toPeer } from './store.ts'
import type { PeerRow } from './store.ts'
import { checkPeerInput } from './validate.ts'

export interface PeersDependencies {
  database: Database
  clock: Clock
  random: Random
  directory: RunningPeerDirectory
  assets: RunningAssetDirectory
  liquidity: Pick<
    LiquidityService,
    'accounts' | 'ensureAccount' | 'claimDeposit' | 'deposit' | 'finishDeposits'
  >
  config: Pick<BackendConfig, 'OPERATOR_TENANT_ID'>
  /** Where not given: MAX_PEERS, MAX_PEERS_PER_TENANT. */
  maxPeers?: number
  maxPeersPerTenant?: number
}

/**
 * Peers of tenants. A peer's account stands in the ledger before its row does. Its initial liquidity is a
 * deposit under the peer's own id, claimed in the transaction that writes the peer: whoever crashes in
 * between, the next start finishes it.
 */
export function createPeers(dependencies: PeersDependencies): Peers & {
  /** Makes sure that every peer has its account and its initial liquidity. */
  ensureAccounts(): Promise<void>
} {
  const { database, clock, random, directory, assets, liquidity, config } = dependencies
  const { maxPeers = MAX_PEERS, maxPeersPerTenant = MAX_PEERS_PER_TENANT } = dependencies

  async function create(input: Parameters<Peers['create']>[0]): Promise<Peer | Failure<PeerFailure>> {
    const asset = isUuid(input.assetId) ? await assets.find(input.assetId) : undefined
    if (asset === undefined || asset.deletedAt || asset.tenantId !== input.tenantId)
      return unknownAsset(input.assetId)
    const refused = checkPeerInput(input)
    if (refused) return refused
    const { initialLiquidity = 0n } = input
    if (initialLiquidity < 0n || initialLiquidity > MAX_AMOUNT) {
      return failure('InvalidInitialLiquidity', `initial liquidity is from 0 to ${MAX_AMOUNT}`)
    }
    const tooMany = refuseFurther(input.tenantId)
    if (tooMany) return tooMany
    // Checked before the account is made, so that a refused peer leaves none behind; the constraints decide.
    const duplicate = await findDuplicate(input)
    if (duplicate) return duplicate

    const createdAt = new Date(clock.nowMs())
    const row: PeerRow = {
      id: random.orderedUuid(),
      assetId: asset.id,
      tenantId: input.tenantId,
      staticIlpAddress: input.staticIlpAddress,
      routes: routesOf(input.staticIlpAddress, input.routes ?? []),
      name: input.name ?? null,
      outgoingToken: input.http.outgoing.authToken,
      outgoingEndpoint: input.http.outgoing.endpoint,
      maxPacketAmount: input.maxPacketAmount ?? null,
      liquidityThreshold: input.liquidityThreshold ?? null,
      maxPacketsPerSecond: input.maxPacketsPerSecond ?? null,
      maxPacketsInFlight: input.maxPacketsInFlight ?? null,
      maxAmountPerSecond: input.maxAmountPerSecond ?? null,
      maxSettledOverBtp: input.maxSettledOverBtp ?? null,
      settledOverBtp: 0n,
      autoPeered: input.isAutoPeered ?? false,
      autoPeeredHost: input.autoPeeredHost ?? null,
      createdAt
    }
    const deposit = { id: row.id, accountId: row.id, asset, amount: initialLiquidity }
    await liquidity.ensureAccount({ id: row.id, asset, code: AccountCode.LIQUIDITY_PEER })
    const written = await change(row.id, async (trx) => {
      if (!(await holdAsset(trx, asset))) return unknownAsset(asset.id)
      await trx('peers').insert({ ...row, updatedAt: createdAt })
      await insertTokens(trx, row.id, input.http.incoming?.authTokens ?? [])
      if (initialLiquidity > 0n) await liquidity.claimDeposit(trx, deposit)
      return toPeer(row, asset)
    })
    if (isFailure(written)) return written
    if (initialLiquidity > 0n) {
      const refusal = await liquidity.deposit(deposit)
      if (refusal && refusal.failure !== 'TransferExists') {
        return failure('InvalidInitialLiquidity', `the ledger refused the deposit: ${refusal.failure}`)
      }
    }
    return written
  }

  function refuseFurther(tenantId: string): Failure<PeerFailure> | undefined {
    const all = directory.all()
    if (all.length >= maxPeers) {
      return failure('TooManyPeers', `this node has ${maxPeers} peers, the most that it holds: delete some`)
    }
    const isOperator = tenantId === config.OPERATOR_TENANT_ID.toLowerCase()
    if (isOperator || all.filter((peer) => peer.tenantId === tenantId).length < maxPeersPerTenant) {
      return undefined
    }
    return failure('TooManyPeers', `the tenant has ${maxPeersPerTenant} peers, the most that it may have`)
  }

  async function findDuplicate(
    input: PeerInput & { assetId: string }
  ): Promise<Failure<PeerFailure> | undefined> {
    const { staticIlpAddress, assetId } = input
    if (await database.knex('peers').where({ staticIlpAddress, assetId }).first('id')) return duplicatePeer()
    const tokens = input.http.incoming?.authTokens ?? []
    if (tokens.some((token) => directory.byIncomingToken(token) !== undefined)) return duplicateToken()
    return undefined
  }

  /** Keeps the asset from being deleted until the transaction ends; false when it is deleted already. */
  async function holdAsset(trx: Transaction, asset: Asset): Promise<boolean> {
    const held = await trx('assets').where({ id: asset.id }).whereNull('deletedAt').forKeyShare().first('id')
    return held !== undefined
  }

  async function insertTokens(trx: Transaction, peerId: string, tokens: readonly string[]): Promise<void> {
    if (tokens.length === 0) return
    const createdAt = new Date(clock.nowMs())
    await trx('httpTokens').insert(
      tokens.map((token) => ({ id: random.orderedUuid(), token, peerId, createdAt }))
    )
  }

  async function update(input: Parameters<Peers['update']>[0]): Promise<Peer | Failure<PeerFailure>> {
    const { id, tenantId } = input
    if (!isUuid(id)) return unknownPeer(id)
    const refused = checkPeerInput(input)
    if (refused) return refused
    const known = await find({ id, tenantId })
    if (known === undefined) return unknownPeer(id)
    return change(id, async (trx) => {
      const old = await trx<PeerRow>('peers').where({ id, tenantId }).forUpdate().first()
      if (old === undefined) return unknownPeer(id)
      const staticIlpAddress = input.staticIlpAddress ?? old.staticIlpAddress
      const autoPeered = input.isAutoPeered ?? (keepsEndpoint(input, old) && old.autoPeered)
      const row: PeerRow = {
        ...old,
        staticIlpAddress,
        routes: routesOf(staticIlpAddress, input.routes ?? old.routes.slice(1)),
        name: changed(input.name, old.name),
        outgoingToken: input.http?.outgoing.authToken ?? old.outgoingToken,
        outgoingEndpoint: input.http?.outgoing.endpoint ?? old.outgoingEndpoint,
        maxPacketAmount: changed(input.maxPacketAmount, old.maxPacketAmount),
        liquidityThreshold: changed(input.liquidityThreshold, old.liquidityThreshold),
        maxPacketsPerSecond: changed(input.maxPacketsPerSecond, old.maxPacketsPerSecond),
        maxPacketsInFlight: changed(input.maxPacketsInFlight, old.maxPacketsInFlight),
        maxAmountPerSecond: changed(input.maxAmountPerSecond, old.maxAmountPerSecond),
        maxSettledOverBtp: changed(input.maxSettledOverBtp, old.maxSettledOverBtp),
        autoPeered,
        autoPeeredHost: autoPeered ? (input.autoPeeredHost ?? old.autoPeeredHost) : null
      }
      await trx('peers')
        .where({ id })
        .update({ ...row, updatedAt: new Date(clock.nowMs()) })
      if (input.http?.incoming) {
        await trx('httpTokens').where({ peerId: id }).delete()
        await insertTokens(trx, id, input.http.incoming.authTokens)
      }
      return toPeer(row, known.asset)
    })
  }

  async function remove(input: { id: string; tenantId: string }): Promise<Peer | Failure<PeerFailure>> {
    const { id, tenantId } = input
    const known = isUuid(id) ? await find({ id, tenantId }) : undefined
    if (known === undefined) return unknownPeer(id)
    return change(id, async (trx) => {
      const [row] = await trx<PeerRow>('peers').where({ id, tenantId }).delete().returning('*')
      return row === undefined ? unknownPeer(id) : toPeer(row, known.asset)
    })
  }

  /** One transaction that changes the peer and tells every process; this one knows before it returns. */
  async function change(
    id: string,
    work: (trx: Transaction) => Promise<Peer | Failure<PeerFailure>>
  ): Promise<Peer | Failure<PeerFailure>> {
    try {
      const result = await database.transaction(async (trx) => {
        const changed = await work(trx)
        if (!isFailure(changed)) await notify(trx, Channel.PEER_CHANGED, id)
        return changed
      })
      if (!isFailure(result)) await directory.refresh(id)
      return result
    } catch (error) {
      const constraint = violatedUnique(error)
      if (constraint === 'peers_assetId_staticIlpAddress_key') return duplicatePeer()
      if (constraint === 'httpTokens_token_key') return duplicateToken()
      throw error
    }
  }

  async function find(where: Partial<PeerRow>): Promise<Peer | undefined> {
    const row = await database.knex<PeerRow>('peers').where(where).first()
    const asset = row && (await assets.find(row.assetId))
    return row && asset && toPeer(row, asset)
  }

  async function accountOf(
    id: string,
    tenantId?: string
  ): Promise<{ accountId: string; asset: Asset } | undefined> {
    const [account] = isUuid(id) ? await liquidity.accounts([id]) : []
    // Nobody else has an account of this code, and it names its asset, which names the tenant.
    if (account?.code !== AccountCode.LIQUIDITY_PEER) return undefined
    const asset = await assets.find(idToUuid(account.userData128))
    if (asset === undefined || (tenantId !== undefined && asset.tenantId !== tenantId)) return undefined
    return { accountId: id.toLowerCase(), asset }
  }

  return {
    create,
    update,
    accountOf,
    delete: remove,
    async get(id, tenantId) {
      if (!isUuid(id)) return undefined
      return find({ id, ...(tenantId !== undefined && { tenantId }) })
    },
    async byAddressAndAsset({ tenantId, staticIlpAddress, assetId }) {
      return isUuid(assetId) ? find({ tenantId, staticIlpAddress, assetId }) : undefined
    },
    async page(request, tenantId) {
      const page = await selectPage<PeerRow>(
        'peers',
        () => database.knex('peers').modify((query) => tenantId !== undefined && query.where({ tenantId })),
        request,
        { tenantId }
      )
      const rows: Peer[] = []
      for (const row of page.rows) {
        const asset = await assets.find(row.assetId)
        if (asset !== undefined) rows.push(toPeer(row, asset))
      }
      return { ...page, rows }
    },
    async ensureAccounts() {
      for (const { id, asset } of directory.all()) {
        await liquidity.ensureAccount({ id, asset, code: AccountCode.LIQUIDITY_PEER })
      }
      await liquidity.finishDeposits('peers')
    }
  }
}

function keepsEndpoint({ http }: Pick<PeerChanges, 'http'>, { outgoingEndpoint }: PeerRow): boolean {
  return http === undefined || http.outgoing.endpoint === outgoingEndpoint
}

function unknownPeer(id: string): Failure<PeerFailure> {
  return failure('UnknownPeer', `there is no peer ${id}`)
}

function unknownAsset(id: string): Failure<PeerFailure> {
  return failure('UnknownAsset', `there is no asset ${id}`)
}

function duplicatePeer(): Failure<PeerFailure> {
  return failure('DuplicatePeer', 'a peer of this ILP address and asset exists already')
}

function duplicateToken(): Failure<PeerFailure> {
  return failure('DuplicateIncomingToken', 'an incoming token is in use already, by this peer or another')
}

/** Each once, its own address first. */
function routesOf(staticIlpAddress: string, routes: readonly string[]): string[] {
  return [...new Set([staticIlpAddress, ...routes])]
}

/** Absent: as it was; null: none any more. */
function changed<Value>(value: Value | null | undefined, old: Value | null): Value | null {
  return value === undefined ? old : value
}
