import { describe, expect, it } from 'vitest'
import { AMOUNT_ALL, MAX_BATCH_EVENTS } from '../model.ts'
import { WORLD, ALICE, BOB, UNKNOWN, LEDGER, OTHER_LEDGER } from './kit.ts'
import type { ContractKit } from './kit.ts'

/** Queries, totals and limits. */
export function describeQueries({ open, pay, reserve, post, voiding }: ContractKit): void {
  describe('queries', () => {
    it('filter by account, side, tag and code, in both orders, page by page', async () => {
      const { ledger, submit } = await open()
      const transfers = [
        pay(WORLD, ALICE, 50n, { userData128: 1n }),
        pay(ALICE, BOB, 1n, { userData128: 1n, code: 7 }),
        pay(WORLD, BOB, 2n, { userData128: 2n }),
        pay(ALICE, BOB, 3n, { userData128: 1n }),
        pay(BOB, ALICE, 4n)
      ]
      expect(await submit(...transfers)).toEqual(transfers.map(() => 'ok'))
      const amounts = async (filter: Parameters<typeof ledger.queryTransfers>[0]) =>
        (await ledger.queryTransfers(filter)).map(({ amount }) => amount)
      expect(await amounts({ limit: 10 })).toEqual([50n, 1n, 2n, 3n, 4n])
      expect(await amounts({ accountId: ALICE, limit: 10 })).toEqual([50n, 1n, 3n, 4n])
      expect(await amounts({ accountId: ALICE, side: 'debit', limit: 10 })).toEqual([1n, 3n])
      expect(await amounts({ accountId: ALICE, side: 'credit', limit: 10 })).toEqual([50n, 4n])
      expect(await amounts({ accountId: UNKNOWN, limit: 10 })).toEqual([])
      expect(await amounts({ userData128: 1n, limit: 10 })).toEqual([50n, 1n, 3n])
      expect(await amounts({ userData128: 1n, order: 'newestFirst', limit: 2 })).toEqual([3n, 1n])
      expect(await amounts({ userData128: 0n, limit: 10 })).toEqual([4n])
      expect(await amounts({ userData128: 1n, code: 7, limit: 10 })).toEqual([1n])
      expect(await amounts({ accountId: BOB, userData128: 1n, limit: 10 })).toEqual([1n, 3n])

      const paged: bigint[] = []
      let after: bigint | undefined
      for (;;) {
        const page = await ledger.queryTransfers({ accountId: BOB, limit: 2, ...(after && { after }) })
        if (page.length === 0) break
        paged.push(...page.map(({ amount }) => amount))
        after = page.at(-1)!.timestamp
      }
      expect(paged).toEqual([1n, 2n, 3n, 4n])
      const [newest] = await ledger.queryTransfers({ accountId: BOB, order: 'newestFirst', limit: 1 })
      expect(
        await amounts({ accountId: BOB, order: 'newestFirst', after: newest!.timestamp, limit: 10 })
      ).toEqual([3n, 2n, 1n])
    })

    it('find what is in doubt', async () => {
      const { ledger, clock, submit, fund } = await open()
      await fund(ALICE, 100n)
      const [kept, posted, voided, late] = [
        { ...reserve(ALICE, BOB, 1n), userData128: 6n },
        { ...reserve(ALICE, BOB, 2n), userData128: 6n },
        { ...reserve(ALICE, BOB, 3n), userData128: 6n },
        { ...reserve(ALICE, BOB, 4n, 1), userData128: 6n }
      ] as const
      expect(await submit(kept, posted, voided, late)).toEqual(['ok', 'ok', 'ok', 'ok'])
      expect(await submit(post(posted.id), voiding(voided.id))).toEqual(['ok', 'ok'])
      const inDoubt = async () =>
        (await ledger.queryTransfers({ userData128: 6n, pendingOnly: true, limit: 10 })).map(({ id }) => id)
      expect(await inDoubt()).toEqual([kept.id, late.id])
      await clock.advance(1_000)
      expect(await inDoubt()).toEqual([kept.id])
      await ledger.sweepExpired()
      expect(await inDoubt()).toEqual([kept.id])
      expect(
        (await ledger.queryTransfers({ accountId: BOB, pendingOnly: true, limit: 10 })).map(({ id }) => id)
      ).toEqual([kept.id])
      expect(await ledger.queryTransfers({ accountId: WORLD, pendingOnly: true, limit: 10 })).toEqual([])
    })

    it('give timestamps that rise strictly', async () => {
      const { ledger, submit } = await open()
      for (let n = 0; n < 3; n++) await submit(pay(WORLD, ALICE, 1n), pay(WORLD, BOB, 1n))
      const stamps = (await ledger.queryTransfers({ limit: 10 })).map(({ timestamp }) => timestamp)
      expect(stamps).toHaveLength(6)
      for (let n = 1; n < stamps.length; n++) expect(stamps[n]! > stamps[n - 1]!).toBe(true)
    })

    it('total each ledger', async () => {
      const { ledger, submit, fund } = await open()
      await fund(ALICE, 100n)
      expect(await submit(reserve(ALICE, BOB, 30n))).toEqual(['ok'])
      expect(await ledger.totals()).toEqual([
        {
          ledger: LEDGER,
          debitsPosted: 100n,
          creditsPosted: 100n,
          debitsPending: 30n,
          creditsPending: 30n,
          overdrawnAccountIds: []
        },
        {
          ledger: OTHER_LEDGER,
          debitsPosted: 0n,
          creditsPosted: 0n,
          debitsPending: 0n,
          creditsPending: 0n,
          overdrawnAccountIds: []
        }
      ])
    })
  })

  describe('limits', () => {
    it('an empty call is answered emptily', async () => {
      const { ledger } = await open()
      expect(await ledger.createTransfers([])).toEqual([])
      expect(await ledger.createAccounts([])).toEqual([])
      expect(await ledger.lookupAccounts([])).toEqual([])
      expect(await ledger.lookupTransfers([])).toEqual([])
      expect(await ledger.pendingStates([])).toEqual([])
    })

    it('what no record holds is the bug of the caller', async () => {
      const { ledger, submit } = await open()
      await expect(submit(pay(WORLD, ALICE, -1n))).rejects.toThrow(/amount is -1/)
      await expect(submit(pay(WORLD, ALICE, AMOUNT_ALL + 1n))).rejects.toThrow(RangeError)
      await expect(submit(pay(WORLD, ALICE, 1n, { timeoutS: 1.5 }))).rejects.toThrow(/timeoutS is 1.5/)
      await expect(submit(pay(WORLD, ALICE, 1n, { code: 2 ** 16 }))).rejects.toThrow(/code/)
      await expect(submit(pay(WORLD, ALICE, 1n, { userData64: 2n ** 64n }))).rejects.toThrow(/userData64/)
      await expect(ledger.createAccounts([{ id: -1n, ledger: 1, code: 1 }])).rejects.toThrow(/id is -1/)
      const many = Array.from({ length: MAX_BATCH_EVENTS + 1 }, () => pay(WORLD, ALICE, 1n))
      await expect(ledger.createTransfers(many)).rejects.toThrow(/8190 events/)
      await expect(ledger.queryTransfers({ limit: 0 })).rejects.toThrow(/limit is 0/)
      expect(await ledger.queryTransfers({ limit: 10 })).toEqual([])
    })
  })
}
