import type { Mutant } from '../model.ts'

/** Planted bugs of amounts, balances and rates. */
export const ledgerMutants: readonly Mutant[] = [
  {
    name: 'peer-limit-missing',
    breaks: 'peers’ accounts have no limit: a peer sends more than it has',
    edits: [
      {
        file: 'node/backend/liquidity/accounts.ts',
        find: '      userData128: uuidToId(account.asset.id),\n      flags: { debitsMustNotExceedCredits: true }',
        replace:
          '      userData128: uuidToId(account.asset.id),\n      flags: { debitsMustNotExceedCredits: account.code !== AccountCode.LIQUIDITY_PEER }'
      }
    ],
    expects: ['no account is overdrawn', 'always: a peer pays only what it has', 'no overdraft'],
    searches: [{ search: 'packets' }, { scenario: 'packet-overdraft' }]
  },
  {
    name: 'balance-checked-without-lock',
    breaks:
      'a balance is read before it is debited: two packets at once both find enough (real Rafiki’s PostgreSQL ledger)',
    edits: [
      {
        file: 'node/backend/liquidity/accounts.ts',
        find: '      userData128: uuidToId(account.asset.id),\n      flags: { debitsMustNotExceedCredits: true }',
        replace:
          '      userData128: uuidToId(account.asset.id),\n      flags: { debitsMustNotExceedCredits: account.code !== AccountCode.LIQUIDITY_PEER }'
      },
      {
        file: 'node/backend/connector/steps/reserve.ts',
        find: '  const reserved = books.reserve(booking, outgoingExpiresAtMs)',
        replace: `  const reserved = context.ledger.lookupAccounts([packet.accountId]).then(([account]): BookingOutcome | Promise<BookingOutcome> =>
    packet.source.kind === 'peer' && account!.creditsPosted - account!.debitsPosted - account!.debitsPending < packet.prepare.amount
      ? { kind: 'refused', result: 'exceeds_credits', refusedLeg: 0 }
      : books.reserve(booking, outgoingExpiresAtMs))`
      }
    ],
    expects: ['no account is overdrawn', 'always: a peer pays only what it has', 'no overdraft'],
    searches: [{ search: 'packets' }, { scenario: 'packet-overdraft' }]
  },
  {
    name: 'conversion-rounded-up',
    breaks: 'a conversion is rounded up: packets of one unit drain the node’s liquidity',
    edits: [
      {
        file: 'node/backend/connector/steps/convert.ts',
        find: '  packet.outgoingAmount = floorTimes(amount, ratio)',
        replace: '  packet.outgoingAmount = ceilTimes(amount, ratio)'
      },
      {
        file: 'node/backend/connector/steps/convert.ts',
        find: "import { MAX_PACKET_AMOUNT, floorTimes } from '../../../ilp/index.ts'",
        replace: "import { MAX_PACKET_AMOUNT, ceilTimes } from '../../../ilp/index.ts'"
      }
    ],
    expects: ['conversion rounds down', 'always: a conversion is rounded down'],
    searches: [{ search: 'packets' }, { scenario: 'packet-amounts' }]
  },
  {
    name: 'conversion-through-number',
    breaks: 'an amount is converted as a floating point number: large ones lose their last digits',
    edits: [
      {
        file: 'node/backend/connector/steps/convert.ts',
        find: '  packet.outgoingAmount = floorTimes(amount, ratio)',
        replace:
          '  packet.outgoingAmount = BigInt(Math.floor(Number(floorTimes(amount * 1_000n, ratio)) / 1_000))'
      }
    ],
    expects: ['conversion rounds down', 'always: a conversion is rounded down'],
    searches: [{ search: 'packets' }, { scenario: 'packet-amounts' }]
  },
  {
    name: 'rates-through-floating-point',
    breaks: 'rates are read as floating point numbers (real Rafiki does)',
    edits: [
      {
        file: 'node/backend/rates/parse.ts',
        find: 'const ratio = value instanceof NumberText ? parseRatio(value.text) : undefined',
        replace:
          'const ratio = value instanceof NumberText ? { numerator: BigInt(Math.round(Number(value.text) * 2 ** 50)), denominator: 2n ** 50n } : undefined'
      }
    ],
    expects: ['always: a conversion is rounded down'],
    searches: [{ scenario: 'packet-amounts' }]
  },
  {
    name: 'ledger-sequence-forgotten',
    breaks:
      'a migration forgets the ledger’s sequence: after an upgrade, new transfers are older than those before',
    edits: [
      {
        file: 'node/ledger/postgres/migrations.ts',
        find: "  { name: '004-sweep-expired', up: sweepSql }\n",
        replace: `  { name: '004-sweep-expired', up: sweepSql },
  { get name() { return \`005-restart-\${Date.now()}\` }, up: 'ALTER SEQUENCE "ledgerTimestamps" RESTART' }
`
      }
    ],
    expects: ['ledger order'],
    searches: [{ scenario: 'upgrade' }]
  },
  {
    name: 'deposit-booked-twice',
    breaks: 'a deposit that is repeated under the same id is booked again',
    edits: [
      {
        file: 'node/backend/liquidity/service.ts',
        find: "    if (latest.state === 'REFUSED') return true\n",
        replace: "    if (latest.state === 'REFUSED' || latest.state === 'POSTED') return true\n"
      }
    ],
    expects: ['always: a repeated deposit'],
    searches: [{ scenario: 'money-repeated' }]
  },
  {
    name: 'withdrawal-refused-for-ever',
    breaks: 'a withdrawal that was refused for want of money cannot be asked again: its id is spent',
    edits: [
      {
        file: 'node/backend/liquidity/service.ts',
        find: "    if (latest.state === 'REFUSED') return true\n",
        replace: "    if (latest.state === 'REFUSED') return false\n"
      }
    ],
    expects: ['always: a refused withdrawal'],
    searches: [{ scenario: 'money-repeated' }]
  },
  {
    name: 'withdrawal-beyond-balance',
    breaks: 'a withdrawal takes what is reserved for packets on their way',
    edits: [
      {
        file: 'node/ledger/postgres/plain-batch-sql.ts',
        find: 'AND (a.flags & 2 = 0 OR a.debits_pending + a.debits_posted + a.new_debit <= a.credits_posted)',
        replace: 'AND (a.flags & 2 = 0 OR a.debits_posted + a.new_debit <= a.credits_posted)'
      },
      {
        file: 'node/ledger/postgres/schema-sql.ts',
        find: '  CHECK (flags & 2 = 0 OR "debitsPending" + "debitsPosted" <= "creditsPosted"),\n',
        replace: ''
      }
    ],
    expects: ['always: a peer pays only what it has', 'no overdraft'],
    searches: [{ scenario: 'packet-overdraft' }]
  }
]
