import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { createManualClock } from '../../runtime/index.ts'
import { createMemoryLedger } from '../memory/ledger.ts'
import { AMOUNT_ALL } from '../model.ts'
import type { Account, NewAccount, NewTransfer } from '../model.ts'
import { createPlainBatch, createReservationMemory, reservationOf } from './plain-batch.ts'
import type { PlainBatch, Reservation } from './plain-batch.ts'

function transfer(id: bigint, more: Partial<NewTransfer> = {}): NewTransfer {
  return { id, debitAccountId: 1n, creditAccountId: 2n, amount: 10n, ledger: 1, code: 1, ...more }
}

function end(id: bigint, pendingId: bigint, more: Partial<NewTransfer> = {}): NewTransfer {
  const none = { debitAccountId: 0n, creditAccountId: 0n, ledger: 0, code: 0 }
  return transfer(id, { ...none, pendingId, flags: { postPending: true }, ...more })
}

function plain(transfers: NewTransfer[], known = new Map<bigint, Reservation>()): PlainBatch | undefined {
  const batch = createPlainBatch((id) => known.get(id))
  for (const each of transfers) batch.add(each)
  return batch.finish()
}

const RESERVED = new Map([
  [
    100n,
    { ...reservationOf(transfer(100n, { amount: 50n })), userData128: 7n, userData64: 8n, userData32: 9 }
  ]
])

describe('a plain batch', () => {
  it('sums up what each account changes by, in the order of ids', () => {
    const batch = plain(
      [
        transfer(1n, { debitAccountId: 3n, creditAccountId: 2n }),
        transfer(2n, { flags: { pending: true }, timeoutS: 5 }),
        end(3n, 100n, { amount: 20n })
      ],
      RESERVED
    )
    expect(batch?.accounts).toEqual([
      {
        ...{ id: 1n, ledger: 1, debitsPending: -40n, debitsPosted: 20n, newDebits: 10n },
        ...{ creditsPending: 0n, creditsPosted: 0n, newCredits: 0n }
      },
      {
        ...{ id: 2n, ledger: 1, debitsPending: 0n, debitsPosted: 0n, newDebits: 0n },
        ...{ creditsPending: -40n, creditsPosted: 30n, newCredits: 20n }
      },
      {
        ...{ id: 3n, ledger: 1, debitsPending: 0n, debitsPosted: 10n, newDebits: 10n },
        ...{ creditsPending: 0n, creditsPosted: 0n, newCredits: 0n }
      }
    ])
    expect(batch?.ended).toEqual([100n])
    expect(batch?.reserved.map(({ id, timeoutS }) => [id, timeoutS])).toEqual([[2n, 5]])
  })

  it('fills in what an end takes from its reservation, and keeps what it says itself', () => {
    const fields = ({ amount, debitAccountId, userData128, userData64, userData32 }: NewTransfer) => [
      ...[amount, debitAccountId, userData128, userData64, userData32]
    ]
    const of = (...ends: NewTransfer[]) => ends.map((one) => fields(plain([one], RESERVED)!.transfers[0]!))
    expect(
      of(
        end(1n, 100n, { amount: AMOUNT_ALL }),
        end(1n, 100n, { amount: 20n, userData64: 1n, userData32: 2, userData128: 3n }),
        end(1n, 100n, { amount: 0n, flags: { voidPending: true } })
      )
    ).toEqual([
      [50n, 1n, 7n, 8n, 9],
      [20n, 1n, 3n, 1n, 2],
      [50n, 1n, 7n, 8n, 9]
    ])
  })

  it.each<[string, NewTransfer[]]>([
    ['an id twice', [transfer(1n), transfer(1n)]],
    ['an open chain', [transfer(1n, { flags: { linked: true } })]],
    ['a balancing transfer', [transfer(1n, { flags: { balancingDebit: true } })]],
    ['a record wrong in itself', [transfer(1n, { code: 0 })]],
    ['an account in two ledgers', [transfer(1n), transfer(2n, { creditAccountId: 3n, ledger: 2 })]],
    ['an unknown reservation', [end(1n, 99n)]],
    ['a reservation ended twice', [end(1n, 100n), end(2n, 100n)]],
    ['a reservation of the same batch', [transfer(1n, { flags: { pending: true } }), end(2n, 1n)]],
    ['an end before its reservation', [end(1n, 100n), transfer(100n, { flags: { pending: true } })]],
    ['more than was reserved', [end(1n, 100n, { amount: 51n })]],
    ['a void of a part', [end(1n, 100n, { amount: 49n, flags: { voidPending: true } })]],
    ['another debit account', [end(1n, 100n, { debitAccountId: 3n })]],
    ['another credit account', [end(1n, 100n, { creditAccountId: 3n })]],
    ['another ledger', [end(1n, 100n, { ledger: 2 })]],
    ['another code', [end(1n, 100n, { code: 2 })]]
  ])('is none with %s', (_, transfers) => {
    expect(plain(transfers, RESERVED)).toBeUndefined()
  })

  it('changes balances by what the model changes them, whenever the model books all of it', async () => {
    const ids = [1n, 2n, 3n, 4n]
    const accounts: NewAccount[] = ids.map((id) => ({ id, ledger: 1, code: 1 }))
    let booked = 0
    let ends = 0
    const event = fc.record({
      kind: fc.constantFrom('move', 'reserve', 'post', 'void'),
      from: fc.nat(3),
      distance: fc.integer({ min: 1, max: 3 }),
      amount: fc.bigInt(0n, 60n),
      which: fc.nat(20),
      linked: fc.boolean()
    })
    await fc.assert(
      fc.asyncProperty(fc.array(fc.array(event, { maxLength: 6 }), { maxLength: 8 }), async (batches) => {
        const clock = createManualClock()
        const model = createMemoryLedger({ clock })
        await model.createAccounts(accounts)
        const memory = createReservationMemory(1_000)
        const reserved: bigint[] = []
        let nextId = 1_000n
        for (const events of batches) {
          const transfers = events.map(({ kind, from, distance, amount, which, linked }, index) => {
            const isLinked = linked && index < events.length - 1
            if (kind === 'post' || kind === 'void') {
              const flags = kind === 'post' ? { postPending: true } : { voidPending: true }
              return end(nextId++, reserved[which % Math.max(1, reserved.length)] ?? 999n, {
                amount: kind === 'void' ? 0n : amount > 30n ? AMOUNT_ALL : amount,
                flags: { ...flags, linked: isLinked }
              })
            }
            return transfer(nextId++, {
              debitAccountId: ids[from]!,
              creditAccountId: ids[(from + distance) % 4]!,
              amount,
              flags: { pending: kind === 'reserve', linked: isLinked }
            })
          })
          const batch = createPlainBatch(memory.get)
          for (const each of transfers) batch.add(each)
          const plainOne = batch.finish()
          const before = await model.lookupAccounts(ids)
          const results = await model.createTransfers(transfers)
          for (const [index, each] of transfers.entries()) {
            if (results[index] !== 'ok' || !each.flags?.pending) continue
            memory.add(each.id, reservationOf(each))
            reserved.push(each.id)
          }
          if (!plainOne || results.some((result) => result !== 'ok')) continue
          booked += 1
          ends += plainOne.ended.length
          const after = await model.lookupAccounts(ids)
          for (const [index, id] of ids.entries()) {
            const change = plainOne.accounts.find((each) => each.id === id)
            for (const balance of BALANCES) {
              expect(after[index]![balance] - before[index]![balance]).toBe(change?.[balance] ?? 0n)
            }
          }
          const stored = await model.lookupTransfers(transfers.map(({ id }) => id))
          expect(plainOne.transfers.map(reservationOf)).toEqual(stored.map((each) => reservationOf(each!)))
        }
      }),
      { numRuns: 100 }
    )
    expect(booked).toBeGreaterThan(50)
    expect(ends).toBeGreaterThan(20)
  })
})

const BALANCES = [
  'debitsPending',
  'debitsPosted',
  'creditsPending',
  'creditsPosted'
] as const satisfies (keyof Account)[]

describe('the memory of reservations', () => {
  it('forgets the oldest at its limit, and what ended', () => {
    const memory = createReservationMemory(2)
    for (const id of [1n, 2n, 3n]) memory.add(id, reservationOf(transfer(id)))
    expect([1n, 2n, 3n].map((id) => memory.get(id) !== undefined)).toEqual([false, true, true])
    memory.remove(2n)
    expect(memory.get(2n)).toBeUndefined()
  })
})
