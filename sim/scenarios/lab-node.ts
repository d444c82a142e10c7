import type { AdminClient } from '../actors/admin-client.ts'
import type { ProvisionedNode } from '../networks/provision.ts'
import type { ServiceName } from '../networks/raise.ts'
import type { LabParts } from './lab-network.ts'

/** A node as its operator runs it: over its Admin API, and by starting and ending its services. */
export interface LabNode {
  readonly name: string
  readonly admin: AdminClient
  /** Ends a service as `kill -9` does. */
  kill(service: ServiceName): Promise<void>
  /** Starts it again; resolves when it answers. */
  restart(service: ServiceName): Promise<void>
  /** Services that were ended and not started again. */
  readonly down: ReadonlySet<ServiceName>
  /** Minor units that the peer may still send before settlement, as this node has them. */
  peerLiquidity(peer: string): Promise<bigint>
  depositPeerLiquidity(peer: string, amount: bigint): Promise<void>
  withdrawPeerLiquidity(peer: string, amount: bigint): Promise<void>
}

export function createLabNode(
  { network, controls, adminOf, tell, touch }: LabParts,
  { name, peers }: ProvisionedNode
): LabNode {
  const admin = adminOf(name)
  const { random } = network.runtime
  const down = new Set<ServiceName>()

  function peerId(peer: string): string {
    const found = peers.find((one) => one.with === peer)
    if (!found) throw new Error(`node "${name}" has no peer "${peer}"`)
    return found.id
  }

  return {
    name,
    admin,
    down,
    async kill(service) {
      tell('kill', `${name} ${service}`)
      down.add(service)
      touch(name)
      await controls.kill(name, service)
    },
    async restart(service) {
      await controls.restart(name, service)
      down.delete(service)
      tell('restart', `${name} ${service}`)
    },
    async peerLiquidity(peer) {
      const answer = await admin.call<{ peer: { liquidity: string } }>(PEER_LIQUIDITY, { id: peerId(peer) })
      return BigInt(answer.peer.liquidity)
    },
    async depositPeerLiquidity(peer, amount) {
      tell('deposit', `${name}: ${amount} for peer ${peer}`)
      await admin.call(DEPOSIT_PEER, {
        input: {
          peerId: peerId(peer),
          amount: amount.toString(),
          id: random.uuid(),
          idempotencyKey: random.uuid()
        }
      })
    },
    async withdrawPeerLiquidity(peer, amount) {
      tell('withdrawal', `${name}: ${amount} of peer ${peer}`)
      await admin.call(WITHDRAW_PEER, {
        input: {
          peerId: peerId(peer),
          amount: amount.toString(),
          id: random.uuid(),
          idempotencyKey: random.uuid(),
          timeoutSeconds: 0
        }
      })
    }
  }
}

const PEER_LIQUIDITY = 'query Peer($id: String!) { peer(id: $id) { liquidity } }'
const DEPOSIT_PEER = `mutation DepositPeerLiquidity($input: DepositPeerLiquidityInput!) {
  depositPeerLiquidity(input: $input) { success } }`
const WITHDRAW_PEER = `mutation CreatePeerLiquidityWithdrawal($input: CreatePeerLiquidityWithdrawalInput!) {
  createPeerLiquidityWithdrawal(input: $input) { success } }`
