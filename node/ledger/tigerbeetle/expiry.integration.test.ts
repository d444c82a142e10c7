import fc from 'fast-check'
import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest'
import { isLongRun } from '../../../test-counts.ts'
import { createManualClock, createSystemRuntime } from '../../runtime/index.ts'
import { createMemoryLedger } from '../memory/ledger.ts'
import { AMOUNT_ALL } from '../model.ts'
import type { NewAccount, NewTransfer } from '../model.ts'
import { createTigerBeetleLedger } from './ledger.ts'
import { openTigerBeetleUnderTest } from './testing.ts'
import type { TigerBeetleUnderTest } from './testing.ts'

/*
 * TigerBeetle's time cannot be moved, so histories in which reservations expire wait for it: all at once, in three
 * parts each. Between expiry and sweep both outcomes are lawful (`money.md` 6), so the parts are:
 *
 *   reserve and end some ──wait until what is left has expired──▶ sweep, compare ──▶ end the rest, compare
 */

const found = inject('tigerBeetle')
const HISTORIES = isLongRun ? 200 : 24
/** What a history reserves expires after this; the first part must be over by then. */
const TIMEOUT_S = isLongRun ? 20 : 4

const [WORLD, ALICE, BOB] = [1n, 2n, 3n]
const accounts: NewAccount[] = [
  { id: WORLD, ledger: 1, code: 2 },
  { id: ALICE, ledger: 1, code: 3, flags: { debitsMustNotExceedCredits: true } },
  { id: BOB, ledger: 1, code: 3, flags: { debitsMustNotExceedCredits: true } }
]

interface Reservation {
  amount: number
  expires: boolean
  /** Before it expires, after it would have, or never. */
  end: 'early' | 'late' | 'never'
  flag: 'postPending' | 'voidPending'
}

const reservations = fc.array(
  fc.record<Reservation>({
    amount: fc.integer({ min: 0, max: 40 }),
    expires: fc.boolean(),
    end: fc.constantFrom('early', 'late', 'never'),
    flag: fc.constantFrom('postPending', 'voidPending')
  }),
  { minLength: 1, maxLength: 12, size: 'max' }
)

function transfer(id: bigint, amount: bigint, more: Partial<NewTransfer>): NewTransfer {
  return { id, debitAccountId: ALICE, creditAccountId: BOB, amount, ledger: 1, code: 1, ...more }
}

describe.skipIf('missing' in found)('time and crashes in TigerBeetle', () => {
  let cluster: TigerBeetleUnderTest
  beforeAll(() => {
    if ('missing' in found) throw new Error(found.missing)
    cluster = openTigerBeetleUnderTest(found)
  })
  afterAll(() => cluster?.close())

  it(
    'reservations expire as those of the model do, and are freed by a sweep',
    { timeout: 240_000 },
    async () => {
      const histories = fc.sample(reservations, HISTORIES)
      const lanes = histories.map((history) => {
        const clock = createManualClock()
        return { history, clock, store: cluster.emptyLedger()[0], model: createMemoryLedger({ clock }) }
      })
      type Lane = (typeof lanes)[number]

      async function submit({ store, model }: Lane, transfers: readonly NewTransfer[]): Promise<void> {
        const expected = await model.createTransfers(transfers)
        expect(await store.createTransfers(transfers)).toEqual(expected)
      }
      async function compare({ store, model, history }: Lane): Promise<void> {
        const ids = accounts.map(({ id }) => id)
        expect(await store.lookupAccounts(ids)).toEqual(await model.lookupAccounts(ids))
        const reserved = history.map((_, index) => BigInt(100 + index))
        expect(await store.pendingStates(reserved)).toEqual(await model.pendingStates(reserved))
        const held = async (ledger: Lane['store'] | Lane['model']) =>
          (await ledger.queryTransfers({ accountId: ALICE, pendingOnly: true, limit: 100 })).map(
            ({ id }) => id
          )
        expect(await held(store)).toEqual(await held(model))
      }
      const ends = (history: readonly Reservation[], when: Reservation['end']) =>
        history.flatMap(({ end, flag }, index) =>
          end === when
            ? [
                transfer(BigInt(200 + index), flag === 'postPending' ? AMOUNT_ALL : 0n, {
                  pendingId: BigInt(100 + index),
                  flags: { [flag]: true }
                })
              ]
            : []
        )

      const startMs = cluster.clock.nowMs()
      await Promise.all(
        lanes.map(async (lane) => {
          await Promise.all([lane.store.createAccounts(accounts), lane.model.createAccounts(accounts)])
          await submit(lane, [transfer(1n, 150n, { debitAccountId: WORLD, creditAccountId: ALICE })])
          const reserve = lane.history.map(({ amount, expires }, index) =>
            transfer(BigInt(100 + index), BigInt(amount), {
              flags: { pending: true },
              timeoutS: expires ? TIMEOUT_S : 0
            })
          )
          await submit(lane, reserve)
          await submit(lane, ends(lane.history, 'early'))
          await compare(lane)
        })
      )
      const tookMs = cluster.clock.nowMs() - startMs
      expect(tookMs, 'the machine is too slow to tell what was early').toBeLessThan(TIMEOUT_S * 1_000)

      await cluster.clock.advance(TIMEOUT_S * 1_000)
      await Promise.all(
        lanes.map(async (lane) => {
          await lane.clock.advance(TIMEOUT_S * 1_000)
          await Promise.all([lane.store.sweepExpired(), lane.model.sweepExpired()])
          await compare(lane)
          await submit(lane, ends(lane.history, 'late'))
          await compare(lane)
        })
      )
      const states = await Promise.all(
        lanes.map(({ model, history }) => model.pendingStates(history.map((_, index) => BigInt(100 + index))))
      )
      expect(new Set(states.flat())).toEqual(new Set(['pending', 'posted', 'voided', 'expired', undefined]))
    }
  )

  it('a batch of a process that is killed meanwhile is booked once, by whoever repeats it', async () => {
    if ('missing' in found) throw new Error(found.missing)
    const { clusterId, addresses } = found
    for (let round = 0; round < 6; round++) {
      const runtime = createSystemRuntime({ name: 'killed', logLevel: 'silent' })
      const open = () => runtime.openTigerBeetle({ clusterId: BigInt(clusterId), addresses })
      const [survivor, , killed] = cluster.emptyLedgerWith(createTigerBeetleLedger({ ...runtime, open }))
      await killed.createAccounts(accounts)
      const batch = [
        transfer(1n, 150n, { debitAccountId: WORLD, creditAccountId: ALICE }),
        transfer(2n, 40n, { flags: { pending: true, linked: true }, timeoutS: 60 }),
        transfer(3n, 50n, { flags: { pending: true } })
      ]
      const heard = killed.createTransfers(batch).then(
        (results) => results.join(),
        (error: { code?: string }) => error.code
      )
      // At once, or when the request is on its way.
      for (let turn = 0; turn < round; turn++) await new Promise((resolve) => setImmediate(resolve))
      runtime.kill()
      expect(['ok,ok,ok', 'TIGERBEETLE_CLOSED']).toContain(await heard)
      expect([
        ['ok', 'ok', 'ok'],
        ['exists', 'exists', 'linked_event_failed']
      ]).toContainEqual(await survivor.createTransfers(batch))
      const [alice] = await survivor.lookupAccounts([ALICE])
      expect([alice!.debitsPending, alice!.creditsPosted]).toEqual([90n, 150n])
    }
  })
})
