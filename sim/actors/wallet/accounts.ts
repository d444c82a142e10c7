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
 *                     └────release───▶ RELEASED
 */
export interface CustomerAccounts {
  open(walletAddress: string, asset: AssetId, balance: bigint): void
  get(walletAddress: string): CustomerAccount | undefined
  all(): CustomerAccount[]
  /** Sets an amount aside; false when the account does not have it. Repeating it for the payment changes nothing. */
  hold(walletAddress: string, paymentId: string, amount: bigint): boolean
  /** Takes `amount` of what was held and frees the rest. */
  capture(paymentId: string, amount: bigint): void
  /** Adds money, once per id. */
  credit(walletAddress: string, id: string, amount: bigint): void
}

interface Hold {
  account: CustomerAccount
  amount: bigint
  state: 'HELD' | 'SETTLED'
}

export function createCustomerAccounts(): CustomerAccounts {
  const accounts = new Map<string, CustomerAccount>()
  const holds = new Map<string, Hold>()
  const credited = new Set<string>()

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
      if (holds.has(paymentId)) return true
      const account = require(walletAddress)
      if (account.balance - account.held < amount) return false
      account.held += amount
      holds.set(paymentId, { account, amount, state: 'HELD' })
      return true
    },
    capture(paymentId, amount) {
      const hold = holds.get(paymentId)
      if (!hold || hold.state === 'SETTLED') return
      if (amount > hold.amount)
        throw new Error(`payment ${paymentId} would take ${amount} of ${hold.amount} held`)
      hold.state = 'SETTLED'
      hold.account.held -= hold.amount
      hold.account.balance -= amount
    },
    credit(walletAddress, id, amount) {
      if (credited.has(id)) return
      credited.add(id)
      require(walletAddress).balance += amount
    }
  }
}
