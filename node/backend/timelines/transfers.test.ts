import { describe, expect, it } from 'vitest'
import { TransferCode } from '../../ledger/index.ts'
import type { NewTransfer } from '../../ledger/index.ts'
import { createMemoryLedger } from '../../ledger/memory/ledger.ts'
import { createManualClock } from '../../runtime/index.ts'
import type { Asset } from '../assets/model.ts'
import { MAX_SINGLE_PACKETS, MAX_TIMELINE_TRANSFERS } from './model.ts'
import { firstCredit, readTransfers, transferEntries } from './transfers.ts'

const [SOURCE, OWN, EPOCH, PEER] = [1n, 10n, 11n, 12n]
const ASSET = { code: 'USD', scale: 2 } as Asset
const ACCOUNTS = { own: OWN, attempts: new Map([[EPOCH, 3]]) }

async function createBooks() {
  const clock = createManualClock()
  const ledger = createMemoryLedger({ clock })
  await ledger.createAccounts([SOURCE, OWN, EPOCH, PEER].map((id) => ({ id, ledger: 1, code: 1 })))
  let drawn = 1_000n
  const book = async (transfer: Partial<NewTransfer>) => {
    const id = drawn++
    const [result] = await ledger.createTransfers([
      { id, debitAccountId: 0n, creditAccountId: 0n, amount: 0n, ledger: 1, code: 1, ...transfer }
    ])
    expect(result).toBe('ok')
    return id
  }
  const packet = async (amount: bigint, isPosted = true) => {
    const legs = { debitAccountId: EPOCH, creditAccountId: PEER, code: TransferCode.TRANSFER }
    const pendingId = await book({ ...legs, amount, flags: { pending: true } })
    await book({
      ...legs,
      amount: isPosted ? amount : 0n,
      pendingId,
      flags: isPosted ? { postPending: true } : { voidPending: true }
    })
  }
  const look = async () => {
    const read = await readTransfers(ledger, [OWN, EPOCH])
    return { read, entries: transferEntries(read, ASSET, ACCOUNTS) }
  }
  await book({ debitAccountId: SOURCE, creditAccountId: OWN, amount: 1_000n, code: TransferCode.DEPOSIT })
  const depositedAtMs = clock.nowMs()
  const move = { debitAccountId: OWN, creditAccountId: EPOCH, amount: 900n, code: TransferCode.EPOCH_MOVE }
  await book(move)
  return { clock, ledger, book, packet, look, depositedAtMs }
}

describe('the transfers of a timeline', () => {
  it('are told one by one in their order, each once, with what they did', async () => {
    const { book, packet, look } = await createBooks()
    await packet(30n)
    await packet(20n, false)
    await book({ debitAccountId: EPOCH, creditAccountId: OWN, amount: 870n, code: TransferCode.EPOCH_MOVE })
    const withdrawal = {
      debitAccountId: OWN,
      creditAccountId: SOURCE,
      amount: 5n,
      code: TransferCode.WITHDRAWAL
    }
    const pendingId = await book({ ...withdrawal, flags: { pending: true } })
    await book({ ...withdrawal, pendingId, flags: { voidPending: true } })
    await book(withdrawal)
    const { entries } = await look()
    expect(entries.map(({ title, amount }) => [title, amount])).toEqual([
      ['Deposited', 1_000n],
      ['Handed to attempt 3', 900n],
      ['Reserved for a packet', 30n],
      ['Sent', 30n],
      ['Reserved for a packet', 20n],
      ['Reservation of a packet given up', 20n],
      ['What was not sent came back', 870n],
      ['Withdrawal reserved', 5n],
      ['Withdrawal given up', 5n],
      ['Withdrawn', 5n]
    ])
    expect(new Set(entries.map(({ id }) => id)).size).toBe(entries.length)
    expect(entries[3]).toMatchObject({ kind: 'TRANSFER', assetCode: 'USD', assetScale: 2 })
    expect(entries.every(({ count }) => count === undefined)).toBe(true)
  })

  it('of packets are summed by second where there are many', async () => {
    const { clock, packet, look } = await createBooks()
    const packets = MAX_SINGLE_PACKETS / 2
    for (let n = 0; n < packets; n++) await packet(2n)
    expect((await look()).entries).toHaveLength(2 + 2 * packets)
    await clock.advance(1_000)
    for (let n = 0; n < 10; n++) await packet(3n)
    const { entries } = await look()
    expect(entries.slice(2).map(({ title, amount, count }) => [title, amount, count])).toEqual([
      ['Reserved for a packet', 2n * BigInt(packets), packets],
      ['Sent', 2n * BigInt(packets), packets],
      ['Reserved for a packet', 30n, 10],
      ['Sent', 30n, 10]
    ])
    expect(entries.slice(2).every(({ id }) => id === undefined)).toBe(true)
  })

  it('are the newest, with a note where there are more; the deposit is found all the same', async () => {
    const { ledger, clock, packet, look, depositedAtMs } = await createBooks()
    const rest = MAX_TIMELINE_TRANSFERS - 2
    for (let n = 0; n < rest / 2; n++) await packet(1n)
    const whole = await look()
    expect(whole.read).toMatchObject({ hasOlder: false })
    expect(whole.entries[0]).toMatchObject({ title: 'Deposited' })
    await clock.advance(5_000)
    await packet(1n)
    const { read, entries } = await look()
    expect(read.hasOlder).toBe(true)
    expect(read.transfers).toHaveLength(MAX_TIMELINE_TRANSFERS)
    expect(entries[0]).toMatchObject({ title: 'Older transfers are not shown' })
    const sums = entries.slice(1)
    expect(sums.reduce((sum, { count }) => sum + (count ?? 0), 0)).toBe(MAX_TIMELINE_TRANSFERS)
    const deposit = await firstCredit(ledger, read, OWN, TransferCode.DEPOSIT)
    expect(deposit).toMatchObject({ amount: 1_000n, createdAtMs: depositedAtMs })
    expect(await firstCredit(ledger, read, OWN, TransferCode.TRANSFER)).toBeUndefined()
  })
})
