import type { Mutant } from '../model.ts'

/** Planted bugs of quotes, outgoing payments and their grants. */
export const paymentMutants: readonly Mutant[] = [
  {
    name: 'in-flight-paid-again',
    breaks: 'a payment that goes on after a crash pays again what was in flight (real Rafiki does)',
    edits: [
      {
        file: 'node/backend/outgoing-payments/settlement.ts',
        find: '      const delivered = decision.outcomes[index]?.delivered\n',
        replace: '      const delivered = undefined as bigint | undefined\n'
      }
    ],
    expects: ['always: the receiver has no more', 'paid once'],
    searches: [{ scenario: 'payer-crashes' }]
  },
  {
    name: 'lease-without-epoch',
    breaks: 'who takes a payment over gets no epoch of its own',
    edits: [
      {
        file: 'node/backend/outgoing-payments/lease.ts',
        find: 'SET "leaseOwner" = ?, "leaseEpoch" = payment."leaseEpoch" + 1,',
        replace: 'SET "leaseOwner" = ?, "leaseEpoch" = 1,'
      }
    ],
    expects: ['payment', 'liveness', 'always'],
    searches: [{ scenario: 'payer-crashes' }]
  },
  {
    name: 'quote-usable-twice',
    breaks: 'a quote makes a second payment, in the place of the first',
    edits: [
      {
        file: 'node/backend/outgoing-payments/service.ts',
        find: 'trx(TABLE).insert(row), event, reserved.taking)',
        replace: "trx(TABLE).insert(row).onConflict('id').merge(), event, reserved.taking)"
      }
    ],
    expects: ['always: a quote makes one payment'],
    searches: [{ scenario: 'grants-kept' }]
  },
  {
    name: 'quote-expiry-ignored',
    breaks: 'a payment is made of a quote that expired',
    edits: [
      {
        file: 'node/backend/outgoing-payments/service.ts',
        find: '    if (quote.expiresAt.getTime() <= clock.nowMs()) {',
        replace: '    if (quote.expiresAt.getTime() <= 0) {'
      }
    ],
    expects: ['always: an expired quote'],
    searches: [{ scenario: 'quote-expires' }]
  },
  {
    name: 'fee-taken-twice',
    breaks: 'the fee of a payment is taken twice',
    edits: [
      {
        file: 'node/backend/quotes/pricing.ts',
        find: '    debit: quoted.source + feeAmount(fee, ofPrincipal),',
        replace: '    debit: quoted.source + 2n * feeAmount(fee, ofPrincipal),'
      }
    ],
    expects: ['always: a fixed send costs', 'always: the fee'],
    searches: [{ scenario: 'single-payments' }]
  },
  {
    name: 'grant-not-locked',
    breaks: 'payments of a grant do not wait for each other: two that race find what both may still take',
    edits: [
      {
        file: 'node/backend/outgoing-payments/grant-limits.ts',
        find: ' FOR NO KEY UPDATE OF found',
        replace: ''
      },
      {
        file: 'node/backend/outgoing-payments/grant-limits.ts',
        find: ".forNoKeyUpdate().first('id')",
        replace: ".first('id')"
      }
    ],
    expects: ['always: two of three payments are made', 'always: the grant is not overspent'],
    searches: [{ scenario: 'racing-grants', world: 'interleave' }]
  },
  {
    name: 'cancelled-whatever-its-state',
    breaks: 'a payment that was read as FUNDING is cancelled though it is SENDING by then',
    edits: [
      {
        file: 'node/backend/outgoing-payments/service.ts',
        find: `      const [row] = await trx<OutgoingPaymentRow>(TABLE)
        .where({ id: payment.id, state: 'FUNDING' })
        .update({ state: 'CANCELLED', metadata, updatedAt: now() })`,
        replace: `      if (payment.state !== 'FUNDING') return undefined
      const [row] = await trx<OutgoingPaymentRow>(TABLE)
        .where({ id: payment.id })
        .update({ state: 'CANCELLED', metadata, updatedAt: now() })`
      }
    ],
    expects: ['always: a payment is funded or cancelled', 'always: a cancelled payment stays so'],
    searches: [{ scenario: 'money-raced', world: 'interleave' }]
  },
  {
    name: 'deposit-told-twice',
    breaks: 'two callers that carry out one deposit are both told that it worked',
    edits: [
      {
        file: 'node/backend/liquidity/store.ts',
        find: '.where({ id: attempt.id, attempt: attempt.attempt, state: from })',
        replace: '.where({ id: attempt.id, attempt: attempt.attempt }).whereIn("state", [from, to])'
      }
    ],
    expects: [
      'always: one of equal deposits is told that it was made',
      'always: a withdrawal is posted or voided'
    ],
    searches: [{ scenario: 'money-raced', world: 'interleave' }]
  },
  {
    name: 'grant-checked-before-lock',
    breaks: 'what was spent of a grant is read before its lock: payments that race all find enough left',
    edits: [
      {
        file: 'node/backend/outgoing-payments/service.ts',
        find: `    return withGrantLock(async (trx) => {
      const reserved = await reserveGrant(trx, grant, quote, createdAt)`,
        replace: `    const before = await readSpent(database.knex, grant, quote.walletAddressId, createdAt)
    return withGrantLock(async (trx) => {
      const reserved = await reserveGrant(trx, { ...grant, before } as PaymentGrant, quote, createdAt)`
      },
      {
        file: 'node/backend/outgoing-payments/grant-limits.ts',
        find: '  const refused = checkSpent(grant, reservation, spent)',
        replace: `  const { before = {} } = grant as { before?: GrantSpentAmounts }
  const none = { debitAmount: { ...spent.debitAmount, value: 0n }, receiveAmount: { ...spent.receiveAmount, value: 0n } }
  const refused = checkSpent(grant, reservation, { ...none, ...before })`
      }
    ],
    expects: ['always: two of three', 'always: the grant'],
    searches: [{ scenario: 'grant-used-up' }]
  },
  {
    name: 'interval-off-by-one',
    breaks: 'the last repetition of a grant’s interval does not count',
    edits: [
      {
        file: 'node/intervals/index.ts',
        find: '      if (k > last) return undefined',
        replace: '      if (k >= last) return undefined'
      }
    ],
    expects: ['always: each repetition'],
    searches: [{ scenario: 'grant-interval' }]
  },
  {
    name: 'interval-boundary-included',
    breaks: 'the first moment of a repetition counts to the one before',
    edits: [
      {
        file: 'node/intervals/index.ts',
        find: '(direction === 1 ? instantMs < boundary(k) : instantMs >= boundary(k))',
        replace: '(direction === 1 ? instantMs <= boundary(k) + 60_000 : instantMs >= boundary(k))'
      }
    ],
    expects: ['always: each repetition'],
    searches: [{ scenario: 'grant-interval' }]
  },
  {
    name: 'failed-gives-back-too-much',
    breaks: 'a payment that fails in part gives all of it back to its grant',
    edits: [
      {
        file: 'node/backend/outgoing-payments/ending.ts',
        find: "    debit: state === 'COMPLETED' ? 0n : quote.debitAmount.value - sent,",
        replace: "    debit: state === 'COMPLETED' ? 0n : quote.debitAmount.value,"
      }
    ],
    expects: ['always: a failed payment gives back', 'grants'],
    searches: [{ scenario: 'rates-fall' }]
  },
  {
    name: 'leftover-kept-after-failure',
    breaks: 'what a failed payment did not send cannot be withdrawn',
    edits: [
      {
        file: 'node/backend/outgoing-payments/ending.ts',
        find: "    if (quote.method === 'ILP') await ledger.returnLeftover(quote, lease.epoch, lease.signal)",
        replace:
          "    if (quote.method === 'ILP' && outcome.state === 'COMPLETED') await ledger.returnLeftover(quote, lease.epoch, lease.signal)"
      }
    ],
    expects: ['liveness', 'always: what a failed payment did not send'],
    searches: [{ scenario: 'rates-fall' }]
  },
  {
    name: 'grant-not-counted',
    breaks: 'what a payment takes of its grant is not counted',
    edits: [
      {
        file: 'node/backend/outgoing-payments/grant-limits.ts',
        find: '  const taking = sumsOf(reservation).map((start) => adding(trx, reservation, start, now))',
        replace: '  const taking: Knex.QueryBuilder[] = []'
      }
    ],
    expects: ['always: two of three', 'always: the grant', 'always: a quote makes one payment'],
    searches: [{ scenario: 'grant-used-up' }]
  }
]
