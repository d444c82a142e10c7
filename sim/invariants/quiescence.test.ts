import { beforeEach, describe, expect, test } from 'vitest'
import { AccountCode, createMemoryLedger, TransferCode } from '../../node/ledger/index.ts'
import type { AuditableLedger, NewTransfer } from '../../node/ledger/index.ts'
import { createManualClock, idToUuid } from '../../node/runtime/index.ts'
import type { ManualClock } from '../../node/runtime/index.ts'
import type { AdminClient } from '../actors/admin-client.ts'
import { createCustomerAccounts } from '../actors/wallet/accounts.ts'
import type { CustomerAccounts } from '../actors/wallet/accounts.ts'
import type { ServiceName } from '../networks/raise.ts'
import { createUntil } from '../scenarios/until.ts'
import type { Until } from '../scenarios/until.ts'
import { auditNetwork } from './audit.ts'
import { requireQuiescence } from './quiescence.ts'

const NODES = ['acacia', 'baobab'] as const
const LEDGER = 7
const [SETTLEMENT, PEER, CUSTOMER] = [7n, 8n, 9n]
const USD = { code: 'USD', scale: 2 }

interface IncomingRow {
  id: string
  state: string
  receivedAmount: { value: string }
}

/** A node with books of its own, and what its Admin API lists. */
interface Planted {
  ledger: AuditableLedger
  accounts: CustomerAccounts
  incoming: IncomingRow[]
  webhooks: string[]
  honoured: Set<string>
  down: Set<ServiceName>
  restarted: ServiceName[]
}

let clock: ManualClock
let until: Until
let acacia: Planted
let baobab: Planted
let followed: { ended: (withinMs?: number) => Promise<never> }[]
let transferId: bigint

/** Two nodes at rest: alice of acacia sent bob of baobab 30, in a payment whose webhook was honoured. */
beforeEach(async () => {
  clock = createManualClock()
  until = createUntil(clock)
  followed = []
  transferId = 100n
  acacia = await plant()
  baobab = await plant()
  await packet(acacia, CUSTOMER, PEER, 30n)
  await packet(baobab, PEER, CUSTOMER, 30n)
  baobab.incoming.push(incomingOf('COMPLETED'))
  for (const id of ['created', 'completed']) {
    acacia.webhooks.push(id)
    acacia.honoured.add(id)
  }
  baobab.webhooks.push('received')
  baobab.honoured.add('received')
})

async function plant(): Promise<Planted> {
  const ledger = createMemoryLedger({ clock })
  const limited = { debitsMustNotExceedCredits: true }
  await ledger.createAccounts([
    { id: SETTLEMENT, ledger: LEDGER, code: AccountCode.SETTLEMENT },
    { id: PEER, ledger: LEDGER, code: AccountCode.LIQUIDITY_PEER, flags: limited },
    { id: CUSTOMER, ledger: LEDGER, code: AccountCode.LIQUIDITY_OUTGOING, flags: limited }
  ])
  const planted = { ledger, accounts: createCustomerAccounts(), incoming: [], webhooks: [] }
  const node = { ...planted, honoured: new Set<string>(), down: new Set<ServiceName>(), restarted: [] }
  node.accounts.open('alice', USD, 1_000n)
  for (const credit of [PEER, CUSTOMER]) {
    await book(node, { debitAccountId: SETTLEMENT, creditAccountId: credit, code: TransferCode.DEPOSIT })
  }
  return node
}

async function book(node: Planted, transfer: Partial<NewTransfer>): Promise<void> {
  const whole = { id: transferId++, debitAccountId: 0n, creditAccountId: 0n, amount: 100n, ledger: LEDGER }
  const results = await node.ledger.createTransfers([{ ...whole, code: TransferCode.TRANSFER, ...transfer }])
  expect(results).toEqual(['ok'])
}

function packet(node: Planted, debitAccountId: bigint, creditAccountId: bigint, amount: bigint) {
  return book(node, { debitAccountId, creditAccountId, amount })
}

function incomingOf(state: string, received = '30'): IncomingRow {
  return { id: 'incoming', state, receivedAmount: { value: received } }
}

/** `received` is the one that tells of the incoming payment. */
function eventOf(id: string): { id: string; type: string; data: { id: string } } {
  return id === 'received'
    ? { id, type: 'incoming_payment.completed', data: { id: 'incoming' } }
    : { id, type: `outgoing_payment.${id}`, data: { id: 'outgoing' } }
}

/** One row to a page, as a list that is long. */
function adminOf(node: Planted): AdminClient {
  return {
    async call<Data>(query: string, { after }: { after?: string } = {}): Promise<Data> {
      const lists = { webhookEvents: node.webhooks.map(eventOf), incomingPayments: node.incoming }
      const [field, rows] = Object.entries(lists).find(([name]) => query.includes(name))!
      const at = Number(after ?? 0)
      const edges = rows.slice(at, at + 1).map((row) => ({ node: row }))
      const pageInfo = { endCursor: String(at + 1), hasNextPage: at + 1 < rows.length }
      return { [field]: { edges, pageInfo } } as Data
    }
  }
}

async function rest(touched: string[] = []): Promise<void> {
  const planted = (name: string) => (name === 'acacia' ? acacia : baobab)
  const peers = { acacia: 'baobab', baobab: 'acacia' } as const
  let open = true
  const end = () => void (open = false)
  const work = requireQuiescence(
    {
      until,
      payments: followed,
      honouredOf: (name) => planted(name).honoured,
      node(name) {
        const node = planted(name)
        const restart = async (service: ServiceName) => {
          node.down.delete(service)
          node.restarted.push(service)
        }
        return { admin: adminOf(node), down: node.down, restart }
      },
      audit: () =>
        auditNetwork(
          NODES.map((name) => ({
            name,
            ledger: planted(name).ledger,
            peers: [{ id: idToUuid(PEER), link: 0, with: peers[name] }]
          }))
        )
    },
    {
      nodes: NODES.map((name) => ({ name })),
      wallets: new Map(NODES.map((name) => [name, planted(name)]))
    },
    {
      faulted: (from, to) => touched.includes(from) || touched.includes(to)
    }
  )
  work.then(end, end)
  while (open) await clock.advance(Math.max(0, (clock.nextTimerMs() ?? 0) - clock.nowMs()))
  await work
}

/** A ledger that shows other totals than it has: no transfer can make it do so. */
function withTotals(node: Planted, change: { creditsPosted: bigint } | { overdrawnAccountIds: bigint[] }) {
  const { ledger } = node
  node.ledger = {
    ...ledger,
    totals: async () => (await ledger.totals()).map((totals) => ({ ...totals, ...change }))
  }
}

describe('a network at rest', () => {
  test('is well; services that are down are started first', async () => {
    baobab.down.add('backend')
    await rest()
    expect(baobab.restarted).toEqual(['backend'])
    expect(baobab.down.size).toBe(0)
  })

  test('is waited for: what ends late is well too', async () => {
    await book(acacia, {
      debitAccountId: CUSTOMER,
      creditAccountId: PEER,
      amount: 5n,
      flags: { pending: true },
      timeoutS: 90
    })
    acacia.webhooks.push('late')
    clock.setTimer(600_000, () => acacia.honoured.add('late'))
    clock.setTimer(650_000, () => void acacia.ledger.sweepExpired())
    await rest()
    expect(clock.nowMs() - Date.UTC(2026, 0, 1)).toBeGreaterThanOrEqual(650_000)
  })

  test('a wallet is told nothing of an incoming payment that is open, or ended with nothing', async () => {
    baobab.webhooks = []
    for (const one of [incomingOf('PROCESSING'), incomingOf('EXPIRED', '0')]) {
      baobab.incoming = [one]
      await rest()
    }
  })

  test('more downstream than upstream is well where a fault touched the link', async () => {
    await packet(baobab, PEER, CUSTOMER, 5n)
    await rest(['baobab'])
  })
})

const VIOLATIONS: { what: string; violate: () => Promise<void> | void; message: RegExp }[] = [
  {
    what: 'a payment that was begun and never ends',
    violate: () => {
      const never = (withinMs?: number) =>
        until('its end', () => false, withinMs).then(() => Promise.reject<never>(new Error('it ended')))
      followed.push({ ended: never })
    },
    message: /^liveness: its end did not come about within 1800000 ms$/
  },
  {
    what: 'money that came, and no wallet was told of',
    violate: () => void (baobab.incoming = [{ ...incomingOf('EXPIRED'), id: 'untold' }]),
    message: /^liveness: baobab: every wallet is told what an incoming payment received did not come about/
  },
  {
    what: 'a webhook that its wallet never honoured',
    violate: () => void baobab.webhooks.push('lost'),
    message: /^liveness: baobab: every webhook is delivered did not come about within 3600000 ms$/
  },
  {
    what: 'money that stays reserved',
    violate: () =>
      book(acacia, { debitAccountId: CUSTOMER, creditAccountId: PEER, amount: 5n, flags: { pending: true } }),
    message: /^liveness: nothing is reserved in any ledger did not come about/
  },
  {
    what: 'a debit without its credit',
    violate: () => withTotals(baobab, { creditsPosted: 199n }),
    message: /^zero-sum: baobab: debits − credits = 31$/
  },
  {
    what: 'an account beyond its limit',
    violate: () => withTotals(baobab, { overdrawnAccountIds: [0xabcn] }),
    message: /^no overdraft: baobab: abc$/
  },
  {
    what: 'upstream booked what downstream did not',
    violate: () => packet(acacia, CUSTOMER, PEER, 5n),
    message: /^P2: link acacia → baobab: baobab posted 30, acacia posted 35$/
  },
  {
    what: 'downstream booked what upstream did not, and no fault touched the link',
    violate: () => packet(baobab, PEER, CUSTOMER, 5n),
    message: /^P3: link acacia → baobab: baobab posted 35, acacia posted 30, and no fault touched it$/
  },
  {
    what: 'money that the wallet holds for no payment',
    violate: () => void expect(acacia.accounts.hold('alice', 'over', 40n)).toBe(true),
    message: /^holds end: alice@acacia has 40 held for no payment$/
  }
]

describe('what is not well is found', () => {
  test.each(VIOLATIONS)('$what', async ({ violate, message }) => {
    await violate()
    await expect(rest()).rejects.toThrow(message)
  })

  test('P2 is no matter of faults', async () => {
    await packet(acacia, CUSTOMER, PEER, 5n)
    await expect(rest(['acacia', 'baobab'])).rejects.toThrow(/^P2/)
  })
})
