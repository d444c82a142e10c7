import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest'
import { AccountCode } from '../../ledger/index.ts'
import type { AccountFlags } from '../../ledger/index.ts'
import { uuidToId } from '../../runtime/index.ts'
import { createTestNouns } from '../nouns.test-support.ts'
import type { TestNouns } from '../nouns.test-support.ts'
import { createPaymentsLab } from '../outgoing-payments/payments-lab.test-support.ts'
import type { TestNode } from '../outgoing-payments/node-process.test-support.ts'
import type { PaymentsLab } from '../outgoing-payments/payments-lab.test-support.ts'

describe('liquidity accounts', () => {
  let nouns: TestNouns

  beforeAll(async () => {
    nouns = await createTestNouns(inject('postgresUrl'))
  })
  afterAll(() => nouns.close())
  /** Of assets that only the ledger knows. */
  let lastForeignLedger = 60_000

  it.each<[string, AccountCode, number]>([
    ['web monetization', AccountCode.LIQUIDITY_WEB_MONETIZATION, 1],
    ['asset', AccountCode.LIQUIDITY_ASSET, 2],
    ['peer', AccountCode.LIQUIDITY_PEER, 3],
    ['incoming payment', AccountCode.LIQUIDITY_INCOMING, 4],
    ['outgoing payment', AccountCode.LIQUIDITY_OUTGOING, 5]
  ])('%s: has the contract’s code, its asset, and never owes', async (_, code, number) => {
    const asset = await nouns.createAsset()
    const id = nouns.backend.random.uuid()
    // Made once, however often and by whom it is asked for.
    for (const { liquidity } of [nouns.one, nouns.two, nouns.one])
      await liquidity.ensureAccount({ id, asset, code })
    const [account] = await nouns.ledger.lookupAccounts([uuidToId(id)])
    expect(account).toMatchObject({
      id: uuidToId(id),
      code: number,
      ledger: asset.ledger,
      userData128: uuidToId(asset.id),
      flags: { debitsMustNotExceedCredits: true, creditsMustNotExceedDebits: false }
    })
    const withdrawal = {
      id: nouns.backend.random.uuid(),
      accountId: id,
      asset,
      amount: 1n,
      timeoutSeconds: 0
    }
    expect(await nouns.one.liquidity.withdraw(withdrawal)).toMatchObject({ failure: 'InsufficientBalance' })
  })

  it.each<[string, { liquidity?: AccountFlags; settlement?: AccountFlags }]>([
    ['not linked, without history', { liquidity: {}, settlement: {} }],
    ['not linked, with history', { liquidity: { history: true }, settlement: { history: true } }],
    ['only its liquidity account', { liquidity: {} }],
    ['only its settlement account', { settlement: { history: true } }]
  ])('of an asset may have been made by others: %s', async (_, { liquidity, settlement }) => {
    const { ledger, one, backend } = nouns
    const asset = { ...(await nouns.createAsset()), id: backend.random.uuid(), ledger: ++lastForeignLedger }
    const [assetId, ledgerId] = [uuidToId(asset.id), BigInt(asset.ledger)]
    const common = { ledger: asset.ledger, userData128: assetId }
    const flags = { debitsMustNotExceedCredits: true, ...liquidity }
    const settlementFlags = { creditsMustNotExceedDebits: true, ...settlement }
    const made = [
      ...(liquidity ? [{ ...common, id: assetId, code: AccountCode.LIQUIDITY_ASSET, flags }] : []),
      ...(settlement
        ? [{ ...common, id: ledgerId, code: AccountCode.SETTLEMENT, flags: settlementFlags }]
        : [])
    ]
    expect(await ledger.createAccounts(made)).toEqual(made.map(() => 'ok'))
    const before = await ledger.lookupAccounts(made.map(({ id }) => id))
    for (let start = 0; start < 2; start += 1) await one.liquidity.ensureAssetAccounts(asset)
    expect(await ledger.lookupAccounts(made.map(({ id }) => id))).toEqual(before)
    expect(await ledger.lookupAccounts([assetId, ledgerId])).toMatchObject([
      { ...common, code: AccountCode.LIQUIDITY_ASSET, flags: { debitsMustNotExceedCredits: true } },
      { ...common, code: AccountCode.SETTLEMENT, flags: { creditsMustNotExceedDebits: true } }
    ])
  })

  it('of an asset are refused where one lacks its limit', async () => {
    const asset = {
      ...(await nouns.createAsset()),
      id: nouns.backend.random.uuid(),
      ledger: ++lastForeignLedger
    }
    await nouns.ledger.createAccounts([
      {
        id: uuidToId(asset.id),
        ledger: asset.ledger,
        code: AccountCode.LIQUIDITY_ASSET,
        userData128: uuidToId(asset.id)
      }
    ])
    await expect(nouns.one.liquidity.ensureAssetAccounts(asset)).rejects.toThrow(
      'exists_with_different_fields'
    )
  })

  it('are refused where another account has the id', async () => {
    const asset = await nouns.createAsset()
    const id = nouns.backend.random.uuid()
    await nouns.one.liquidity.ensureAccount({ id, asset, code: AccountCode.LIQUIDITY_PEER })
    const other = { id, asset, code: AccountCode.LIQUIDITY_OUTGOING }
    await expect(nouns.one.liquidity.ensureAccount(other)).rejects.toThrow('exists_with_different_fields')
  })

  it('balances count what is reserved, unknown accounts have none, settlement mirrors deposits and withdrawals', async () => {
    const { one, ledger, backend } = nouns
    const asset = await nouns.createAsset()
    const id = backend.random.uuid()
    expect(await one.liquidity.balances([id, asset.id])).toEqual([undefined, 0n])
    const transfer = { accountId: asset.id, asset }
    await one.liquidity.deposit({ ...transfer, id: backend.random.uuid(), amount: 100n })
    await one.liquidity.withdraw({ ...transfer, id: backend.random.uuid(), amount: 20n, timeoutSeconds: 0 })
    await one.liquidity.withdraw({ ...transfer, id: backend.random.uuid(), amount: 30n, timeoutSeconds: 60 })
    expect(await one.liquidity.balance(asset.id)).toBe(50n)
    const [liquidity, settlement] = await ledger.lookupAccounts([uuidToId(asset.id), BigInt(asset.ledger)])
    expect(liquidity).toMatchObject({ creditsPosted: 100n, debitsPosted: 20n, debitsPending: 30n })
    expect(settlement).toMatchObject({ debitsPosted: 100n, creditsPosted: 20n, creditsPending: 30n })
  })
})

describe('accounts of payments', () => {
  let lab: PaymentsLab
  let node: TestNode

  beforeAll(async () => {
    lab = await createPaymentsLab(inject('postgresUrl'))
    node = lab.createNode()
    await node.start()
  })
  afterAll(() => lab.close())

  const accountOf = async (id: string) => (await lab.ledger.lookupAccounts([uuidToId(id)]))[0]

  it('come into being when money first moves: of an incoming payment with its first packet, of an outgoing with its funding', async () => {
    const incoming = await lab.createLocalPayment(node, 500n)
    expect(await accountOf(incoming.id)).toBeUndefined()
    await node.incomingPayments.targets.resolve(incoming.id)
    expect(await accountOf(incoming.id)).toMatchObject({ code: 4, ledger: lab.eur.ledger })

    const outgoing = await lab.create(node, lab.remote.createPayment({ incomingAmount: 500n }))
    expect(await accountOf(outgoing.id)).toBeUndefined()
    await lab.fund(node, outgoing)
    expect(await accountOf(outgoing.id)).toMatchObject({ code: 5, ledger: lab.usd.ledger })
    expect(await lab.ended(outgoing.id)).toMatchObject({ state: 'COMPLETED' })
  })
})
