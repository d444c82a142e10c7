import { adminError, toConnection } from '../../../admin-api/index.ts'
import { autoPeeringFailures, peerFailures } from '../../failures.ts'
import type { WaitingRequest } from '../../auto-peering/index.ts'
import type { Peer, PeerSetting } from '../../peers/model.ts'
import { given, listScope, pageRequest, scopeOf } from '../arguments.ts'
import type { PageArguments } from '../arguments.ts'
import type { AdminContext } from '../context.ts'
import { failureError, unwrap } from '../errors.ts'
import { creation, madeOnce, mutation } from '../mutation.ts'

interface PeerSettings {
  maxPacketAmount?: bigint | null
  name?: string | null
  liquidityThreshold?: bigint | null
  routes?: string[] | null
  maxPacketsPerSecond?: number | null
  maxPacketsInFlight?: number | null
  maxAmountPerSecond?: bigint | null
  maxSettledOverBtp?: bigint | null
  idempotencyKey?: string | null
}

interface HttpInput {
  incoming?: { authTokens: string[] } | null
  outgoing: { authToken: string; endpoint: string }
}

interface CreatePeerInput extends PeerSettings {
  http: HttpInput
  assetId: string
  staticIlpAddress: string
  initialLiquidity?: bigint | null
}

interface UpdatePeerInput extends PeerSettings {
  id: string
  http?: HttpInput | null
  staticIlpAddress?: string | null
}

interface CreateOrUpdatePeerByUrlInput {
  peerUrl: string
  assetId: string
  name?: string | null
  maxPacketAmount?: bigint | null
  liquidityThreshold?: bigint | null
  liquidityToDeposit?: bigint | null
  idempotencyKey?: string | null
}

export const peerResolvers = {
  Query: {
    async peer(_: unknown, { id }: { id: string }, context: AdminContext) {
      return findPeer(context, id)
    },
    peerByAddressAndAsset: (
      _: unknown,
      args: { staticIlpAddress: string; assetId: string },
      { services, tenant }: AdminContext
    ) => services.peers.byAddressAndAsset({ tenantId: tenant.id, ...args }),
    async peers(_: unknown, args: PageArguments & { tenantId?: string | null }, context: AdminContext) {
      const { tenantId } = listScope(context, args.tenantId)
      return toConnection(await context.services.peers.page(pageRequest(args), tenantId))
    },
    // Strangers ask for the operator's peering: other tenants have nothing to decide here.
    autoPeeringRequests: (_: unknown, __: unknown, { services, isOperator }: AdminContext) =>
      isOperator ? services.autoPeering.waitingRequests() : []
  },

  Mutation: {
    createPeer: creation('createPeer', async (input: CreatePeerInput, context, claimed) => {
      const { assetId, staticIlpAddress, http, initialLiquidity } = input
      const { assets, peers } = context.services
      // A peer belongs to its asset's tenant; only the operator may use another's asset.
      const asset = await assets.get(assetId, scopeOf(context).tenantId)
      const tenantId = asset?.tenantId ?? context.tenant.id
      const make = async () => {
        const created = peers.create({
          tenantId,
          assetId,
          staticIlpAddress,
          http: httpOf(http),
          ...(initialLiquidity != null && { initialLiquidity }),
          ...settingsOf(input)
        })
        return unwrap(peerFailures, await created)
      }
      const find = () => peers.byAddressAndAsset({ tenantId, staticIlpAddress, assetId })
      return { peer: await madeOnce(claimed, find, make) }
    }),
    updatePeer: mutation('updatePeer', async (input: UpdatePeerInput, context) => {
      const { tenantId } = await findPeer(context, input.id)
      const { id, staticIlpAddress, http } = input
      const peer = await context.services.peers.update({
        id,
        tenantId,
        ...(staticIlpAddress != null && { staticIlpAddress }),
        ...(http && { http: httpOf(http) }),
        ...settingsOf(input),
        ...takenAway(input)
      })
      return { peer: unwrap(peerFailures, peer) }
    }),
    createOrUpdatePeerByUrl: creation(
      'createOrUpdatePeerByUrl',
      async (input: CreateOrUpdatePeerByUrlInput, { services, tenant }, claimed) => {
        const { peerUrl, assetId, name, maxPacketAmount, liquidityThreshold, liquidityToDeposit } = input
        const peer = await services.autoPeering.createOrUpdatePeerByUrl({
          tenantId: tenant.id,
          peerUrl,
          assetId,
          depositId: claimed.id,
          ...given({ name, maxPacketAmount, liquidityThreshold, liquidityToDeposit })
        })
        return { peer: unwrap(autoPeeringFailures, peer) }
      }
    ),
    deletePeer: mutation('deletePeer', async ({ id }: { id: string }, { services, tenant }) => {
      const peer = unwrap(peerFailures, await services.peers.delete({ id, tenantId: tenant.id }))
      return { success: true, liquidity: await services.liquidity.balance(peer.id) }
    })
  },

  Peer: {
    liquidity: ({ id }: Peer, _: unknown, { loaders }: AdminContext) => loaders.balance.load(id),
    settledOverBtp: ({ settledOverBtp = 0n }: Peer) => settledOverBtp,
    createdAt: ({ createdAt }: Peer) => createdAt.toISOString(),
    tenant: ({ tenantId }: Peer, _: unknown, { services }: AdminContext) => services.tenants.get(tenantId)
  },

  AutoPeeringRequest: {
    createdAt: ({ createdAt }: WaitingRequest) => createdAt.toISOString()
  }
}

export async function findPeer(context: AdminContext, id: string): Promise<Peer> {
  const peer = await context.services.peers.get(id, scopeOf(context).tenantId)
  if (!peer) throw failureError(peerFailures, { failure: 'UnknownPeer' })
  return peer
}

function httpOf({ incoming, outgoing }: HttpInput) {
  return { ...(incoming && { incoming }), outgoing }
}

const CLEARABLE: readonly PeerSetting[] = [
  'name',
  'maxPacketAmount',
  'liquidityThreshold',
  'maxPacketsPerSecond',
  'maxPacketsInFlight',
  'maxAmountPerSecond',
  'maxSettledOverBtp'
]

/** What an update sets to null. */
function takenAway(input: PeerSettings): { [Setting in PeerSetting]?: null } {
  return Object.fromEntries(CLEARABLE.filter((name) => input[name] === null).map((name) => [name, null]))
}

function settingsOf(input: PeerSettings) {
  for (const name of ['maxPacketsPerSecond', 'maxPacketsInFlight'] as const) {
    const limit = input[name]
    if (limit != null && limit < 1) throw adminError('BAD_USER_INPUT', `${name} must be at least 1`)
  }
  const { maxPacketAmount, name, liquidityThreshold, routes } = input
  const { maxPacketsPerSecond, maxPacketsInFlight, maxAmountPerSecond, maxSettledOverBtp } = input
  return given({
    maxPacketAmount,
    name,
    liquidityThreshold,
    routes,
    maxPacketsPerSecond,
    maxPacketsInFlight,
    maxAmountPerSecond,
    maxSettledOverBtp
  })
}
