import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest'
import { uuidToId } from '../../runtime/index.ts'
import { isFailure } from '../model.ts'
import { createTestNouns, good, OTHER_TENANT } from '../nouns.test-support.ts'
import type { TestNouns } from '../nouns.test-support.ts'
import { OPERATOR_ID, until } from '../testing.ts'
import { createAssets } from './service.ts'

describe('assets', () => {
  let nouns: TestNouns
  let one: TestNouns['one']
  let two: TestNouns['two']
  let ledger: TestNouns['ledger']

  beforeAll(async () => {
    nouns = await createTestNouns(inject('postgresUrl'))
    ;({ one, two, ledger } = nouns)
  })
  afterAll(() => nouns.close())

  it('are known here at once and elsewhere by notification, with their accounts', async () => {
    const asset = await nouns.createAsset('USD', 2)
    expect(one.directory.byCodeAndScale(OPERATOR_ID, 'USD', 2)).toEqual(asset)
    await until(() => two.directory.get(asset.id) !== undefined)
    const [liquidity, settlement] = await ledger.lookupAccounts([uuidToId(asset.id), BigInt(asset.ledger)])
    expect(liquidity).toMatchObject({
      code: 2,
      ledger: asset.ledger,
      userData128: uuidToId(asset.id),
      flags: { debitsMustNotExceedCredits: true, linked: true, history: true }
    })
    expect(settlement).toMatchObject({
      code: 101,
      ledger: asset.ledger,
      userData128: uuidToId(asset.id),
      flags: { creditsMustNotExceedDebits: true, linked: false, history: true }
    })
    expect(await one.assets.create({ tenantId: OPERATOR_ID, code: 'USD', scale: 2 })).toMatchObject({
      failure: 'DuplicateAsset'
    })
  })

  it('are made once by racing callers', async () => {
    const results = await Promise.all(
      [one, two, one, two].map((part) =>
        part.assets.create({ tenantId: OPERATOR_ID, code: 'RACE', scale: 2 })
      )
    )
    expect(results.filter((result) => !isFailure(result))).toHaveLength(1)
    expect(results.filter((result) => isFailure(result) && result.failure === 'DuplicateAsset')).toHaveLength(
      3
    )
  })

  it('take one number of the ledger, however many ask for the same one at once', async () => {
    const sequence = async () => {
      const { rows } = await nouns.backend.database.knex.raw<{ rows: [{ last: bigint }] }>(
        'SELECT last_value AS last FROM assets_ledger_seq'
      )
      return rows[0].last
    }
    const before = await sequence()
    const code = nouns.unique('MANY')
    const asked = Array.from({ length: 30 }, (_, index) =>
      (index % 2 ? one : two).assets.create({ tenantId: OPERATOR_ID, code, scale: 2 })
    )
    expect((await Promise.all(asked)).filter((result) => !isFailure(result))).toHaveLength(1)
    expect((await sequence()) - before).toBe(1n)
  })

  it('are created while the ledger has numbers', async () => {
    const { knex } = nouns.backend.database
    const before = await knex.raw<{ rows: [{ last: bigint }] }>(
      'SELECT last_value AS last FROM assets_ledger_seq'
    )
    await knex.raw(`SELECT setval('assets_ledger_seq', 32767)`)
    try {
      const create = () => one.assets.create({ tenantId: OPERATOR_ID, code: nouns.unique('NONE'), scale: 2 })
      expect(await create()).toMatchObject({ failure: 'TooManyAssets' })
    } finally {
      await knex.raw(`SELECT setval('assets_ledger_seq', ?)`, [before.rows[0].last.toString()])
    }
  })

  it('of a tenant are created up to a limit of its own, which the operator has not', async () => {
    const { directory, liquidity } = one
    const before = directory.all().filter(({ tenantId }) => tenantId === OTHER_TENANT).length
    const assets = createAssets({ ...nouns.backend, directory, liquidity, maxAssetsPerTenant: before + 1 })
    const create = (tenantId: string) => assets.create({ tenantId, code: nouns.unique('OWN'), scale: 2 })
    good(await create(OTHER_TENANT))
    expect(await create(OTHER_TENANT)).toMatchObject({ failure: 'TooManyAssets' })
    good(await create(OPERATOR_ID))
    good(await create(OPERATOR_ID))
  })

  it('are created up to a limit', async () => {
    const maxAssets = one.directory.all().length + 1
    const { directory, liquidity } = one
    const assets = createAssets({ ...nouns.backend, directory, liquidity, maxAssets })
    const create = (code: string) => assets.create({ tenantId: OPERATOR_ID, code, scale: 2 })
    good(await create(nouns.unique('LAST')))
    expect(await create(nouns.unique('MORE'))).toMatchObject({ failure: 'TooManyAssets' })
  })

  it('keep a threshold that an update leaves out, and clear one that is null', async () => {
    const { id } = await nouns.createAsset()
    const tenantId = OPERATOR_ID
    good(
      await one.assets.update({ id, tenantId, liquidityThreshold: 2n ** 64n - 1n, withdrawalThreshold: 5n })
    )
    const updated = good(await one.assets.update({ id, tenantId, withdrawalThreshold: null }))
    expect(updated).toMatchObject({ liquidityThreshold: 2n ** 64n - 1n })
    expect(updated.withdrawalThreshold).toBeUndefined()
    expect(one.directory.get(id)).toEqual(updated)
    expect(await one.assets.update({ id, tenantId: OTHER_TENANT })).toMatchObject({
      failure: 'UnknownAsset'
    })
    expect(await one.assets.update({ id: 'x', tenantId })).toMatchObject({ failure: 'UnknownAsset' })
  })

  it('are deleted unless in use, and come back to life with what is asked', async () => {
    const asset = await nouns.createAsset()
    const gone = { id: asset.id, tenantId: OPERATOR_ID }
    const peer = good(await one.peers.create(nouns.peerInput(asset)))
    expect(await one.assets.delete(gone)).toMatchObject({ failure: 'CannotDeleteInUseAsset' })
    good(await one.peers.delete({ id: peer.id, tenantId: OPERATOR_ID }))
    good(await one.assets.delete(gone))
    expect(one.directory.byCodeAndScale(OPERATOR_ID, asset.code, 2)).toBeUndefined()
    expect(await one.assets.get(asset.id)).toBeUndefined()
    expect(await one.peers.create(nouns.peerInput(asset))).toMatchObject({ failure: 'UnknownAsset' })
    const revived = good(
      await one.assets.create({ tenantId: OPERATOR_ID, code: asset.code, scale: 2, liquidityThreshold: 7n })
    )
    expect(revived).toMatchObject({ id: asset.id, ledger: asset.ledger, liquidityThreshold: 7n })
  })
})
