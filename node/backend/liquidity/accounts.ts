import { AccountCode } from '../../ledger/index.ts'
import type { Account, Ledger, NewAccount } from '../../ledger/index.ts'
import { idToUuid, uuidToId } from '../../runtime/index.ts'
import type { Asset } from '../assets/model.ts'
import type { Liquidity } from './model.ts'

/** Liquidity accounts in the ledger, under the ids of their resources: created, and read. */
export function createLiquidityAccounts({
  ledger
}: {
  ledger: Pick<Ledger, 'createAccounts' | 'lookupAccounts'>
}): Pick<Liquidity, 'ensureAccount' | 'ensureAssetAccounts' | 'balance' | 'balances' | 'accounts'> {
  async function ensureAccount(account: NewAccount): Promise<boolean> {
    const [result] = await ledger.createAccounts([account])
    if (result === 'ok' || result === 'exists') return result === 'ok'
    const [found] = await ledger.lookupAccounts([account.id])
    if (found !== undefined && servesAs(account, found)) return false
    throw new Error(`the ledger refused account ${idToUuid(account.id)}: ${result}`)
  }

  /** An asset's two accounts, linked and with history as Rafiki makes them. */
  async function ensureAssetAccounts(asset: Asset): Promise<void> {
    const liquidity = newAccount({ id: asset.id, asset, code: AccountCode.LIQUIDITY_ASSET })
    const settlement: NewAccount = {
      ...liquidity,
      id: BigInt(asset.ledger),
      code: AccountCode.SETTLEMENT,
      flags: { creditsMustNotExceedDebits: true, history: true }
    }
    const [result] = await ledger.createAccounts([
      { ...liquidity, flags: { ...liquidity.flags, linked: true, history: true } },
      settlement
    ])
    // The first one bears the mark of the link: where it exists, so does the other.
    if (result === 'ok' || result === 'exists') return
    await ensureAccount({ ...liquidity, flags: { ...liquidity.flags, history: true } })
    await ensureAccount(settlement)
  }

  function newAccount(account: { id: string; asset: Asset; code: number }): NewAccount {
    return {
      id: uuidToId(account.id),
      ledger: account.asset.ledger,
      code: account.code,
      userData128: uuidToId(account.asset.id),
      flags: { debitsMustNotExceedCredits: true }
    }
  }

  async function accounts(ids: readonly string[]): Promise<(Account | undefined)[]> {
    return ids.length === 0 ? [] : ledger.lookupAccounts(ids.map(uuidToId))
  }

  async function balances(ids: readonly string[]): Promise<(bigint | undefined)[]> {
    const found = await accounts(ids)
    return found.map(
      (account) => account && account.creditsPosted - account.debitsPosted - account.debitsPending
    )
  }

  return {
    ensureAccount: (account) => ensureAccount(newAccount(account)),
    ensureAssetAccounts,
    balance: async (id) => (await balances([id]))[0],
    balances,
    accounts
  }
}

/**
 * Whether an account that is there already does what the wanted one would. How it was created (linked) and whether its
 * history is kept change nothing here: books that others began may differ in that.
 */
function servesAs(wanted: NewAccount, found: Account): boolean {
  return (
    found.ledger === wanted.ledger &&
    found.code === wanted.code &&
    found.userData128 === (wanted.userData128 ?? 0n) &&
    found.flags.debitsMustNotExceedCredits === (wanted.flags?.debitsMustNotExceedCredits ?? false) &&
    found.flags.creditsMustNotExceedDebits === (wanted.flags?.creditsMustNotExceedDebits ?? false)
  )
}
