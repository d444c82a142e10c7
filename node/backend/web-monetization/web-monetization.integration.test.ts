import { afterAll, afterEach, beforeAll, describe, expect, inject, it } from 'vitest'
import { AccountCode, MAX_AMOUNT, TransferCode } from '../../ledger/index.ts'
import { createManualClock, uuidToId } from '../../runtime/index.ts'
import type { ManualClock } from '../../runtime/index.ts'
import type { Asset } from '../assets/model.ts'
import type { DeliveryTarget } from '../incoming-payments/model.ts'
import { createTestNouns, good } from '../nouns.test-support.ts'
import type { TestNouns } from '../nouns.test-support.ts'
import { OPERATOR_ID, until } from '../testing.ts'
import type { WalletAddress } from '../wallet-addresses/model.ts'
import { createOutbox } from '../webhooks/outbox.ts'
import { createWebMonetization, SCHEDULE_INTERVAL_MS } from './service.ts'
import type { RunningWebMonetization } from './service.ts'

describe('money for a wallet address itself', () => {
  let nouns: TestNouns
  let asset: Asset
  let walletAddress: WalletAddress
  const running: RunningWebMonetization[] = []

  beforeAll(async () => {
    nouns = await createTestNouns(inject('postgresUrl'))
  })
  afterEach(async () => {
    for (const one of running.splice(0)) await one.stop()
  })
  afterAll(() => nouns.close())

  async function open(withdrawalThreshold?: bigint): Promise<void> {
    const code = nouns.unique('W')
    const terms = { tenantId: OPERATOR_ID, code, scale: 2 }
    asset = good(
      await nouns.one.assets.create({
        ...terms,
        ...(withdrawalThreshold !== undefined && { withdrawalThreshold })
      })
    )
    walletAddress = good(
      await nouns.one.walletAddresses.create({
        tenantId: OPERATOR_ID,
        assetId: asset.id,
        address: `https://localhost:3003/${code.toLowerCase()}`
      })
    )
  }

  async function start(
    clock: ManualClock,
    config: { WITHDRAWAL_THROTTLE_DELAY?: number; WALLET_ADDRESS_WORKERS?: number } = {}
  ): Promise<RunningWebMonetization> {
    const { backend, one } = nouns
    const started = createWebMonetization({
      ...backend,
      clock,
      assets: one.directory,
      walletAddresses: one.walletAddresses,
      liquidity: one.liquidity,
      outbox: createOutbox({ ...backend, clock }),
      config: { WALLET_ADDRESS_WORKERS: 1, WITHDRAWAL_THROTTLE_DELAY: undefined, ...config }
    })
    running.push(started)
    await started.start()
    return started
  }

  async function targetOf({ targets }: RunningWebMonetization): Promise<DeliveryTarget> {
    const target = await targets.resolve(walletAddress.id)
    if (!target) throw new Error('nothing is delivered to the wallet address')
    return target
  }

  async function book(amount: bigint): Promise<void> {
    const [result] = await nouns.ledger.createTransfers([
      {
        id: nouns.backend.random.orderedId(),
        debitAccountId: BigInt(asset.ledger),
        creditAccountId: uuidToId(walletAddress.id),
        amount,
        ledger: asset.ledger,
        code: TransferCode.TRANSFER
      }
    ])
    expect(result).toBe('ok')
  }

  async function credit(target: DeliveryTarget, amount: bigint): Promise<void> {
    expect(target.admit(amount)).toBe('admitted')
    await book(amount)
    target.posted(amount)
  }

  const events = (): Promise<{ withdrawalAmount: bigint; data: unknown; type: string }[]> =>
    nouns.backend.database
      .knex('webhookEvents')
      .where({ walletAddressId: walletAddress.id })
      .orderBy('sequence')
  const row = (): Promise<{ processAt: Date | null; totalEventsAmount: bigint }> =>
    nouns.backend.database.knex('walletAddresses').where({ id: walletAddress.id }).first()
  const untilEvents = (count: number) => until(async () => (await events()).length === count)

  it('opens its account with the first packet, and takes any amount while the address is active', async () => {
    await open()
    const clock = createManualClock()
    const monetization = await start(clock)
    expect(await nouns.one.liquidity.balance(walletAddress.id)).toBeUndefined()
    const target = await targetOf(monetization)
    expect(target).toMatchObject({ kind: 'walletAddress', tenantId: OPERATOR_ID, receiveMax: undefined })
    await credit(target, 7n)
    expect(target.received).toBe(7n)
    const [account] = await nouns.ledger.lookupAccounts([target.accountId])
    expect(account).toMatchObject({ code: AccountCode.LIQUIDITY_WEB_MONETIZATION, creditsPosted: 7n })
    // Once the notification of the address's creation is heard, the target stays at hand.
    await until(
      async () =>
        (await targetOf(monetization)) === monetization.targets.known(walletAddress.id.toUpperCase())
    )
    // Without a threshold and a delay nothing becomes due.
    expect(await row()).toMatchObject({ processAt: null, totalEventsAmount: 0n })

    await nouns.one.walletAddresses.update({ id: walletAddress.id, status: 'INACTIVE' })
    await until(() => monetization.targets.known(walletAddress.id) === undefined)
    expect((await targetOf(monetization)).admit(1n)).toBe('closed')
    expect(await monetization.targets.resolve(OPERATOR_ID)).toBeUndefined()
  })

  it('is told when it reaches the asset’s threshold, and each unit once', async () => {
    await open(100n)
    const clock = createManualClock()
    const monetization = await start(clock)
    const target = await targetOf(monetization)
    await credit(target, 60n)
    await until(() => clock.nextTimerMs() === clock.nowMs() + SCHEDULE_INTERVAL_MS)
    expect(await events()).toEqual([])
    await credit(target, 60n)
    await clock.advance(SCHEDULE_INTERVAL_MS)
    await until(async () => {
      await clock.advance(0)
      return (await events()).length === 1
    })
    expect((await events())[0]).toMatchObject({
      type: 'wallet_address.web_monetization',
      withdrawalAmount: 120n,
      data: {
        walletAddress: {
          id: walletAddress.id,
          createdAt: walletAddress.createdAt.toISOString(),
          receivedAmount: { value: '120', assetCode: asset.code, assetScale: 2 }
        }
      }
    })
    expect(await row()).toMatchObject({ processAt: null, totalEventsAmount: 120n })
  })

  it('is told what one transfer moves at a time', async () => {
    await open(100n)
    const clock = createManualClock()
    const target = await targetOf(await start(clock))
    await target.admit(1n)
    for (const amount of [MAX_AMOUNT, MAX_AMOUNT, 700n]) await book(amount)
    target.posted(1n)
    await until(async () => {
      await clock.advance(SCHEDULE_INTERVAL_MS)
      return (await events()).length === 3
    })
    expect((await events()).map(({ withdrawalAmount }) => withdrawalAmount)).toEqual([
      MAX_AMOUNT,
      MAX_AMOUNT,
      700n
    ])
  })

  it('is told after WITHDRAWAL_THROTTLE_DELAY otherwise, counted from the first credit', async () => {
    await open(1_000n)
    const clock = createManualClock()
    const monetization = await start(clock, { WITHDRAWAL_THROTTLE_DELAY: 5_000 })
    const target = await targetOf(monetization)
    const dueMs = clock.nowMs() + 5_000
    await credit(target, 1n)
    await until(async () => (await row()).processAt?.getTime() === dueMs)
    await until(() => clock.nextTimerMs() === clock.nowMs() + SCHEDULE_INTERVAL_MS)
    await clock.advance(4_000)
    await credit(target, 2n)
    await clock.advance(999)
    expect((await row()).processAt?.getTime()).toBe(dueMs)
    expect(await events()).toEqual([])
    await clock.advance(1)
    await untilEvents(1)
    expect((await events())[0]).toMatchObject({ withdrawalAmount: 3n })
  })

  it('is scheduled at the next start where a process died after the credit', async () => {
    await open(10n)
    const clock = createManualClock()
    const died = await start(clock, { WALLET_ADDRESS_WORKERS: 0 })
    await targetOf(died)
    await book(11n)
    await died.stop()
    const restarted = createManualClock()
    await start(restarted)
    await until(async () => {
      await restarted.advance(0)
      return (await events()).length === 1
    })
  })

  it('is told on demand: what is due, once, however many ask', async () => {
    await open(10n)
    const clock = createManualClock()
    const monetization = await start(clock, { WALLET_ADDRESS_WORKERS: 0 })
    const target = await targetOf(monetization)
    await credit(target, 10n)
    await until(async () => (await row()).processAt !== null)
    expect(await monetization.triggerEvents(5, nouns.backend.random.uuid())).toBe(0)
    const counts = await Promise.all([monetization.triggerEvents(5), monetization.triggerEvents(5)])
    expect(Math.max(...counts)).toBe(1)
    expect(await events()).toMatchObject([{ withdrawalAmount: 10n }])
    expect(await monetization.triggerEvents(5)).toBe(0)
  })
})
