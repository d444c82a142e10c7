import { AccountCode, TransferCode } from '../../../node/ledger/index.ts'
import type { AuditableLedger, NewTransfer } from '../../../node/ledger/index.ts'

/** The asset's ledger number of the benchmark's books. */
export const LEDGER = 1
const ACCOUNT_FUNDS = 1_000_000_000_000n

/** Funded accounts in a ledger, and what callers were told. */
export interface Books {
  ledger: AuditableLedger
  settlement: bigint
  /** Liquidity accounts that may not be overdrawn: what packets move between. */
  accounts: readonly bigint[]
  /** What callers were told was posted, deposits not counted. */
  tally: { posted: bigint }
}

/** Makes accounts with ids of `nextId`, and funds each from settlement. */
export async function openBooks(
  ledger: AuditableLedger,
  accountCount: number,
  nextId: () => bigint
): Promise<Books> {
  const settlement = nextId()
  const accounts = Array.from({ length: accountCount }, nextId)
  const made = await ledger.createAccounts([
    {
      id: settlement,
      ledger: LEDGER,
      code: AccountCode.SETTLEMENT,
      flags: { creditsMustNotExceedDebits: true }
    },
    ...accounts.map((id) => ({
      id,
      ledger: LEDGER,
      code: AccountCode.LIQUIDITY_PEER,
      flags: { debitsMustNotExceedCredits: true }
    }))
  ])
  expectAll(made, 'accounts')
  const funded = await ledger.createTransfers(
    accounts.map((id) => ({
      id: nextId(),
      debitAccountId: settlement,
      creditAccountId: id,
      amount: ACCOUNT_FUNDS,
      ledger: LEDGER,
      code: TransferCode.DEPOSIT
    }))
  )
  expectAll(funded, 'deposits')
  return { ledger, settlement, accounts, tally: { posted: 0n } }
}

export function expectAll(results: readonly string[], what: string): void {
  const wrong = results.find((result) => result !== 'ok')
  if (wrong !== undefined) throw new Error(`the ledger refused ${what}: ${wrong}`)
}

/** Reservations that a packet's expiry would free. */
export const TIMEOUT_S = 60

/** What the n-th packet moves, by the places of its accounts. */
export function movement(accounts: number, n: number): { from: number; to: number; amount: bigint } {
  const from = n % accounts
  // Every distance between two accounts comes up in turn.
  const distance = 1 + (Math.floor(n / accounts) % (accounts - 1))
  return { from, to: (from + distance) % accounts, amount: BigInt(1 + (n % 997)) }
}

/** The two transfers of the n-th packet: what is reserved, and its posting. */
export function twoPhase(
  accounts: readonly bigint[],
  n: number,
  orderedId: () => bigint
): { reserve: NewTransfer; post(): NewTransfer } {
  const { from, to, amount } = movement(accounts.length, n)
  const reserve: NewTransfer = {
    id: orderedId(),
    debitAccountId: accounts[from]!,
    creditAccountId: accounts[to]!,
    amount,
    ledger: LEDGER,
    code: TransferCode.TRANSFER,
    flags: { pending: true },
    timeoutS: TIMEOUT_S
  }
  return {
    reserve,
    post: () => ({
      id: orderedId(),
      debitAccountId: 0n,
      creditAccountId: 0n,
      amount,
      ledger: 0,
      code: 0,
      flags: { postPending: true },
      pendingId: reserve.id
    })
  }
}

/** Zero-sum, nothing reserved, nothing overdrawn, and posted in all is exactly what callers were told. */
export async function auditBooks({ ledger, settlement, accounts, tally }: Books): Promise<string[]> {
  const problems: string[] = []
  const all = await ledger.lookupAccounts([settlement, ...accounts])
  const sums = { debitsPosted: 0n, creditsPosted: 0n, debitsPending: 0n, creditsPending: 0n }
  for (const [index, account] of all.entries()) {
    if (!account) {
      problems.push(`account ${index} is gone`)
      continue
    }
    for (const balance of BALANCES) sums[balance] += account[balance]
    const debits = account.debitsPosted + account.debitsPending
    const credits = account.creditsPosted + account.creditsPending
    if (account.flags.debitsMustNotExceedCredits && debits > account.creditsPosted) {
      problems.push(`account ${index} is overdrawn: debits ${debits}, credits ${account.creditsPosted}`)
    }
    if (account.flags.creditsMustNotExceedDebits && credits > account.debitsPosted) {
      problems.push(`account ${index} is overdrawn: credits ${credits}, debits ${account.debitsPosted}`)
    }
  }
  const expected = tally.posted + ACCOUNT_FUNDS * BigInt(accounts.length)
  if (sums.debitsPosted !== sums.creditsPosted) {
    problems.push(`posted debits are ${sums.debitsPosted}, posted credits ${sums.creditsPosted}`)
  }
  if (sums.debitsPosted !== expected) {
    problems.push(`${sums.debitsPosted} was posted, and callers were told ${expected}`)
  }
  if (sums.debitsPending !== 0n || sums.creditsPending !== 0n) {
    problems.push(`still reserved: debits ${sums.debitsPending}, credits ${sums.creditsPending}`)
  }
  return problems
}

const BALANCES = ['debitsPosted', 'creditsPosted', 'debitsPending', 'creditsPending'] as const
