import type { Clock, Database, Random } from '../../runtime/index.ts'
import type { PeeringRequest, WaitingRequest } from './model.ts'

/** A peer that was asked and whose operator has to approve: its own request is admitted on these terms. */
export interface Invitation {
  id: string
  tenantId: string
  assetId: string
  peerHost: string
  name: string | null
  maxPacketAmount: bigint | null
  liquidityThreshold: bigint | null
  liquidityToDeposit: bigint | null
  expiresAt: Date
}

/** Requests that wait for the operator at once; further ones are refused until he has looked. */
export const MAX_WAITING_REQUESTS = 100
/** A request that nobody approved is forgotten after this. */
export const WAITING_LIFETIME_MS = 30 * 86_400_000
/** An invitation admits a request this long. */
export const INVITATION_LIFETIME_MS = 30 * 86_400_000

interface WaitingRow extends Omit<WaitingRequest, 'name'> {
  peerHost: string
  name: string | null
  updatedAt: Date
}

interface CreditRow {
  peerHost: string
  assetId: string
  peerId: string
  depositId: string
  amount: bigint
  createdAt: Date
}

/** SQL of requests that wait, of invitations and of credits. */
export function createAutoPeeringStore({
  database,
  clock,
  random
}: {
  database: Database
  clock: Clock
  random: Pick<Random, 'orderedUuid'>
}) {
  const waiting = () => database.knex<WaitingRow>('autoPeeringRequests')
  const credits = () => database.knex<CreditRow>('autoPeeringCredits')
  const invitations = () => database.knex<Invitation & { createdAt: Date }>('autoPeeringInvitations')

  return {
    /** Notes a request, in place of an earlier one of the same host and asset. False: too many wait. */
    async note(request: PeeringRequest, peerHost: string, peerUrl: string): Promise<boolean> {
      const now = new Date(clock.nowMs())
      await waiting()
        .where('updatedAt', '<', new Date(clock.nowMs() - WAITING_LIFETIME_MS))
        .delete()
      const { rows } = await database.knex.raw<{ rows: unknown[] }>(
        `INSERT INTO "autoPeeringRequests" (id, "peerHost", "peerUrl", "staticIlpAddress", "ilpConnectorUrl",
           "assetCode", "assetScale", name, "createdAt", "updatedAt")
         SELECT ?, ?, ?, ?, ?, ?, ?, ?, ?, ?
         WHERE (SELECT count(*) FROM "autoPeeringRequests") < ?
            OR EXISTS (SELECT 1 FROM "autoPeeringRequests"
                       WHERE "peerHost" = ? AND "assetCode" = ? AND "assetScale" = ?)
         ON CONFLICT ("peerHost", "assetCode", "assetScale") DO UPDATE
           SET "peerUrl" = excluded."peerUrl", "staticIlpAddress" = excluded."staticIlpAddress",
               "ilpConnectorUrl" = excluded."ilpConnectorUrl", name = excluded.name, "updatedAt" = excluded."updatedAt"
         RETURNING id`,
        [
          random.orderedUuid(),
          peerHost,
          peerUrl,
          request.staticIlpAddress,
          request.ilpConnectorUrl,
          request.asset.code,
          request.asset.scale,
          request.name ?? null,
          now,
          now,
          MAX_WAITING_REQUESTS,
          peerHost,
          request.asset.code,
          request.asset.scale
        ]
      )
      return rows.length === 1
    },

    async waiting(): Promise<WaitingRequest[]> {
      const rows = await waiting()
        .orderBy([
          { column: 'createdAt', order: 'desc' },
          { column: 'id', order: 'desc' }
        ])
        .limit(MAX_WAITING_REQUESTS)
      return rows.map(({ name, peerHost: _, updatedAt: __, ...row }) => ({
        ...row,
        ...(name !== null && { name })
      }))
    },

    /** What waits of this host in this asset. */
    async noted(
      peerHost: string,
      { code, scale }: { code: string; scale: number }
    ): Promise<Pick<WaitingRequest, 'staticIlpAddress' | 'ilpConnectorUrl'> | undefined> {
      return waiting()
        .where({ peerHost, assetCode: code, assetScale: scale })
        .first('staticIlpAddress', 'ilpConnectorUrl')
    },

    /** Forgets what waited of this host in this asset: its peer is there. */
    async settled(peerHost: string, { code, scale }: { code: string; scale: number }): Promise<void> {
      await waiting().where({ peerHost, assetCode: code, assetScale: scale }).delete()
    },

    async invite(terms: Omit<Invitation, 'id' | 'expiresAt'>): Promise<void> {
      const nowMs = clock.nowMs()
      const expiresAt = new Date(nowMs + INVITATION_LIFETIME_MS)
      await invitations()
        .insert({ ...terms, id: random.orderedUuid(), createdAt: new Date(nowMs), expiresAt })
        .onConflict(['tenantId', 'assetId', 'peerHost'])
        .merge({ ...terms, expiresAt })
    },

    /** The invitation of a host in an asset of this code and scale; of several the oldest. */
    async invitation(
      peerHost: string,
      { code, scale }: { code: string; scale: number }
    ): Promise<Invitation | undefined> {
      const row: Invitation | undefined = await database
        .knex('autoPeeringInvitations')
        .join('assets', 'assets.id', 'autoPeeringInvitations.assetId')
        .where({ peerHost, 'assets.code': code, 'assets.scale': scale })
        .whereNull('assets.deletedAt')
        .where('expiresAt', '>', new Date(clock.nowMs()))
        .orderBy('autoPeeringInvitations.createdAt')
        .first('autoPeeringInvitations.*')
      return row
    },

    /**
     * The credit of a host in an asset, which the first peer of that host has and no other gets, whenever it asks:
     * the id and the amount of its deposit; undefined where another peer has it.
     */
    async creditFor(
      peer: { id: string; host: string; assetId: string },
      amount: bigint
    ): Promise<{ depositId: string; amount: bigint } | undefined> {
      const { host: peerHost, assetId } = peer
      const row = { peerHost, assetId, peerId: peer.id, depositId: random.orderedUuid(), amount }
      await credits()
        .insert({ ...row, createdAt: new Date(clock.nowMs()) })
        .onConflict(['peerHost', 'assetId'])
        .ignore()
      return credits().where({ peerHost, assetId, peerId: peer.id }).first('depositId', 'amount')
    },

    async withdraw(tenantId: string, assetId: string, peerHost: string): Promise<void> {
      await invitations().where({ tenantId, assetId, peerHost }).delete()
    }
  }
}

export type AutoPeeringStore = ReturnType<typeof createAutoPeeringStore>
