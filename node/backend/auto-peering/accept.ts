import type { Logger, Random } from '../../runtime/index.ts'
import type { Asset, AssetDirectory } from '../assets/model.ts'
import { failure, isFailure } from '../model.ts'
import type { Liquidity } from '../liquidity/model.ts'
import type { Failure } from '../model.ts'
import type { Peer, PeerFailure, PeerInput, Peers } from '../peers/model.ts'
import type { RunningPeerDirectory } from '../peers/directory.ts'
import type { TenantDirectory } from '../tenants/model.ts'
import { hostOf, isOwnedBy, problemOfClaim } from './addresses.ts'
import type { AcceptFailure, PeeringAnswer, PeeringRequest } from './model.ts'
import { admitsAsset, creditOf } from './policy.ts'
import type { AutoPeeringPolicy } from './policy.ts'
import type { ProofClaim, Proofs } from './proof.ts'
import type { AutoPeeringStore, Invitation } from './store.ts'
import { readRequest } from './wire.ts'

export interface AcceptorDependencies {
  policy: AutoPeeringPolicy
  assets: AssetDirectory
  peers: Pick<Peers, 'create' | 'update' | 'byAddressAndAsset'>
  peerDirectory: Pick<RunningPeerDirectory, 'all'>
  tenants: TenantDirectory
  proofs: Pick<Proofs, 'check'>
  store: AutoPeeringStore
  liquidity: Pick<Liquidity, 'deposit'>
  random: Pick<Random, 'uuid'>
  logger: Logger
  config: { ILP_CONNECTOR_URL: string; INSTANCE_NAME: string }
}

/** Peers that one host makes by itself, of all its addresses and assets; one more is refused. */
export const MAX_PEERS_PER_HOST = 100

/** Why a request may become a peer, and on which terms. */
type Admission =
  | { by: 'invitation'; invitation: Invitation }
  /** A host of the operator's list: credit is granted. */
  | { by: 'list' }
  /** A stranger: noted for the operator, nothing is created. */
  | { by: 'approval' }

type Refused = Failure<AcceptFailure>

/**
 * The accepting side. A request runs through these gates in order, and nothing is created, credited or called
 * back before the one above it is passed:
 *
 *   readable ─▶ invited, listed, or approval is asked for ─▶ asset ─▶ address free ─▶ proved ─▶ peer
 *                                                                                       └─▶ noted for the operator
 */
export function createAcceptor(dependencies: AcceptorDependencies) {
  const { policy, assets, peers, peerDirectory, tenants, proofs, store, liquidity, random, logger, config } =
    dependencies

  async function accept(body: Buffer, claim: ProofClaim): Promise<PeeringAnswer | Refused> {
    const request = readRequest(body)
    if ('problem' in request) return failure('InvalidPeeringRequest', request.problem)
    const host = hostOf(request.ilpConnectorUrl)
    const admission = await admissionOf(request, host)
    if (admission === undefined) {
      return failure('PeeringNotAllowed', `this node does not peer with ${host} by itself: ask its operator`)
    }
    const asset = assetOf(request, admission)
    if (asset === undefined) {
      const { code, scale } = request.asset
      return failure('UnknownAsset', `this node does not peer in ${code} of scale ${scale}`)
    }
    const { tenantId } = asset
    const problem = problemOfClaim({
      address: request.staticIlpAddress,
      host,
      own: tenants.get(tenantId)?.settings.ilpAddress ?? '',
      peers: peerDirectory.all().filter((peer) => peer.tenantId === tenantId),
      mayBeParent: admission.by === 'invitation'
    })
    if (problem !== undefined) return failure('InvalidPeerIlpConfiguration', problem)
    const proof = await proofs.check(claim, host, body)
    if (isFailure(proof)) return proof

    const known = await peers.byAddressAndAsset({ ...request, tenantId, assetId: asset.id })
    // Whom the operator approved once may change its tokens.
    if (admission.by === 'approval' && known === undefined) return wait(request, host, proof.peerUrl)
    const isNew = known === undefined
    if (isNew && ownedBy(host, tenantId) >= MAX_PEERS_PER_HOST) {
      return failure('TooManyRequests', `${host} has ${MAX_PEERS_PER_HOST} peers here, which is the limit`)
    }
    const token = random.uuid()
    const written = await write(request, { host, asset, admission, token })
    if (isFailure(written)) return written
    if (admission.by === 'list') {
      const refused = await grantCredit(written, host)
      if (refused) return refused
    }
    if (admission.by === 'invitation') await store.withdraw(tenantId, asset.id, host)
    await store.settled(host, asset)
    logger.info(
      { event: 'auto_peered', peerId: written.id, host, staticIlpAddress: written.staticIlpAddress },
      'a node peered with this one by itself'
    )
    return {
      staticIlpAddress: tenants.get(tenantId)!.settings.ilpAddress,
      ilpConnectorUrl: config.ILP_CONNECTOR_URL,
      httpToken: token,
      name: config.INSTANCE_NAME,
      tenantId
    }
  }

  function ownedBy(host: string, tenantId: string): number {
    return peerDirectory.all().filter((peer) => peer.tenantId === tenantId && isOwnedBy(peer, host)).length
  }

  async function admissionOf(request: PeeringRequest, host: string): Promise<Admission | undefined> {
    const invitation = await store.invitation(host, request.asset)
    if (invitation !== undefined) return { by: 'invitation', invitation }
    if (policy.mode === 'allow-list' && policy.allowedHosts.includes(host)) return { by: 'list' }
    return policy.mode === 'approve' ? { by: 'approval' } : undefined
  }

  function assetOf({ asset }: PeeringRequest, admission: Admission): Asset | undefined {
    if (admission.by === 'invitation') return assets.get(admission.invitation.assetId)
    if (!admitsAsset(policy, asset)) return undefined
    return assets.byCodeAndScale(tenants.operator.id, asset.code, asset.scale)
  }

  async function wait(request: PeeringRequest, host: string, peerUrl: string): Promise<Refused> {
    if (!(await store.note(request, host, peerUrl))) {
      return failure('TooManyRequests', 'too many requests wait for the operator of this node')
    }
    const { asset, staticIlpAddress } = request
    logger.warn(
      { event: 'auto_peering_waits', peerUrl, staticIlpAddress, asset },
      'a node asks to peer: the operator approves it by createOrUpdatePeerByUrl with this peerUrl'
    )
    return failure(
      'PeeringAwaitsApproval',
      'the operator of this node has to approve the request; it is noted'
    )
  }

  async function write(
    request: PeeringRequest,
    { host, asset, admission, token }: { host: string; asset: Asset; admission: Admission; token: string }
  ): Promise<Peer | Refused> {
    const { tenantId } = asset
    const fields: PeerInput = {
      staticIlpAddress: request.staticIlpAddress,
      http: {
        incoming: { authTokens: [request.httpToken] },
        outgoing: { endpoint: request.ilpConnectorUrl, authToken: token }
      },
      isAutoPeered: true,
      autoPeeredHost: host,
      ...(request.name !== undefined && { name: request.name }),
      ...(request.maxPacketAmount !== undefined && { maxPacketAmount: request.maxPacketAmount }),
      ...(admission.by === 'invitation' && termsOf(admission.invitation))
    }
    const find = () => peers.byAddressAndAsset({ ...fields, tenantId, assetId: asset.id })
    if ((await find()) === undefined) {
      const created = await peers.create({
        ...fields,
        tenantId,
        assetId: asset.id,
        initialLiquidity: admission.by === 'invitation' ? (admission.invitation.liquidityToDeposit ?? 0n) : 0n
      })
      if (!isFailure(created) || created.failure !== 'DuplicatePeer') return refusalOf(created)
    }
    // Nobody takes over what is another's.
    const known = await find()
    if (known === undefined || !isOwnedBy(known, host)) {
      return failure('InvalidPeerIlpConfiguration', 'another peer has this address')
    }
    return refusalOf(await peers.update({ ...fields, tenantId, id: known.id }))
  }

  /** Deposits a listed host's credit to the first peer of that host; repeating it changes nothing. */
  async function grantCredit(peer: Peer, host: string): Promise<Refused | undefined> {
    const { id, asset } = peer
    const granted = creditOf(policy, asset)
    if (granted === 0n) return undefined
    const credit = await store.creditFor({ id, host, assetId: asset.id }, granted)
    if (credit === undefined) return undefined
    const refusal = await liquidity.deposit({
      id: credit.depositId,
      accountId: id,
      asset,
      amount: credit.amount
    })
    if (!refusal || refusal.failure === 'TransferExists') return undefined
    return failure('LiquidityError', `the credit of the peer was refused: ${refusal.failure}`)
  }

  return { accept }
}

export type Acceptor = ReturnType<typeof createAcceptor>

function termsOf({ name, maxPacketAmount, liquidityThreshold }: Invitation): Partial<PeerInput> {
  return {
    ...(name !== null && { name }),
    ...(maxPacketAmount !== null && { maxPacketAmount }),
    ...(liquidityThreshold !== null && { liquidityThreshold })
  }
}

function refusalOf(written: Peer | Failure<PeerFailure>): Peer | Refused {
  if (!isFailure(written)) return written
  const isAddress = written.failure === 'InvalidStaticIlpAddress'
  return failure(isAddress ? 'InvalidPeerIlpConfiguration' : 'InvalidPeeringRequest', written.message)
}
