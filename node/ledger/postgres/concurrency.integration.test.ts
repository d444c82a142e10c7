import { afterAll, beforeAll, beforeEach, describe, expect, inject, it } from 'vitest'
import {
  createLogger,
  createManualClock,
  createSystemClock,
  createSystemRandom
} from '../../runtime/index.ts'
import { createMemoryLedger } from '../memory/ledger.ts'
import { AMOUNT_ALL } from '../model.ts'
import type { AuditableLedger, LedgerWriter, NewAccount, NewTransfer, Transfer } from '../model.ts'
import { createLedgerWriter } from '../writer.ts'
import { createPostgresLedger, REFUSED_ID_LIFETIME_MS } from './ledger.ts'
import { createLedgerDatabase } from './testing.ts'
import type { LedgerDatabase } from './testing.ts'

const WORLD = 1n
const HOT = [2n, 3n, 4n]
const CALLERS_PER_WRITER = 64
const PAYMENTS_PER_CALLER = 20

const accounts: NewAccount[] = [
  { id: WORLD, ledger: 1, code: 101 },
  ...HOT.map((id) => ({ id, ledger: 1, code: 3, flags: { debitsMustNotExceedCredits: true } }))
]

describe('the PostgreSQL ledger under concurrency', () => {
  const clock = createSystemClock()
  const random = createSystemRandom(clock)
  const logger = createLogger({ name: 'test', level: 'error' })
  let server: LedgerDatabase
  let ledgers: AuditableLedger[]

  beforeAll(async () => {
    server = await createLedgerDatabase(inject('postgresUrl'))
    // Two processes on one database: each has connections of its own.
    ledgers = [server.database, server.open()].map((database) => createPostgresLedger({ database, clock }))
  })
  afterAll(() => server?.drop())
  beforeEach(async () => {
    await server.emptyLedger()
    await ledgers[0]!.createAccounts(accounts)
  })

  function transfer(from: bigint, to: bigint, amount: bigint, more: Partial<NewTransfer> = {}): NewTransfer {
    return {
      id: random.orderedId(),
      debitAccountId: from,
      creditAccountId: to,
      amount,
      ledger: 1,
      code: 1,
      ...more
    }
  }

  const end = (pendingId: bigint, flag: 'postPending' | 'voidPending'): NewTransfer =>
    transfer(0n, 0n, flag === 'postPending' ? AMOUNT_ALL : 0n, {
      ledger: 0,
      code: 0,
      pendingId,
      flags: { [flag]: true }
    })

  async function allTransfers(): Promise<Transfer[]> {
    const found: Transfer[] = []
    for (;;) {
      const after = found.at(-1)?.timestamp
      const page = await ledgers[0]!.queryTransfers({ limit: 1_000, ...(after !== undefined && { after }) })
      if (page.length === 0) return found
      found.push(...page)
    }
  }

  /** Books the committed transfers in their order on the model: each must succeed, balances must be the same. */
  async function replayOnModel(): Promise<void> {
    const transfers = await allTransfers()
    const model = createMemoryLedger({ clock: createManualClock() })
    await model.createAccounts(accounts)
    for (const { flags, ...one } of transfers) {
      expect(await model.createTransfers([{ ...one, flags: { ...flags, linked: false } }])).toEqual(['ok'])
    }
    const ids = accounts.map(({ id }) => id)
    expect(await ledgers[0]!.lookupAccounts(ids)).toEqual(await model.lookupAccounts(ids))
  }

  it('many callers on hot accounts, through two writers: nobody overdraws, the books are zero-sum', async () => {
    const writers = ledgers.map((ledger) => createLedgerWriter({ ledger, clock, logger }))
    // Enough for some, not for all: refusals are part of it.
    await ledgers[0]!.createTransfers(HOT.map((id) => transfer(WORLD, id, 300n)))
    const seen = { done: 0, refused: 0, voided: 0 }

    async function caller(writer: LedgerWriter, seed: number): Promise<void> {
      for (let n = 0; n < PAYMENTS_PER_CALLER; n++) {
        const [a, b, c] = [0, 1, 2].map((step) => HOT[(seed + n + step * (1 + (seed % 2))) % HOT.length]!)
        const legs = [
          transfer(a!, b!, BigInt(1 + ((seed * 7 + n) % 40)), { flags: { pending: true, linked: true } }),
          transfer(b!, c!, BigInt(1 + ((seed * 5 + n) % 40)), { flags: { pending: true }, timeoutS: 60 })
        ]
        const reserved = await writer.submit(legs)
        if (reserved.some((result) => result !== 'ok')) {
          expect(reserved).toContain('exceeds_credits')
          seen.refused += 1
          continue
        }
        const flag = (seed + n) % 4 === 0 ? 'voidPending' : 'postPending'
        const ends = legs.map(({ id }) => end(id, flag))
        ends[0] = { ...ends[0]!, flags: { ...ends[0]!.flags, linked: true } }
        expect(await writer.submit(ends)).toEqual(['ok', 'ok'])
        seen[flag === 'postPending' ? 'done' : 'voided'] += 1
      }
    }

    await Promise.all(
      writers.flatMap((writer, index) =>
        Array.from({ length: CALLERS_PER_WRITER }, (_, n) => caller(writer, index * 1_000 + n))
      )
    )
    for (const writer of writers) await writer.close()

    for (const count of Object.values(seen)) expect(count).toBeGreaterThan(0)
    const [totals] = await ledgers[0]!.totals()
    expect(totals!.debitsPosted).toBe(totals!.creditsPosted)
    expect([totals!.debitsPending, totals!.creditsPending]).toEqual([0n, 0n])
    expect(totals!.overdrawnAccountIds).toEqual([])
    await replayOnModel()
    const { rows } = await server.database.knex.raw<{ rows: { deadlocks: bigint }[] }>(
      'SELECT deadlocks FROM pg_stat_database WHERE datname = current_database()'
    )
    expect(BigInt(rows[0]!.deadlocks)).toBe(0n)
  })

  it('the identical batch from two processes at once is booked once', async () => {
    for (let round = 0; round < 20; round++) {
      const batch = [
        transfer(WORLD, HOT[0]!, 5n),
        transfer(WORLD, HOT[1]!, 5n, { flags: { linked: true } }),
        transfer(HOT[1]!, HOT[2]!, 5n)
      ]
      const answers = await Promise.all(ledgers.map((ledger) => ledger.createTransfers(batch)))
      const [first, second] = answers[0]![0] === 'ok' ? answers : answers.toReversed()
      expect(first).toEqual(['ok', 'ok', 'ok'])
      expect(second).toEqual(['exists', 'exists', 'linked_event_failed'])
    }
    await replayOnModel()
  })

  it('one id with different accounts, from two processes at once, is booked once', async () => {
    for (let round = 0; round < 20; round++) {
      const one = transfer(WORLD, HOT[0]!, 5n)
      const other = { ...one, debitAccountId: HOT[1]!, creditAccountId: HOT[2]!, amount: 0n }
      const answers = await Promise.all([
        ledgers[0]!.createTransfers([one]),
        ledgers[1]!.createTransfers([other])
      ])
      expect(answers.flat().sort()).toEqual(['exists_with_different_fields', 'ok'])
    }
    await replayOnModel()
  })

  it('a post and a void of one reservation at once: one of them ends it', async () => {
    await ledgers[0]!.createTransfers([transfer(WORLD, HOT[0]!, 100n)])
    for (let round = 0; round < 20; round++) {
      const reservation = transfer(HOT[0]!, HOT[1]!, 1n, { flags: { pending: true } })
      await ledgers[0]!.createTransfers([reservation])
      const [posted, voided] = await Promise.all([
        ledgers[0]!.createTransfers([end(reservation.id, 'postPending')]),
        ledgers[1]!.createTransfers([end(reservation.id, 'voidPending')])
      ])
      expect([
        ['ok', 'pending_transfer_already_posted'],
        ['pending_transfer_already_voided', 'ok']
      ]).toContainEqual([posted![0], voided![0]])
    }
    await replayOnModel()
  })

  it('forgets a refused id after a day, and not before', async () => {
    const clock = createManualClock()
    const ledger = createPostgresLedger({ database: server.database, clock })
    const [funding, refused] = [transfer(WORLD, HOT[0]!, 10n), transfer(HOT[0]!, HOT[1]!, 10n)]
    expect(await ledger.createTransfers([refused])).toEqual(['exceeds_credits'])
    await ledger.createTransfers([funding])
    await clock.advance(REFUSED_ID_LIFETIME_MS)
    await ledger.sweepExpired()
    expect(await ledger.createTransfers([refused])).toEqual(['id_already_failed'])
    await clock.advance(3_600_000)
    await ledger.sweepExpired()
    expect(await ledger.createTransfers([refused])).toEqual(['ok'])
  })

  it('sweeps from two processes while others post free each reservation once', async () => {
    await ledgers[0]!.createTransfers([transfer(WORLD, HOT[0]!, 1_000n)])
    const manual = createManualClock()
    const sweeping = [server.database, server.open()].map((database) =>
      createPostgresLedger({ database, clock: manual, sweepLimit: 7 })
    )
    const reservations = Array.from({ length: 200 }, (_, n) =>
      transfer(HOT[0]!, HOT[1 + (n % 2)]!, 1n, { flags: { pending: true }, timeoutS: 1 })
    )
    await sweeping[0]!.createTransfers(reservations)
    // By the posters' clock, which is behind, the time is not over yet.
    const poster = createPostgresLedger({ database: server.open(), clock: createManualClock() })
    await manual.advance(1_000)
    const [, , posts] = await Promise.all([
      sweeping[0]!.sweepExpired(),
      sweeping[1]!.sweepExpired(),
      Promise.all(reservations.map(({ id }) => poster.createTransfers([end(id, 'postPending')])))
    ])
    const posted = posts.filter(([result]) => result === 'ok').length
    expect(posts.filter(([result]) => result === 'pending_transfer_expired')).toHaveLength(200 - posted)
    const [account] = await ledgers[0]!.lookupAccounts([HOT[0]!])
    expect([account!.debitsPending, account!.debitsPosted]).toEqual([0n, BigInt(posted)])
  })

  it.each([
    // The plain way finds an account missing and hands over; the ordered way locks anew and finds all.
    ['plain', {}, ['ok', 'ok']],
    // The ordered way was waiting for the lock: an account that it did not lock is not there.
    ['ordered', { balancingDebit: true }, ['ok', 'credit_account_not_found']]
  ])(
    'an account that is created while a %s batch waits is not moved without its lock',
    async (_, flags, results) => {
      const late = 50n
      const held = await server.database.knex.transaction()
      await held.raw('SELECT id FROM "ledgerAccounts" WHERE id = ? FOR UPDATE', [
        '00000000-0000-0000-0000-000000000001'
      ])
      const waiting = ledgers[1]!.createTransfers([
        transfer(WORLD, HOT[0]!, 1n, { flags }),
        transfer(WORLD, late, 1n)
      ])
      await untilOneWaits(server)
      await ledgers[0]!.createAccounts([{ id: late, ledger: 1, code: 3 }])
      await held.commit()
      expect(await waiting).toEqual(results)
      const [account] = await ledgers[0]!.lookupAccounts([late])
      expect(account!.creditsPosted).toBe(results[1] === 'ok' ? 1n : 0n)
    }
  )

  it.each([
    ['plain', {}],
    ['ordered', { balancingDebit: true }]
  ])('of two %s batches that wait for one account only one spends what it has', async (_, flags) => {
    const [hot, other] = [HOT[0]!, HOT[1]!]
    await ledgers[0]!.createTransfers([transfer(WORLD, hot, 100n), transfer(WORLD, other, 10n)])
    const held = await server.database.knex.transaction()
    await held.raw('SELECT id FROM "ledgerAccounts" WHERE id = ? FOR UPDATE', [uuid(hot)])
    const waiting = ledgers.map((ledger) =>
      ledger.createTransfers([transfer(hot, WORLD, 60n), transfer(other, WORLD, 1n, { flags })])
    )
    await untilWaiting(server, 2)
    await held.commit()
    const results = (await Promise.all(waiting)).map(([result]) => result).sort()
    expect(results).toEqual(['exceeds_credits', 'ok'])
    const [account] = await ledgers[0]!.lookupAccounts([hot])
    expect(account!.creditsPosted - account!.debitsPosted).toBe(40n)
    await replayOnModel()
  })

  it('of two batches that spend one id at the same time the second finds it spent', async () => {
    const nobody = 77n
    const refused = end(nobody, 'voidPending')
    const held = await server.database.knex.transaction()
    // Whoever comes first waits with its id half spent.
    await held.raw('INSERT INTO "ledgerRefusedTransfers" (id, "refusedAtMs") VALUES (?::uuid, 0)', [
      uuid(refused.id)
    ])
    const waiting = ledgers.map((ledger) => ledger.createTransfers([refused]))
    await untilWaiting(server, 2)
    await held.rollback()
    const answers = (await Promise.all(waiting)).map(([result]) => result).sort()
    expect(answers).toEqual(['id_already_failed', 'pending_transfer_not_found'])
  })

  describe('one id in different records, on accounts that nothing else shares', () => {
    /** A process whose batch is answered and not committed yet. */
    async function halfway(batch: readonly NewTransfer[]) {
      const knex = await server.database.knex.transaction()
      const results = await createPostgresLedger({ database: { knex }, clock }).createTransfers(batch)
      return { results, commit: () => knex.commit() }
    }

    const poor = (id: bigint) => transfer(HOT[0]!, HOT[1]!, 1n, { id })

    it.each([
      ['plain', {}],
      ['ordered', { balancingDebit: true }]
    ])(
      'booked by a %s batch: the one that would refuse it waits, and is told that it exists',
      async (_, flags) => {
        const { id } = transfer(WORLD, HOT[2]!, 1n)
        const booking = await halfway([transfer(WORLD, HOT[2]!, 1n, { id, flags })])
        const refusing = ledgers[1]!.createTransfers([poor(id)])
        await untilOneWaits(server)
        await booking.commit()
        expect(booking.results).toEqual(['ok'])
        expect(await refusing).toEqual(['exists_with_different_fields'])
        await replayOnModel()
      }
    )

    it.each([
      ['plain', {}],
      ['ordered', { balancingDebit: true }]
    ])('refused: the %s batch that would book it waits, and finds it spent', async (_, flags) => {
      const { id } = transfer(WORLD, HOT[2]!, 1n)
      const refusing = await halfway([poor(id)])
      const booking = ledgers[1]!.createTransfers([
        transfer(WORLD, HOT[2]!, 1n, { id, flags }),
        transfer(WORLD, HOT[2]!, 2n)
      ])
      await untilOneWaits(server)
      await refusing.commit()
      expect(refusing.results).toEqual(['exceeds_credits'])
      expect(await booking).toEqual(['id_already_failed', 'ok'])
      await replayOnModel()
    })
  })

  it('a reservation that is committed while its post waits: the post is done again and finds it', async () => {
    const reservation = transfer(WORLD, HOT[0]!, 5n, { flags: { pending: true } })
    const held = await server.database.knex.transaction()
    await held.raw('SELECT id FROM "ledgerAccounts" WHERE id = ? FOR UPDATE', [
      '00000000-0000-0000-0000-000000000003'
    ])
    const waiting = ledgers[1]!.createTransfers([
      transfer(WORLD, HOT[1]!, 1n),
      end(reservation.id, 'postPending')
    ])
    await untilOneWaits(server)
    // Account 1 is locked by the waiting batch, so the reservation is booked between two others.
    await server.database.knex.raw(
      `INSERT INTO "ledgerTransfers" SELECT ?::uuid, nextval('"ledgerTimestamps"'), 0, a.id, b.id, 0, 1, 1, 2, 0
       FROM "ledgerAccounts" a, "ledgerAccounts" b WHERE a.id = ?::uuid AND b.id = ?::uuid`,
      [uuid(reservation.id), uuid(HOT[0]!), uuid(HOT[2]!)]
    )
    await server.database.knex.raw('INSERT INTO "ledgerPendingTransfers" VALUES (?::uuid)', [
      uuid(reservation.id)
    ])
    await held.commit()
    expect(await waiting).toEqual(['ok', 'ok'])
  })

  it('a statement that is cut off books nothing, and its repeat everything', async () => {
    const batch = [transfer(WORLD, HOT[0]!, 5n), transfer(HOT[0]!, HOT[1]!, 5n)]
    const held = await server.database.knex.transaction()
    await held.raw('SELECT id FROM "ledgerAccounts" FOR UPDATE')
    const cut = ledgers[1]!.createTransfers(batch)
    const failed = expect(cut).rejects.toThrow(/terminat/i)
    const pid = await untilOneWaits(server)
    await server.database.knex.raw('SELECT pg_terminate_backend(?)', [pid])
    await failed
    await held.commit()
    expect(await untilKnown(() => ledgers[1]!.createTransfers(batch))).toEqual(['ok', 'ok'])
    await replayOnModel()
  })
})

/** As callers do: the pool may hand out a connection whose end it has not noticed yet. */
async function untilKnown<T>(attempt: () => Promise<T>): Promise<T> {
  for (let left = 5; ; left--) {
    try {
      return await attempt()
    } catch (error) {
      if (left === 0) throw error
    }
  }
}

function uuid(id: bigint): string {
  const hex = id.toString(16).padStart(32, '0')
  return hex.replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, '$1-$2-$3-$4-$5')
}

/** Until a session waits for a lock: its process id. */
async function untilOneWaits(server: LedgerDatabase): Promise<number> {
  const [pid] = await untilWaiting(server, 1)
  return pid!
}

/** Until so many sessions wait for a lock: their process ids. */
async function untilWaiting({ database }: LedgerDatabase, count: number): Promise<number[]> {
  for (;;) {
    const { rows } = await database.knex.raw<{ rows: { pid: number }[] }>(
      `SELECT pid FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND datname = current_database()`
    )
    if (rows.length >= count) return rows.map(({ pid }) => pid)
  }
}
