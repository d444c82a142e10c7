import { AccountCode } from '../../ledger/index.ts'
import { uuidToId } from '../../runtime/index.ts'
import type { DeliveryTarget, DeliveryTargets } from '../incoming-payments/model.ts'
import type { Liquidity } from '../liquidity/model.ts'
import type { WalletAddress, WalletAddresses } from '../wallet-addresses/model.ts'

/** Targets that are remembered; beyond it the one that was resolved longest ago is forgotten. */
export const MAX_CACHED_TARGETS = 10_000

export interface WalletAddressTargets extends DeliveryTargets {
  /** The target, where it is at hand: no query. */
  known(paymentTag: string): DeliveryTarget | undefined
  /** The wallet address changed: it is read again. */
  forget(id: string): void
  forgetAll(): void
}

/**
 * What is paid to a wallet address itself, by its SPSP credentials (RFC 9), rather than to an incoming payment:
 * money without a limit, into the account LIQUIDITY_WEB_MONETIZATION, which opens with the first packet.
 */
export function createWalletAddressTargets({
  walletAddresses,
  liquidity,
  markPaid,
  onCredited
}: {
  walletAddresses: Pick<WalletAddresses, 'get'>
  liquidity: Pick<Liquidity, 'ensureAccount' | 'accounts'>
  /** Before its first packet is booked: says so in its row, so that no credit is overlooked after a crash. */
  markPaid(id: string): Promise<void>
  /** Outside of the packet's way. */
  onCredited(walletAddress: WalletAddress): void
}): WalletAddressTargets {
  /** In the order of their last resolution, the oldest first. */
  const targets = new Map<string, DeliveryTarget>()
  const loading = new Map<string, Promise<DeliveryTarget | undefined>>()

  async function load(id: string): Promise<DeliveryTarget | undefined> {
    const walletAddress = await walletAddresses.get(id)
    if (walletAddress === undefined) return undefined
    const { asset } = walletAddress
    await markPaid(walletAddress.id)
    await liquidity.ensureAccount({
      id: walletAddress.id,
      asset,
      code: AccountCode.LIQUIDITY_WEB_MONETIZATION
    })
    const [account] = await liquidity.accounts([walletAddress.id])
    return createTarget(walletAddress, account?.creditsPosted ?? 0n)
  }

  function createTarget(walletAddress: WalletAddress, total: bigint): DeliveryTarget {
    const { id, tenantId, asset, isActive } = walletAddress
    let received = total
    return {
      kind: 'walletAddress',
      id,
      tenantId,
      asset,
      accountId: uuidToId(id),
      receiveMax: undefined,
      get received() {
        return received
      },
      isClosed: !isActive,
      admit: () => (isActive ? 'admitted' : 'closed'),
      posted(amount) {
        received += amount
        onCredited(walletAddress)
      },
      released: () => undefined,
      learned(known) {
        if (known > received) received = known
      }
    }
  }

  function remember(id: string, target: DeliveryTarget): void {
    targets.delete(id)
    targets.set(id, target)
    if (targets.size > MAX_CACHED_TARGETS) targets.delete(targets.keys().next().value!)
  }

  function known(paymentTag: string): DeliveryTarget | undefined {
    const id = paymentTag.toLowerCase()
    const target = targets.get(id)
    if (target) remember(id, target)
    return target
  }

  return {
    known,
    async resolve(paymentTag) {
      const found = known(paymentTag)
      if (found) return found
      const id = paymentTag.toLowerCase()
      const begun = loading.get(id)
      if (begun) return begun
      const reading = load(id)
      loading.set(id, reading)
      try {
        const target = await reading
        // A change that came meanwhile took the load away: what it read may be old, and serves this packet only.
        if (target && loading.get(id) === reading) remember(id, target)
        return target
      } finally {
        if (loading.get(id) === reading) loading.delete(id)
      }
    },
    forget(id) {
      targets.delete(id)
      loading.delete(id)
    },
    forgetAll() {
      targets.clear()
      loading.clear()
    }
  }
}
