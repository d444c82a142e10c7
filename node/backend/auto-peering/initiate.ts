import { HttpClientError } from '../../runtime/index.ts'
import type { HttpClient, HttpResponse, Logger, Random } from '../../runtime/index.ts'
import type { Asset, Assets } from '../assets/model.ts'
import type { Liquidity } from '../liquidity/model.ts'
import { failure, isFailure } from '../model.ts'
import type { Failure } from '../model.ts'
import type { RunningPeerDirectory } from '../peers/directory.ts'
import type { Peer, PeerInput, Peers } from '../peers/model.ts'
import type { TenantDirectory } from '../tenants/model.ts'
import { hostOf, isOwnedBy, problemOfClaim } from './addresses.ts'
import type { AutoPeering, AutoPeeringFailure, WaitingRequest } from './model.ts'
import type { Proofs } from './proof.ts'
import type { AutoPeeringStore } from './store.ts'
import { MAX_PEERING_BYTES, readAnswer, readRefusal, writeRequest } from './wire.ts'

/** The other node calls us back before it answers. */
export const PEERING_TIMEOUT_MS = 15_000

export interface InitiatorDependencies {
  assets: Pick<Assets, 'get'>
  peers: Pick<Peers, 'create' | 'update' | 'byAddressAndAsset'>
  peerDirectory: Pick<RunningPeerDirectory, 'all'>
  tenants: TenantDirectory
  liquidity: Pick<Liquidity, 'deposit'>
  /** Absent where this node has no auto-peering server: it cannot prove then that a request is its own. */
  proofs: Pick<Proofs, 'issue'> | undefined
  store: AutoPeeringStore
  random: Pick<Random, 'uuid'>
  logger: Logger
  /** The operator's URLs are his own affair, those of other tenants are guarded. */
  httpClients: { operator: Pick<HttpClient, 'request'>; tenant: Pick<HttpClient, 'request'> }
  config: { ILP_CONNECTOR_URL: string; INSTANCE_NAME: string }
}

type Input = Parameters<AutoPeering['createOrUpdatePeerByUrl']>[0]
type Refused = Failure<AutoPeeringFailure>
type Agreed = Exclude<ReturnType<typeof readAnswer>, { problem: string }>

/** The asking side: see the protocol in model.ts. */
export function createInitiator(dependencies: InitiatorDependencies) {
  const { assets, peers, peerDirectory, tenants, liquidity, proofs, store, random, logger } = dependencies
  const { httpClients, config } = dependencies

  async function createOrUpdatePeerByUrl(input: Input): Promise<Peer | Refused> {
    const { tenantId, peerUrl } = input
    const asset = await assets.get(input.assetId, tenantId)
    const tenant = tenants.get(tenantId)
    if (asset === undefined || tenant === undefined) {
      return failure('UnknownAsset', `there is no asset ${input.assetId}`)
    }
    if (!URL.canParse(peerUrl) || !/^https?:$/.test(new URL(peerUrl).protocol)) {
      return failure('InvalidPeerUrl', `"${peerUrl}" is not an http or https URL`)
    }
    const token = random.uuid()
    const answer = await ask(input, asset, tenant.settings.ilpAddress, token)
    if (isFailure<AutoPeeringFailure>(answer)) return answer

    const peer = await write(input, asset, answer, token)
    if (isFailure<AutoPeeringFailure>(peer)) return peer
    await store.withdraw(tenantId, asset.id, hostOf(peerUrl))
    if (tenant.isOperator) await store.settled(hostOf(peerUrl), asset)
    logger.info(
      { event: 'auto_peered', peerId: peer.id, peerUrl, staticIlpAddress: peer.staticIlpAddress },
      'this node peered with another by its URL'
    )
    return credit(input, asset, peer)
  }

  async function ask(
    input: Input,
    asset: Asset,
    ownAddress: string,
    httpToken: string
  ): Promise<Agreed | Refused> {
    const { tenantId, peerUrl, maxPacketAmount } = input
    const body = writeRequest({
      staticIlpAddress: ownAddress,
      ilpConnectorUrl: config.ILP_CONNECTOR_URL,
      asset: { code: asset.code, scale: asset.scale },
      httpToken,
      name: config.INSTANCE_NAME,
      ...(maxPacketAmount !== undefined && { maxPacketAmount })
    })
    const proof = await proofs?.issue(body, peerUrl)
    const client = tenants.get(tenantId)?.isOperator ? httpClients.operator : httpClients.tenant
    let response: HttpResponse
    try {
      response = await client.request({
        method: 'POST',
        url: peerUrl,
        headers: { 'content-type': 'application/json', accept: 'application/json', ...proof },
        body,
        timeoutMs: PEERING_TIMEOUT_MS,
        maxResponseBytes: MAX_PEERING_BYTES
      })
    } catch (error) {
      if (!(error instanceof HttpClientError)) throw error
      return failure('InvalidPeerUrl', error.message)
    }
    if (response.status !== 200) return refusedBy(response, input, asset)
    const answer = readAnswer(response.body)
    if (!('problem' in answer)) return answer
    return failure('InvalidPeerUrl', `${peerUrl} did not answer as an auto-peering server: ${answer.problem}`)
  }

  async function refusedBy({ status, body }: HttpResponse, input: Input, asset: Asset): Promise<Refused> {
    const refusal = readRefusal(body)
    if (refusal === undefined) {
      return failure('InvalidPeerUrl', `${input.peerUrl} answered ${status} and no auto-peering answer`)
    }
    const { type, message } = refusal
    switch (type) {
      case 'InvalidPeerIlpConfiguration':
        return failure('InvalidIlpConfiguration', message)
      case 'UnknownAsset':
        return failure('PeerUnsupportedAsset', message)
      case 'PeeringAwaitsApproval': {
        const { name, maxPacketAmount, liquidityThreshold, liquidityToDeposit } = input
        await store.invite({
          tenantId: input.tenantId,
          assetId: asset.id,
          peerHost: hostOf(input.peerUrl),
          name: name ?? null,
          maxPacketAmount: maxPacketAmount ?? null,
          liquidityThreshold: liquidityThreshold ?? null,
          liquidityToDeposit: liquidityToDeposit ?? null
        })
        return failure(
          'InvalidPeeringRequest',
          'the operator of the other node has to approve: the peer is made, on these terms, when he does'
        )
      }
      default:
        return failure('InvalidPeeringRequest', `${type || status}: ${message}`)
    }
  }

  async function write(input: Input, asset: Asset, answer: Agreed, token: string): Promise<Peer | Refused> {
    const { tenantId, name = answer.name, maxPacketAmount, liquidityThreshold } = input
    // Who was asked, not the connector that it names: that may be anybody's.
    const host = hostOf(input.peerUrl)
    const { staticIlpAddress } = answer
    const noted = tenants.get(tenantId)!.isOperator ? await store.noted(host, asset) : undefined
    if (noted && isOther(noted, answer)) {
      return failure(
        'InvalidPeerIlpConfiguration',
        `it asked as ${noted.staticIlpAddress} at ${noted.ilpConnectorUrl}, and answers as ${staticIlpAddress} at ${answer.ilpConnectorUrl}: let it ask again`
      )
    }
    const problem = problemOfClaim({
      address: staticIlpAddress,
      host,
      own: tenants.get(tenantId)!.settings.ilpAddress,
      peers: peerDirectory.all().filter((peer) => peer.tenantId === tenantId),
      mayBeParent: true
    })
    if (problem !== undefined) return failure('InvalidPeerIlpConfiguration', problem)
    const fields: PeerInput = {
      staticIlpAddress,
      http: {
        incoming: { authTokens: [answer.httpToken] },
        outgoing: { endpoint: answer.ilpConnectorUrl, authToken: token }
      },
      isAutoPeered: true,
      autoPeeredHost: host,
      ...(name !== undefined && { name }),
      ...(maxPacketAmount !== undefined && { maxPacketAmount }),
      ...(liquidityThreshold !== undefined && { liquidityThreshold })
    }
    const find = () => peers.byAddressAndAsset({ tenantId, staticIlpAddress, assetId: asset.id })
    if ((await find()) === undefined) {
      const created = await peers.create({ ...fields, tenantId, assetId: asset.id })
      if (!isFailure(created)) return created
      if (created.failure !== 'DuplicatePeer') return failure('InvalidPeerIlpConfiguration', created.message)
    }
    const known = await find()
    if (known === undefined || !isOwnedBy(known, host)) {
      return failure('InvalidPeerIlpConfiguration', `another peer has the address ${staticIlpAddress}`)
    }
    const updated = await peers.update({ ...fields, tenantId, id: known.id })
    return isFailure(updated) ? failure('InvalidPeerIlpConfiguration', updated.message) : updated
  }

  async function credit(
    { liquidityToDeposit = 0n, depositId }: Input,
    asset: Asset,
    peer: Peer
  ): Promise<Peer | Refused> {
    if (liquidityToDeposit === 0n) return peer
    const id = depositId ?? random.uuid()
    const refused = await liquidity.deposit({ id, accountId: peer.id, asset, amount: liquidityToDeposit })
    const isRepeat = refused?.failure === 'TransferExists' && depositId !== undefined
    if (!refused || isRepeat) return peer
    return failure('LiquidityError', `the peer is there, its deposit was refused: ${refused.failure}`)
  }

  return { createOrUpdatePeerByUrl }
}

/** What the operator saw and approved is what he gets. */
function isOther(
  noted: Pick<WaitingRequest, 'staticIlpAddress' | 'ilpConnectorUrl'>,
  answer: Pick<Agreed, 'staticIlpAddress' | 'ilpConnectorUrl'>
): boolean {
  return (
    noted.staticIlpAddress !== answer.staticIlpAddress || noted.ilpConnectorUrl !== answer.ilpConnectorUrl
  )
}
