import { assetName } from '../../topology/model.ts'
import type { AssetId } from '../../topology/model.ts'

/** A customer's account at the wallet. Amounts are minor units of its asset. */
export interface CustomerAccount {
  walletAddress: string
  asset: AssetId
  balance: bigint
  /** Set aside for outgoing payments that are under way. */
  held: bigint
}

/**
 * The wallet's own books. A payment's hold ends once, by capture or release; what was booked for a payment or
 * an event is remembered by its id, so that an event that is delivered twice books once.
 *
 *   (none) ──hold──▶ HELD ──capture──▶ CAPTURED
 *      │              └────release───▶ RELEASED
 *      └──not enough, or refused──▶ REFUSED
 */
export interface CustomerAccounts {
  open(walletAddress: string, asset: AssetId, balance: bigint): void
  get(walletAddress: string): CustomerAccount | undefined
  all(): CustomerAccount[]
  /**
   * Sets an amount aside; false when the account does not have it, or the payment was refused. Repeating it for the
   * payment gives the same answer.
   */
  hold(walletAddress: string, paymentId: string, amount: bigint): boolean
  /** The payment is not made; nothing is held for it now or later. */
  refuse(walletAddress: string, paymentId: string): void
  /** Takes `amount` of what was held and frees the rest. */
  capture(paymentId: string, amount: bigint): void
  /** Frees what was held. */
  release(paymentId: string): void
  /** Adds money, once per id. */
  credit(walletAddress: string, id: string, amount: bigint): void
  /** Adds to what the wallet earned in an asset, once per id. */
  earn(asset: AssetId, id: string, amount: bigint): void
  /** What the wallet earned: fees, and what a quote held back for a worse rate than came. */
  earned(asset: AssetId): bigint
}

interface Hold {
  account: CustomerAccount
  amount: bigint
  state: 'HELD' | 'CAPTURED' | 'RELEASED' | 'REFUSED'
}

export function createCustomerAccounts(): CustomerAccounts {
  const accounts = new Map<string, CustomerAccount>()
  const holds = new Map<string, Hold>()
  const credited = new Set<string>()
  const earnings = new Map<string, bigint>()

  function require(walletAddress: string): CustomerAccount {
    const account = accounts.get(walletAddress)
    if (!account) throw new Error(`the wallet has no account for ${walletAddress}`)
    return account
  }

  return {
    open(walletAddress, asset, balance) {
      accounts.set(walletAddress, { walletAddress, asset, balance, held: 0n })
    },
    get: (walletAddress) => accounts.get(walletAddress),
    all: () => [...accounts.values()],
    hold(walletAddress, paymentId, amount) {
      const known = holds.get(paymentId)
      if (known) return known.state !== 'REFUSED'
      const account = require(walletAddress)
      const isEnough = account.balance - account.held >= amount
      if (isEnough) account.held += amount
      holds.set(paymentId, { account, amount, state: isEnough ? 'HELD' : 'REFUSED' })
      return isEnough
    },
    refuse(walletAddress, paymentId) {
      if (holds.has(paymentId)) return
      holds.set(paymentId, { account: require(walletAddress), amount: 0n, state: 'REFUSED' })
    },
    capture(paymentId, amount) {
      const hold = holds.get(paymentId)
      if (hold?.state !== 'HELD') return
      if (amount > hold.amount)
        throw new Error(`payment ${paymentId} would take ${amount} of ${hold.amount} held`)
      hold.state = 'CAPTURED'
      hold.account.held -= hold.amount
      hold.account.balance -= amount
    },
    release(paymentId) {
      const hold = holds.get(paymentId)
      if (hold?.state !== 'HELD') return
      hold.state = 'RELEASED'
      hold.account.held -= hold.amount
    },
    credit(walletAddress, id, amount) {
      if (credited.has(id)) return
      credited.add(id)
      require(walletAddress).balance += amount
    },
    earn(asset, id, amount) {
      if (credited.has(id)) return
      credited.add(id)
      earnings.set(assetName(asset), (earnings.get(assetName(asset)) ?? 0n) + amount)
    },
    earned: (asset) => earnings.get(assetName(asset)) ?? 0n
  }
}
