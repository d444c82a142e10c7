import fc from 'fast-check'
import { AMOUNT_ALL, ID_MAX, MAX_AMOUNT } from '../model.ts'
import type { NewAccount, NewTransfer, TransferFilter } from '../model.ts'

/** Histories that drive a store beside the model, command by command. */

export type LedgerCommand =
  | { kind: 'createTransfers'; transfers: NewTransfer[] }
  /** Batches that two processes send at once. */
  | { kind: 'concurrently'; batches: NewTransfer[][] }
  /** A process dies after it sent a batch, before its answer: another sends the identical one. */
  | { kind: 'lostAnswer'; transfers: NewTransfer[] }
  | { kind: 'createAccounts'; accounts: NewAccount[] }
  | { kind: 'advance'; byMs: number }
  | { kind: 'sweep' }
  | { kind: 'query'; filter: TransferFilter }

export const ACCOUNTS: readonly NewAccount[] = [
  { id: 1n, ledger: 1, code: 101, flags: { creditsMustNotExceedDebits: true } },
  { id: 2n, ledger: 1, code: 3, flags: { debitsMustNotExceedCredits: true } },
  { id: 3n, ledger: 1, code: 3, flags: { debitsMustNotExceedCredits: true } },
  { id: 4n, ledger: 1, code: 2 },
  { id: 5n, ledger: 2, code: 2 },
  { id: 6n, ledger: 2, code: 3, flags: { debitsMustNotExceedCredits: true } }
]
const BOOKED_IDS = ACCOUNTS.map(({ id }) => id)
/** Accounts that only commands create; nothing is booked on them. */
const LATE_IDS = [7n, 8n, 9n]
export const ACCOUNT_IDS = [...BOOKED_IDS, ...LATE_IDS]

/** Mostly the usual value, now and then one of the others. */
function mostly<T>(usual: fc.Arbitrary<T>, ...others: T[]): fc.Arbitrary<T> {
  return fc.oneof({ weight: 60, arbitrary: usual }, { weight: 1, arbitrary: fc.constantFrom(...others) })
}

const amount = fc.oneof(
  { weight: 20, arbitrary: fc.integer({ min: 0, max: 40 }).map(BigInt) },
  { weight: 1, arbitrary: fc.constantFrom(MAX_AMOUNT, MAX_AMOUNT + 1n, 2n ** 62n, 2n ** 63n, AMOUNT_ALL) }
)
const tags = {
  userData128: fc.constantFrom(0n, 0n, 7n, ID_MAX),
  userData64: fc.constantFrom(0n, 0n, 9n, 2n ** 64n - 1n),
  userData32: fc.constantFrom(0, 0, 2 ** 32 - 1)
}

/** Within one ledger, seldom across. */
const accountPair = fc.oneof(
  { weight: 20, arbitrary: fc.shuffledSubarray([1n, 2n, 3n, 4n], { minLength: 2, maxLength: 2 }) },
  { weight: 8, arbitrary: fc.constantFrom([5n, 6n], [6n, 5n]) },
  {
    weight: 1,
    arbitrary: fc.array(fc.constantFrom(0n, ...BOOKED_IDS, 99n, ID_MAX), { minLength: 2, maxLength: 2 })
  }
)

/** A transfer before it knows its id and what it refers to: both depend on what came before it. */
interface Draft {
  transfer: NewTransfer
  /** Takes the id of the transfer so many before it, instead of a fresh one. */
  sameIdAs: number | undefined
  /** For an end: names the reservation so many reservations before it; 0: the transfer right before it. */
  endsBack: number | undefined
  /** Is the transfer so many before it, once more. */
  repeats: number | undefined
}

const seldom = (arbitrary: fc.Arbitrary<number>, oneIn: number) =>
  fc.oneof({ weight: oneIn - 1, arbitrary: fc.constant(undefined) }, { weight: 1, arbitrary })

const moveDraft: fc.Arbitrary<Draft> = fc
  .record({
    id: mostly(fc.constant(undefined), 0n, ID_MAX),
    pair: accountPair,
    amount,
    wrongLedger: mostly(fc.constant(undefined), 0, 1, 9),
    code: mostly(fc.constantFrom(1, 2), 0),
    pending: fc.boolean(),
    timeoutS: fc.constantFrom(0, 0, 1, 2, 5),
    wrongTimeout: mostly(fc.constant(false), true),
    balancingDebit: fc.constantFrom(...Array<boolean>(15).fill(false), true),
    linked: fc.constantFrom(false, false, false, true),
    pendingId: mostly(fc.constant(0n), 100n),
    ...tags
  })
  .chain(({ id, pair, wrongLedger, pending, balancingDebit, linked, timeoutS, wrongTimeout, ...fields }) =>
    draft(id, {
      ...fields,
      debitAccountId: pair[0]!,
      creditAccountId: pair[1]!,
      ledger: wrongLedger ?? (pair[0]! === 5n || pair[0]! === 6n ? 2 : 1),
      timeoutS: pending || wrongTimeout ? timeoutS : 0,
      flags: { pending, balancingDebit, linked }
    })
  )

const endDraft: fc.Arbitrary<Draft> = fc
  .record({
    id: mostly(fc.constant(undefined), 0n),
    pendingId: mostly(fc.constant(undefined), 0n, ID_MAX, 99n),
    posting: fc.boolean(),
    asked: fc.oneof({ weight: 4, arbitrary: fc.constant(undefined) }, { weight: 1, arbitrary: amount }),
    debitAccountId: mostly(fc.constant(0n), ...ACCOUNT_IDS),
    creditAccountId: mostly(fc.constant(0n), ...ACCOUNT_IDS),
    ledger: mostly(fc.constant(0), 1, 2),
    code: mostly(fc.constant(0), 1, 2),
    linked: fc.constantFrom(false, false, false, true),
    alsoFlag: mostly(fc.constant(undefined), 'pending', 'voidPending', 'balancingDebit'),
    timeoutS: mostly(fc.constant(0), 1),
    back: fc.nat(6),
    ...tags
  })
  .chain(({ id, pendingId, posting, asked, linked, alsoFlag, back, ...fields }) =>
    draft(
      id,
      {
        ...fields,
        pendingId: pendingId ?? 0n,
        amount: asked ?? (posting ? AMOUNT_ALL : 0n),
        flags: { postPending: posting, voidPending: !posting, linked, ...(alsoFlag && { [alsoFlag]: true }) }
      },
      pendingId === undefined ? back : undefined
    )
  )

/** Money from outside, so that there is something to move. */
const fundingDraft: fc.Arbitrary<Draft> = fc
  .record({ to: fc.constantFrom(2n, 3n, 6n), value: fc.integer({ min: 1, max: 300 }) })
  .chain(({ to, value }) =>
    draft(undefined, {
      debitAccountId: to === 6n ? 5n : 1n,
      creditAccountId: to,
      amount: BigInt(value),
      ledger: to === 6n ? 2 : 1,
      code: 2
    })
  )

function draft(
  id: bigint | undefined,
  fields: Omit<NewTransfer, 'id'>,
  endsBack?: number
): fc.Arbitrary<Draft> {
  return fc
    .record({ sameIdAs: seldom(fc.nat(20), 20), repeats: seldom(fc.nat(20), 12) })
    .map(({ sameIdAs, repeats }) => ({
      transfer: { ...fields, id: id ?? FRESH },
      sameIdAs,
      repeats,
      endsBack
    }))
}

/** Stands for the next unused id until the history is resolved. */
const FRESH = 1n

const batch = fc.array(
  fc.oneof(
    { weight: 4, arbitrary: moveDraft },
    { weight: 4, arbitrary: endDraft },
    { weight: 2, arbitrary: fundingDraft }
  ),
  { minLength: 1, maxLength: 8, size: 'max' }
)

const filter: fc.Arbitrary<TransferFilter> = fc.record(
  {
    accountId: fc.constantFrom(...ACCOUNT_IDS, 99n),
    side: fc.constantFrom<('debit' | 'credit')[]>('debit', 'credit'),
    userData128: fc.constantFrom(0n, 7n, ID_MAX),
    code: fc.constantFrom(1, 2),
    pendingOnly: fc.boolean(),
    order: fc.constantFrom<('oldestFirst' | 'newestFirst')[]>('oldestFirst', 'newestFirst'),
    limit: fc.integer({ min: 1, max: 10 })
  },
  { requiredKeys: ['limit'] }
)

type DraftCommand =
  | { kind: 'drafts'; drafts: Draft[] }
  | { kind: 'lostDrafts'; drafts: Draft[] }
  | { kind: 'concurrentDrafts'; batches: Draft[][] }
  | Exclude<LedgerCommand, { kind: 'createTransfers' | 'concurrently' | 'lostAnswer' }>

const command: fc.Arbitrary<DraftCommand> = fc.oneof(
  { weight: 12, arbitrary: batch.map((drafts) => ({ kind: 'drafts' as const, drafts })) },
  { weight: 1, arbitrary: batch.map((drafts) => ({ kind: 'lostDrafts' as const, drafts })) },
  {
    weight: 1,
    arbitrary: fc
      .array(batch, { minLength: 2, maxLength: 3, size: 'max' })
      .map((batches) => ({ kind: 'concurrentDrafts' as const, batches }))
  },
  {
    weight: 2,
    arbitrary: fc.constantFrom(300, 1_000, 2_500).map((byMs) => ({ kind: 'advance' as const, byMs }))
  },
  { weight: 1, arbitrary: fc.constant({ kind: 'sweep' as const }) },
  { weight: 2, arbitrary: filter.map((value) => ({ kind: 'query' as const, filter: value })) },
  {
    weight: 1,
    arbitrary: fc
      .array(
        fc.record({
          id: mostly(fc.constantFrom(...LATE_IDS, ...ACCOUNT_IDS), 0n, ID_MAX),
          ledger: mostly(fc.constantFrom(1, 2), 0),
          code: mostly(fc.constantFrom(2, 3), 0),
          flags: fc.record({
            linked: fc.boolean(),
            history: fc.boolean(),
            debitsMustNotExceedCredits: fc.boolean(),
            creditsMustNotExceedDebits: fc.boolean()
          })
        }),
        { minLength: 1, maxLength: 4 }
      )
      .map((accounts) => ({ kind: 'createAccounts' as const, accounts }))
  }
)

/**
 * A history of at most `length` commands. Batches that are sent at once may hold one id in different records, which is
 * a bug of their callers: in the order that the store chose it is booked or refused, never both.
 */
export function ledgerHistory(length: number): fc.Arbitrary<LedgerCommand[]> {
  return fc.array(command, { minLength: 1, maxLength: length, size: 'max' }).map(resolveHistory)
}

/** Gives the drafts their ids and what they refer to. */
function resolveHistory(commands: readonly DraftCommand[]): LedgerCommand[] {
  const earlier: NewTransfer[] = []
  const reservations: bigint[] = []
  const resolve = ({ transfer, sameIdAs, repeats, endsBack }: Draft): NewTransfer => {
    const repeated = repeats === undefined ? undefined : earlier.at(-1 - repeats)
    if (repeated) return repeated
    const namesake = sameIdAs === undefined ? undefined : earlier.at(-1 - sameIdAs)
    const id = transfer.id === FRESH ? (namesake?.id ?? 1_000n + BigInt(earlier.length)) : transfer.id
    const named = endsBack === 0 ? earlier.at(-1)?.id : reservations.at(-(endsBack ?? 0))
    const pendingId = endsBack === undefined ? transfer.pendingId : (named ?? 99n)
    const resolved = { ...transfer, id, ...(pendingId !== undefined && { pendingId }) }
    if (transfer.flags?.pending) reservations.push(id)
    return resolved
  }
  const resolveBatch = (drafts: readonly Draft[]) =>
    drafts.map((one) => {
      const resolved = resolve(one)
      earlier.push(resolved)
      return resolved
    })
  return commands.map((each): LedgerCommand => {
    switch (each.kind) {
      case 'drafts':
        return { kind: 'createTransfers', transfers: resolveBatch(each.drafts) }
      case 'lostDrafts':
        return { kind: 'lostAnswer', transfers: resolveBatch(each.drafts) }
      case 'concurrentDrafts':
        return { kind: 'concurrently', batches: each.batches.map(resolveBatch) }
      default:
        return each
    }
  })
}

/** The history for a store that keeps its time itself: nothing expires while it runs. */
export function withoutTime(history: readonly LedgerCommand[]): LedgerCommand[] {
  const lasting = (transfer: NewTransfer): NewTransfer =>
    transfer.timeoutS ? { ...transfer, timeoutS: transfer.timeoutS + 86_400 } : transfer
  return history.flatMap((each): LedgerCommand[] => {
    switch (each.kind) {
      case 'advance':
        return []
      case 'createTransfers':
      case 'lostAnswer':
        return [{ ...each, transfers: each.transfers.map(lasting) }]
      case 'concurrently':
        return [{ ...each, batches: each.batches.map((transfers) => transfers.map(lasting)) }]
      default:
        return [each]
    }
  })
}

/** All transfers that a history names, in order. */
export function transfersOf(history: readonly LedgerCommand[]): NewTransfer[] {
  return history.flatMap((each) => {
    if (each.kind === 'createTransfers' || each.kind === 'lostAnswer') return each.transfers
    return each.kind === 'concurrently' ? each.batches.flat() : []
  })
}
