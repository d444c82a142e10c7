import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest'
import { LedgerUnavailableError } from '../../ledger/index.ts'
import type { NewTransfer } from '../../ledger/index.ts'
import { uuidToId } from '../../runtime/index.ts'
import { createTestNouns } from '../nouns.test-support.ts'
import type { TestNouns } from '../nouns.test-support.ts'
import { until } from '../testing.ts'
import { ABANDONED_AFTER_MS } from './service.ts'

describe('liquidity', () => {
  let nouns: TestNouns
  let one: TestNouns['one']
  let two: TestNouns['two']
  let backend: TestNouns['backend']
  let ledger: TestNouns['ledger']

  beforeAll(async () => {
    nouns = await createTestNouns(inject('postgresUrl'))
    ;({ one, two, backend, ledger } = nouns)
  })
  afterAll(() => nouns.close())

  const id = () => backend.random.uuid()

  it('deposits once under an id, whoever asks and how often', async () => {
    const asset = await nouns.createAsset()
    const deposit = { id: id(), accountId: asset.id, asset, amount: 100n }
    const results = await Promise.all([one, two, one, two].map((part) => part.liquidity.deposit(deposit)))
    expect(results.filter((result) => result === undefined)).toHaveLength(1)
    expect(results.filter((result) => result?.failure === 'TransferExists')).toHaveLength(3)
    expect(await one.liquidity.balance(asset.id)).toBe(100n)
    expect(await one.liquidity.deposit({ ...deposit, amount: 5n })).toMatchObject({
      failure: 'TransferExists'
    })
    expect(await one.liquidity.deposit({ ...deposit, id: id(), amount: 0n })).toMatchObject({
      failure: 'AmountZero'
    })
    expect(await one.liquidity.deposit({ ...deposit, id: 'x' })).toMatchObject({ failure: 'InvalidId' })
    expect(await one.liquidity.deposit({ ...deposit, id: id(), accountId: id() })).toMatchObject({
      failure: 'UnknownAccount'
    })
  })

  it('deposits once under an id, however many ask in the same moment', async () => {
    const asset = await nouns.createAsset()
    for (let round = 0; round < 10; round++) {
      const deposit = { id: id(), accountId: asset.id, asset, amount: 1n }
      const askers = Array.from({ length: 12 }, (_, number) => (number % 2 === 0 ? one : two))
      const results = await Promise.all(askers.map((part) => part.liquidity.deposit(deposit)))
      expect(results.filter((result) => result === undefined)).toHaveLength(1)
    }
    expect(await one.liquidity.balance(asset.id)).toBe(10n)
  })

  it('keeps the id of a webhook event for the account that the event is about', async () => {
    const asset = await nouns.createAsset()
    const other = await nouns.createAsset()
    const event = {
      id: id(),
      type: 'asset.liquidity_low',
      tenantId: asset.tenantId,
      assetId: asset.id,
      resourceKey: `asset:${asset.id}`,
      createdAt: new Date(),
      data: {
        id: asset.id,
        asset: { id: asset.id, code: asset.code, scale: asset.scale },
        liquidityThreshold: '5',
        balance: '0'
      }
    }
    await backend.database.knex('webhookEvents').insert(event)
    const deposit = (of: typeof asset) => ({ id: event.id, accountId: of.id, asset: of, amount: 9n })
    for (const process of [one, two]) {
      expect(await process.liquidity.deposit(deposit(other))).toMatchObject({ failure: 'TransferExists' })
    }
    expect(await one.liquidity.balance(other.id)).toBe(0n)
    expect(await one.liquidity.deposit(deposit(asset))).toBeUndefined()
    expect(await two.liquidity.deposit(deposit(other))).toMatchObject({ failure: 'TransferExists' })
    expect(await one.liquidity.balance(asset.id)).toBe(9n)
  })

  it('lets a refused withdrawal be asked again under its id', async () => {
    const asset = await nouns.createAsset()
    const withdrawal = { id: id(), accountId: asset.id, asset, amount: 10n, timeoutSeconds: 0 }
    for (let time = 0; time < 3; time++) {
      expect(await one.liquidity.withdraw(withdrawal)).toMatchObject({ failure: 'InsufficientBalance' })
    }
    await one.liquidity.deposit({ id: id(), accountId: asset.id, asset, amount: 10n })
    expect(await one.liquidity.withdraw(withdrawal)).toBeUndefined()
    expect(await one.liquidity.withdraw(withdrawal)).toMatchObject({ failure: 'TransferExists' })
    expect(await one.liquidity.balance(asset.id)).toBe(0n)
  })

  it('withdraws in two phases', async () => {
    const asset = await nouns.createAsset()
    await one.liquidity.deposit({ id: id(), accountId: asset.id, asset, amount: 10n })
    const posted = { id: id(), accountId: asset.id, asset, amount: 4n, timeoutSeconds: 60 }
    const voided = { ...posted, id: id(), amount: 6n }
    await one.liquidity.withdraw(posted)
    await one.liquidity.withdraw(voided)
    expect(await one.liquidity.balance(asset.id)).toBe(0n)
    const racing = await Promise.all([one, two].map((part) => part.liquidity.postWithdrawal(posted.id)))
    expect(racing.map((result) => result?.failure).sort()).toEqual(['AlreadyPosted', undefined])
    expect(await one.liquidity.voidWithdrawal(posted.id)).toMatchObject({ failure: 'AlreadyPosted' })
    expect(await one.liquidity.voidWithdrawal(voided.id)).toBeUndefined()
    expect(await one.liquidity.voidWithdrawal(voided.id)).toMatchObject({ failure: 'AlreadyVoided' })
    expect(await one.liquidity.postWithdrawal(voided.id)).toMatchObject({ failure: 'AlreadyVoided' })
    expect(await one.liquidity.postWithdrawal(id())).toMatchObject({ failure: 'UnknownTransfer' })
    expect(await one.liquidity.postWithdrawal('x')).toMatchObject({ failure: 'InvalidId' })
    expect(await one.liquidity.balance(asset.id)).toBe(6n)
    for (const { debitsPosted, creditsPosted, overdrawnAccountIds } of await ledger.totals()) {
      expect(debitsPosted).toBe(creditsPosted)
      expect(overdrawnAccountIds).toEqual([])
    }
  })

  it('repeats the identical record when the answer of the ledger is lost', async () => {
    const asset = await nouns.createAsset()
    const sent: NewTransfer[] = []
    nouns.interfere(async (transfers, pass) => {
      sent.push(...transfers)
      await pass()
      throw new LedgerUnavailableError('the answer was lost')
    })
    const deposit = { id: id(), accountId: asset.id, asset, amount: 9n }
    expect(await one.liquidity.deposit(deposit)).toBeUndefined()
    expect(await one.liquidity.balance(asset.id)).toBe(9n)
    expect(sent).toHaveLength(1)
  })

  it('finishes what a process left that died after the ledger had booked', async () => {
    const asset = await nouns.createAsset()
    await one.liquidity.deposit({ id: id(), accountId: asset.id, asset, amount: 9n })
    nouns.interfere(async (_transfers, pass) => {
      await pass()
      throw new Error('the process dies')
    })
    const withdrawal = { id: id(), accountId: asset.id, asset, amount: 9n, timeoutSeconds: 60 }
    await expect(one.liquidity.withdraw(withdrawal)).rejects.toThrow('dies')
    expect(await two.liquidity.withdraw(withdrawal)).toBeUndefined()
    expect(await two.liquidity.withdraw(withdrawal)).toMatchObject({ failure: 'TransferExists' })

    nouns.interfere(async (_transfers, pass) => {
      await pass()
      throw new Error('the process dies')
    })
    await expect(one.liquidity.postWithdrawal(withdrawal.id)).rejects.toThrow('dies')
    expect(await two.liquidity.postWithdrawal(withdrawal.id)).toBeUndefined()
    expect(await one.liquidity.balance(asset.id)).toBe(0n)
  })

  describe('left unfinished by a process that died, and asked again with other terms', () => {
    type Terms = { amount?: bigint; timeoutSeconds?: number }

    /** A withdrawal of 4 of 10, at once, whose process died before the ledger heard of it, or after. */
    async function leave(isBooked: boolean, terms: Terms = {}, held = 10n) {
      const asset = await nouns.createAsset()
      if (held > 0n) await one.liquidity.deposit({ id: id(), accountId: asset.id, asset, amount: held })
      nouns.interfere(async (_transfers, pass) => {
        if (isBooked) await pass()
        throw new Error('the process dies')
      })
      const withdrawal = { id: id(), accountId: asset.id, asset, amount: 4n, timeoutSeconds: 0, ...terms }
      await expect(one.liquidity.withdraw(withdrawal)).rejects.toThrow('dies')
      return withdrawal
    }
    const balance = ({ accountId }: { accountId: string }) => one.liquidity.balance(accountId)
    /** So much time passed that whoever began it is gone. */
    const abandon = ({ id }: { id: string }) =>
      backend.database
        .knex('liquidityTransfers')
        .where({ id })
        .update({ createdAt: new Date(backend.clock.nowMs() - ABANDONED_AFTER_MS) })

    it.each([
      ['another amount', { amount: 5n }],
      ['another timeout', { timeoutSeconds: 60 }]
    ])(
      'with %s: the first terms count, what exists is booked, and who asked first is told so',
      async (_, terms) => {
        for (const isBooked of [false, true]) {
          const withdrawal = await leave(isBooked)
          expect(await two.liquidity.withdraw({ ...withdrawal, ...terms })).toMatchObject({
            failure: 'TransferExists'
          })
          // It exists, as was said.
          expect(await balance(withdrawal)).toBe(6n)
          expect(await two.liquidity.withdraw(withdrawal)).toBeUndefined()
          expect(await two.liquidity.withdraw(withdrawal)).toMatchObject({ failure: 'TransferExists' })
          expect(await balance(withdrawal)).toBe(6n)
        }
      }
    )

    it('as a deposit, or for another account: it is not their business', async () => {
      const withdrawal = await leave(false)
      expect(await two.liquidity.deposit(withdrawal)).toMatchObject({ failure: 'TransferExists' })
      const { asset } = await leave(false)
      expect(await two.liquidity.withdraw({ ...withdrawal, accountId: asset.id, asset })).toMatchObject({
        failure: 'TransferExists'
      })
      expect(await balance(withdrawal)).toBe(10n)
      expect(await two.liquidity.withdraw(withdrawal)).toBeUndefined()
    })

    it('is done on the new terms where the ledger refused the first', async () => {
      const withdrawal = await leave(true, { timeoutSeconds: 60 }, 0n)
      const { accountId, asset } = withdrawal
      await one.liquidity.deposit({ id: id(), accountId, asset, amount: 3n })
      expect(await two.liquidity.withdraw({ ...withdrawal, amount: 3n, timeoutSeconds: 0 })).toBeUndefined()
      expect(await balance(withdrawal)).toBe(0n)
    })

    it('is posted or voided whoever began it, and done on the new terms once it is voided', async () => {
      const withdrawal = await leave(false, { timeoutSeconds: 60 })
      const atOnce = { ...withdrawal, timeoutSeconds: 0 }
      expect(await two.liquidity.withdraw(atOnce)).toMatchObject({ failure: 'TransferExists' })
      expect(await two.liquidity.voidWithdrawal(withdrawal.id)).toBeUndefined()
      expect(await balance(withdrawal)).toBe(10n)
      expect(await two.liquidity.withdraw(atOnce)).toBeUndefined()
      expect(await balance(withdrawal)).toBe(6n)
    })

    it('is done on the new terms once the first lapsed, though nobody comes back for them', async () => {
      const withdrawal = await leave(true, { timeoutSeconds: 1 })
      const atOnce = { ...withdrawal, timeoutSeconds: 0 }
      expect(await two.liquidity.withdraw(atOnce)).toMatchObject({ failure: 'TransferExists' })
      await until(async () => (await ledger.pendingStates([uuidToId(withdrawal.id)]))[0] === 'expired')
      await abandon(withdrawal)
      expect(await two.liquidity.withdraw(atOnce)).toBeUndefined()
      expect(await balance(withdrawal)).toBe(6n)
    })
  })

  it.each([
    ['voided', 'voidWithdrawal', 'postWithdrawal', 'AlreadyVoided', 9n],
    ['posted', 'postWithdrawal', 'voidWithdrawal', 'AlreadyPosted', 0n]
  ] as const)(
    'says that a withdrawal is %s though the process died that did it, before it wrote so',
    async (_, step, otherStep, refusal, left) => {
      const asset = await nouns.createAsset()
      await one.liquidity.deposit({ id: id(), accountId: asset.id, asset, amount: 9n })
      const withdrawal = { id: id(), accountId: asset.id, asset, amount: 9n, timeoutSeconds: 60 }
      await one.liquidity.withdraw(withdrawal)
      nouns.interfere(async (_transfers, pass) => {
        await pass()
        throw new Error('the process dies')
      })
      await expect(one.liquidity[step](withdrawal.id)).rejects.toThrow('dies')
      expect(await two.liquidity[otherStep](withdrawal.id)).toMatchObject({ failure: refusal })
      expect(await two.liquidity[step](withdrawal.id)).toBeUndefined()
      expect(await two.liquidity.balance(asset.id)).toBe(left)
    }
  )

  it('asks afresh where a process died between the refusal and its row', async () => {
    const asset = await nouns.createAsset()
    nouns.interfere(async (_transfers, pass) => {
      await pass()
      throw new Error('the process dies')
    })
    const withdrawal = { id: id(), accountId: asset.id, asset, amount: 9n, timeoutSeconds: 0 }
    await expect(one.liquidity.withdraw(withdrawal)).rejects.toThrow('dies')
    await one.liquidity.deposit({ id: id(), accountId: asset.id, asset, amount: 9n })
    expect(await two.liquidity.withdraw(withdrawal)).toBeUndefined()
    expect(await one.liquidity.balance(asset.id)).toBe(0n)
  })

  it('says so when a two-phase withdrawal lapsed', async () => {
    const asset = await nouns.createAsset()
    await one.liquidity.deposit({ id: id(), accountId: asset.id, asset, amount: 9n })
    const withdrawal = { id: id(), accountId: asset.id, asset, amount: 9n, timeoutSeconds: 1 }
    await one.liquidity.withdraw(withdrawal)
    await until(async () => (await ledger.pendingStates([uuidToId(withdrawal.id)]))[0] === 'expired')
    expect(await one.liquidity.postWithdrawal(withdrawal.id)).toMatchObject({ failure: 'TransferExpired' })
  })
})
