import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, inject, it } from 'vitest'
import { createLedgerWriter, TransferCode } from '../../ledger/index.ts'
import type { LedgerWriter } from '../../ledger/index.ts'
import { uuidToId } from '../../runtime/index.ts'
import type { Database } from '../../runtime/index.ts'
import type { Asset } from '../assets/model.ts'
import { createTestNouns, good } from '../nouns.test-support.ts'
import type { TestNouns } from '../nouns.test-support.ts'
import type { Peer } from '../peers/model.ts'
import { OPERATOR_ID, until } from '../testing.ts'
import { createOutbox } from '../webhooks/outbox.ts'
import { createLowLiquidity } from './low-liquidity.ts'
import type { LowLiquidity } from './low-liquidity.ts'

interface Process {
  low: LowLiquidity
  writer: LedgerWriter
  /** Looks at balances so far. */
  looks(): number
  /** The next look sees this balance's past: it waits for `release` between its look-up and what it makes of it. */
  holdNextLook(): { isHeld(): boolean; release(): void }
}

describe('low liquidity', () => {
  let nouns: TestNouns
  let asset: Asset
  let peer: Peer
  let processes: Process[]

  beforeAll(async () => {
    nouns = await createTestNouns(inject('postgresUrl'))
  })
  afterAll(() => nouns.close())
  beforeEach(async () => {
    asset = await nouns.createAsset()
    peer = good(await nouns.one.peers.create(nouns.peerInput(asset, { liquidityThreshold: 50n })))
    await until(() => nouns.two.peerDirectory.get(peer.id) !== undefined)
    await nouns.one.liquidity.deposit({ id: id(), accountId: peer.id, asset, amount: 100n })
    await nouns.one.liquidity.deposit({ id: id(), accountId: asset.id, asset, amount: 100n })
    processes = [
      createProcess(nouns.one, nouns.backend.database),
      createProcess(nouns.two, nouns.backend.openDatabase())
    ]
    for (const { low } of processes) low.start()
  })
  afterEach(async () => {
    for (const { low } of processes) await low.stop()
  })

  const id = () => nouns.backend.random.uuid()

  function createProcess(part: TestNouns['one'], database: Database): Process {
    const { backend, ledger } = nouns
    let looks = 0
    let hold: Promise<void> | undefined
    let held = false
    const low = createLowLiquidity({
      ...backend,
      database,
      ledger: {
        async lookupAccounts(ids) {
          const accounts = await ledger.lookupAccounts(ids)
          const waiting = hold
          hold = undefined
          held = waiting !== undefined
          await waiting
          looks += 1
          return accounts
        }
      },
      assets: part.directory,
      peers: part.peerDirectory,
      outbox: createOutbox(backend),
      checkIntervalMs: 0
    })
    return {
      low,
      writer: low.watch(createLedgerWriter({ ...backend, ledger })),
      looks: () => looks,
      holdNextLook() {
        held = false
        const { promise, resolve } = Promise.withResolvers<void>()
        hold = promise
        return { isHeld: () => held, release: resolve }
      }
    }
  }

  /** A packet's booking: in two phases where `isPending`. */
  async function move(process: Process, from: string, to: string, amount: bigint): Promise<void> {
    const leg = {
      debitAccountId: uuidToId(from),
      creditAccountId: uuidToId(to),
      ledger: asset.ledger,
      code: TransferCode.TRANSFER
    }
    const pendingId = nouns.backend.random.orderedId()
    const reserve = { ...leg, id: pendingId, amount, timeoutS: 60, flags: { pending: true } }
    const post = {
      ...leg,
      id: nouns.backend.random.orderedId(),
      pendingId,
      amount,
      flags: { postPending: true }
    }
    expect(await process.writer.submit([reserve])).toEqual(['ok'])
    expect(await process.writer.submit([post])).toEqual(['ok'])
  }

  async function deposit(process: Process, accountId: string, amount: bigint): Promise<void> {
    const results = await process.writer.submit([
      {
        id: nouns.backend.random.orderedId(),
        debitAccountId: BigInt(asset.ledger),
        creditAccountId: uuidToId(accountId),
        amount,
        ledger: asset.ledger,
        code: TransferCode.DEPOSIT
      }
    ])
    expect(results).toEqual(['ok'])
  }

  /** Balances told of, oldest first. */
  async function told(about: string): Promise<string[]> {
    const { rows } = await nouns.backend.database.knex.raw<{ rows: { data: { balance: string } }[] }>(
      'SELECT data FROM "webhookEvents" WHERE coalesce("peerId", "assetId") = ? ORDER BY sequence',
      [about]
    )
    return rows.map(({ data }) => data.balance)
  }

  async function looked(process: Process, act: () => Promise<void>): Promise<void> {
    const before = process.looks()
    await act()
    await until(() => process.looks() > before)
  }

  async function isLow(about: string): Promise<boolean> {
    const row = await nouns.backend.database.knex('lowLiquidity').where({ accountId: about }).first()
    return row?.isLow ?? false
  }

  it('of a peer is told once per crossing, at the threshold and below, and again after it was filled', async () => {
    const [one] = processes as [Process, Process]
    await looked(one, () => move(one, peer.id, asset.id, 49n))
    expect(await told(peer.id)).toEqual([])
    await move(one, peer.id, asset.id, 1n)
    await until(async () => (await told(peer.id)).length === 1)
    for (let time = 0; time < 3; time++) await looked(one, () => move(one, peer.id, asset.id, 1n))
    await looked(one, () => deposit(one, peer.id, 1n))
    expect(await told(peer.id)).toEqual(['50'])
    await deposit(one, peer.id, 10n)
    await until(async () => !(await isLow(peer.id)))
    await move(one, peer.id, asset.id, 20n)
    await until(async () => (await told(peer.id)).length === 2)
    expect(await told(peer.id)).toEqual(['50', '38'])
  })

  it('has the webhook of the contract, for the tenant of the peer', async () => {
    const [one] = processes as [Process, Process]
    await move(one, peer.id, asset.id, 60n)
    await until(async () => (await told(peer.id)).length === 1)
    const event = await nouns.backend.database.knex('webhookEvents').where({ peerId: peer.id }).first()
    expect(event).toMatchObject({
      type: 'peer.liquidity_low',
      tenantId: OPERATOR_ID,
      data: {
        id: peer.id,
        asset: { id: asset.id, code: asset.code, scale: asset.scale },
        liquidityThreshold: '50',
        balance: '40'
      }
    })
    const deliveries = await nouns.backend.database.knex('webhooks').where({ eventId: event.id })
    expect(deliveries).toMatchObject([{ recipientTenantId: OPERATOR_ID, state: 'PENDING' }])
  })

  it('of an asset is told as that of a peer is', async () => {
    const [one] = processes as [Process, Process]
    good(await nouns.one.assets.update({ id: asset.id, tenantId: OPERATOR_ID, liquidityThreshold: 30n }))
    await move(one, asset.id, peer.id, 75n)
    await until(async () => (await told(asset.id)).length === 1)
    const event = await nouns.backend.database.knex('webhookEvents').where({ assetId: asset.id }).first()
    expect(event).toMatchObject({
      type: 'asset.liquidity_low',
      data: {
        id: asset.id,
        asset: { id: asset.id, code: asset.code, scale: 2 },
        liquidityThreshold: '30',
        balance: '25'
      }
    })
  })

  it('is told once by two processes that book at the same time', async () => {
    await Promise.all(processes.map((process) => move(process, peer.id, asset.id, 30n)))
    await Promise.all(processes.map((process) => looked(process, () => move(process, peer.id, asset.id, 1n))))
    await until(async () => (await told(peer.id)).length > 0)
    expect(await told(peer.id)).toHaveLength(1)
  })

  it('is told again though a process had an old balance in its hands when another filled the account', async () => {
    const [one, two] = processes as [Process, Process]
    const look = one.holdNextLook()
    await move(one, peer.id, asset.id, 60n)
    await until(look.isHeld)
    await looked(two, () => deposit(two, peer.id, 100n))
    // It tells of what it saw, looks again, and finds that it is over.
    look.release()
    await until(async () => (await told(peer.id)).length === 1)
    await until(async () => !(await isLow(peer.id)))
    await move(two, peer.id, asset.id, 100n)
    await until(async () => (await told(peer.id)).length === 2)
    expect(await told(peer.id)).toEqual(['40', '40'])
  })

  it('is not told again by a process that saw the account before it fell', async () => {
    const [one, two] = processes as [Process, Process]
    const look = one.holdNextLook()
    await move(one, peer.id, asset.id, 1n)
    await until(look.isHeld) // with a balance of 99
    await looked(two, () => move(two, peer.id, asset.id, 60n))
    await until(async () => (await told(peer.id)).length === 1)
    await looked(one, async () => look.release())
    for (let time = 0; time < 2; time++) await looked(one, () => move(one, peer.id, asset.id, 1n))
    expect(await isLow(peer.id)).toBe(true)
    expect(await told(peer.id)).toEqual(['39'])
  })

  it('is neither told again nor thought over by a process whose look is older than what another told and saw end', async () => {
    const [one, two] = processes as [Process, Process]
    /** It looked at all that it had to look at. */
    const settled = async (process: Process) => {
      for (let time = 0; time < 3; time++) await looked(process, () => move(process, peer.id, asset.id, 1n))
    }
    const falls = one.holdNextLook()
    await move(one, peer.id, asset.id, 60n)
    await until(falls.isHeld) // with nothing told, and a balance of 40
    await looked(two, () => move(two, peer.id, asset.id, 1n))
    await until(() => isLow(peer.id))
    await deposit(two, peer.id, 100n)
    await until(async () => !(await isLow(peer.id)))
    await looked(one, async () => falls.release())
    await settled(one)
    expect(await told(peer.id)).toEqual(['39'])

    await move(two, peer.id, asset.id, 100n)
    await until(() => isLow(peer.id))
    await settled(two)
    const rises = one.holdNextLook()
    await deposit(one, peer.id, 100n)
    await until(rises.isHeld) // with that told, and a balance of 133
    await looked(two, () => move(two, peer.id, asset.id, 1n))
    await until(async () => !(await isLow(peer.id)))
    await move(two, peer.id, asset.id, 100n)
    await until(() => isLow(peer.id))
    await looked(one, async () => rises.release())
    await settled(one)
    expect(await isLow(peer.id)).toBe(true)
    expect(await told(peer.id)).toEqual(['39', '36', '32'])
  })

  it('is told at most once per crossing and right in the end, whatever two processes do at the same time', async () => {
    const { random } = nouns.backend
    let balance = 100n
    let crossings = 0
    const change = (process: Process, by: bigint) => {
      if (balance > 50n && balance + by <= 50n) crossings += 1
      balance += by
      return by < 0n ? move(process, peer.id, asset.id, -by) : deposit(process, peer.id, by)
    }
    for (let time = 0; time < 40; time++) {
      const process = processes[time % 2]!
      if (random.fraction() < 0.3) {
        const look = process.holdNextLook()
        setTimeout(() => look.release(), random.fraction() * 20)
      }
      // The order of the bookings is known; the looks of both processes are not.
      await change(process, balance > 50n ? -40n : 40n)
      if (random.fraction() < 0.5) await new Promise((resolve) => setImmediate(resolve))
    }
    await until(async () => (await isLow(peer.id)) === balance <= 50n)
    for (const process of processes) await looked(process, () => deposit(process, peer.id, 1n))
    for (const { low } of processes) await low.stop()
    expect(await isLow(peer.id)).toBe(balance + 2n <= 50n)
    expect((await told(peer.id)).length).toBeLessThanOrEqual(crossings)
    expect(crossings).toBeGreaterThan(10)
  })

  it('is told by the next start when the process died before its look', async () => {
    const [one, two] = processes as [Process, Process]
    await one.low.stop()
    await move(one, peer.id, asset.id, 60n)
    await two.low.stop()
    const fresh = createProcess(nouns.one, nouns.backend.database)
    processes.push(fresh)
    fresh.low.start()
    await until(async () => (await told(peer.id)).length === 1)
  })

  it('is not told of an account that was never filled, nor after a withdrawal', async () => {
    const [one] = processes as [Process, Process]
    const empty = good(await nouns.one.peers.create(nouns.peerInput(asset, { liquidityThreshold: 50n })))
    await looked(one, () => deposit(one, empty.id, 1n))
    const results = await one.writer.submit([
      {
        id: nouns.backend.random.orderedId(),
        debitAccountId: uuidToId(peer.id),
        creditAccountId: BigInt(asset.ledger),
        amount: 90n,
        ledger: asset.ledger,
        code: TransferCode.WITHDRAWAL
      }
    ])
    expect(results).toEqual(['ok'])
    await looked(one, () => deposit(one, empty.id, 1n))
    await one.low.stop()
    expect([...(await told(empty.id)), ...(await told(peer.id))]).toEqual([])
  })

  it('follows the threshold: raised above the balance it is told, taken away it is forgotten', async () => {
    const [one] = processes as [Process, Process]
    await looked(one, () => move(one, peer.id, asset.id, 40n))
    const change = { id: peer.id, tenantId: OPERATOR_ID }
    good(await nouns.one.peers.update({ ...change, liquidityThreshold: 60n }))
    await until(async () => (await told(peer.id)).length === 1)
    good(await nouns.one.peers.delete(change))
    await until(async () => !(await isLow(peer.id)))
  })
})
