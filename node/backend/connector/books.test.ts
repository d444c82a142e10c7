import { beforeEach, describe, expect, it } from 'vitest'
import { AccountCode, createLedgerWriter, createMemoryLedger, TransferCode } from '../../ledger/index.ts'
import type { AuditableLedger } from '../../ledger/index.ts'
import { createLogger, createManualClock } from '../../runtime/index.ts'
import { createBooking, createBooks } from './books.ts'
import type { Booking, Books } from './books.ts'
import type { LogRecord } from './connector.test-support.ts'
import { packetTransferIds } from './transfer-ids.ts'

const [FROM, TO, BANK] = [10n, 11n, 1n]
const FIRST_LEG = 1_000n

describe('the books, when someone else ends a reservation', () => {
  let ledger: AuditableLedger
  let books: Books
  let logs: LogRecord[]
  let booking: Booking

  beforeEach(async () => {
    const clock = createManualClock()
    logs = []
    const logger = createLogger({
      name: 'books',
      level: 'debug',
      write: (line) => void logs.push(JSON.parse(line) as LogRecord)
    })
    ledger = createMemoryLedger({ clock })
    const account = (id: bigint) => ({ id, ledger: 1, code: AccountCode.LIQUIDITY_PEER, flags: {} })
    await ledger.createAccounts([account(FROM), account(TO), account(BANK)])
    books = createBooks({
      writer: createLedgerWriter({ ledger, clock, logger }),
      clock,
      logger,
      limits: { ledgerRetryMs: 10, maxLedgerRetryMs: 100 },
      stopped: new AbortController().signal
    })
    booking = createBooking(
      [{ debitAccountId: FROM, creditAccountId: TO, amount: 7n, ledger: 1 }],
      FIRST_LEG,
      { userData128: 5n, userData64: 3n, userData32: 2 },
      60
    )
    expect(await books.reserve(booking, Infinity)).toEqual({ kind: 'done' })
  })

  const account = async (id: bigint) => (await ledger.lookupAccounts([id]))[0]!
  const events = () => logs.map(({ event }) => event)

  /** What a holder by evidence does: ends it under an id of its own. */
  function endedByAnother(flags: { postPending: true } | { voidPending: true }) {
    return ledger.createTransfers([
      {
        id: 9_999n,
        debitAccountId: 0n,
        creditAccountId: 0n,
        ledger: 0,
        code: 0,
        amount: 'postPending' in flags ? 2n ** 128n - 1n : 0n,
        pendingId: FIRST_LEG,
        flags
      }
    ])
  }

  it('a post that was made with another delivered amount stands as it is', async () => {
    expect(await books.postUntilKnown(booking, 6n)).toBe(true)
    expect(await books.postUntilKnown(booking, 7n)).toBe(true)
    const [, post] = await ledger.queryTransfers({ limit: 10 })
    expect(post).toMatchObject({ userData64: 6n, code: TransferCode.TRANSFER })
    expect(await account(TO)).toMatchObject({ creditsPosted: 7n, creditsPending: 0n })
  })

  it('a post that another made is a post', async () => {
    await endedByAnother({ postPending: true })
    expect(await books.postUntilKnown(booking)).toBe(true)
    expect((await account(TO)).creditsPosted).toBe(7n)
  })

  it('a post of what another voided gives the ledger’s reason', async () => {
    await endedByAnother({ voidPending: true })
    expect(await books.postUntilKnown(booking)).toBe('pending_transfer_already_voided')
  })

  it('a void that meets a post says so, and changes nothing', async () => {
    await endedByAnother({ postPending: true })
    expect(await books.voidUntilKnown(booking)).toBe('posted')
    expect(events()).toEqual(['void_met_post'])
    expect((await account(TO)).creditsPosted).toBe(7n)
  })

  it('a void of what is gone is done, and no news', async () => {
    await endedByAnother({ voidPending: true })
    expect(await books.voidUntilKnown(booking)).toBe('gone')
    expect(await books.voidUntilKnown({ ...booking, ids: packetTransferIds(4n) })).toBe('gone')
    expect(events()).toEqual([])
  })

  it('a void that the ledger refuses for another reason is an error, and leaves the reservation', async () => {
    const elsewhere = { ...booking, legs: [{ ...booking.legs[0]!, ledger: 2 }] }
    expect(await books.voidUntilKnown(elsewhere)).toBe('refused')
    expect(logs).toMatchObject([{ event: 'void_refused', level: 50 }])
    expect((await account(TO)).creditsPending).toBe(7n)
  })
})
