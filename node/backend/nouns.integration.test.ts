import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest'
import { createManualClock } from '../runtime/index.ts'
import { loadBackendConfig } from './config.ts'
import { createIncarnation, INCARNATION_LEASE_MS, INCARNATION_RENEWAL_MS } from './incarnation.ts'
import { createTestNouns, good, OTHER_TENANT } from './nouns.test-support.ts'
import type { TestNouns } from './nouns.test-support.ts'
import { createTenantDirectory } from './tenants/directory.ts'
import { OPERATOR_ID, TEST_ENVIRONMENT, until } from './testing.ts'
import { createWalletAddresses } from './wallet-addresses/service.ts'

describe('the nouns', () => {
  let nouns: TestNouns
  let one: TestNouns['one']
  let two: TestNouns['two']
  let backend: TestNouns['backend']

  beforeAll(async () => {
    nouns = await createTestNouns(inject('postgresUrl'))
    ;({ one, two, backend } = nouns)
  })
  afterAll(() => nouns.close())

  describe('tenants', () => {
    it('has the operator with the secret of the environment, also after it changed', async () => {
      expect(one.tenants.operator).toMatchObject({
        id: OPERATOR_ID,
        apiSecret: 'secret',
        isOperator: true,
        settings: {
          ilpAddress: 'test.acacia',
          walletAddressUrl: 'https://localhost:3003',
          webhookMaxRetry: 10
        }
      })
      const later = createTenantDirectory({
        ...backend,
        config: { ...backend.config, ADMIN_API_SECRET: 'new' }
      })
      await later.start()
      expect(later.operator.apiSecret).toBe('new')
      await until(() => two.tenants.operator.apiSecret === 'new')
      await later.stop()
    })

    it('gives others their own settings, else the defaults', async () => {
      expect(one.tenants.get(OTHER_TENANT)).toMatchObject({
        isOperator: false,
        settings: { ilpAddress: `test.acacia.${OTHER_TENANT}`, webhookTimeoutMs: 2_000 }
      })
      expect(one.tenants.get(OTHER_TENANT)?.settings.walletAddressUrl).toBeUndefined()
      const now = new Date()
      await backend.database.knex('tenantSettings').insert({
        id: backend.random.orderedUuid(),
        tenantId: OTHER_TENANT,
        key: 'WEBHOOK_TIMEOUT',
        value: '5',
        createdAt: now,
        updatedAt: now
      })
      await one.tenants.refresh(OTHER_TENANT)
      expect(one.tenants.get(OTHER_TENANT)?.settings.webhookTimeoutMs).toBe(5)
    })
  })

  it('LOCAL_CACHE_DURATION_MS: so long a wallet address is as it was read, unless a change is told', async () => {
    const asset = await nouns.createAsset()
    const address = `https://localhost:3003/${nouns.unique('cached').toLowerCase()}`
    const { id } = good(
      await one.walletAddresses.create({
        tenantId: OPERATOR_ID,
        assetId: asset.id,
        address,
        publicName: 'old'
      })
    )
    for (const [LOCAL_CACHE_DURATION_MS, isOld] of [
      ['2000', true],
      ['900', false]
    ] as const) {
      const clock = createManualClock()
      const config = loadBackendConfig({ ...TEST_ENVIRONMENT, LOCAL_CACHE_DURATION_MS })
      const { directory: assets, tenants } = one
      const reader = createWalletAddresses({ ...backend, clock, config, assets, tenants })
      await backend.database.knex('walletAddresses').where({ id }).update({ publicName: 'old' })
      expect((await reader.byUrl(address))?.publicName).toBe('old')
      await backend.database.knex('walletAddresses').where({ id }).update({ publicName: 'new' })
      await clock.advance(1_000)
      expect((await reader.byUrl(address))?.publicName).toBe(isOld ? 'old' : 'new')
    }
  })

  describe('fees', () => {
    it('keep their history and apply the latest', async () => {
      const asset = await nouns.createAsset()
      const fee = { assetId: asset.id, type: 'SENDING' as const, fixed: 1n, basisPoints: 5 }
      expect(await one.fees.latest(asset.id, 'SENDING')).toBeUndefined()
      good(await one.fees.set(fee))
      const second = good(await one.fees.set({ ...fee, fixed: 2n ** 64n - 1n }))
      expect(await one.fees.latest(asset.id, 'SENDING')).toEqual(second)
      // Set in the same millisecond, the later one is in force all the same.
      await backend.database.knex('fees').where({ assetId: asset.id }).update({ createdAt: second.createdAt })
      expect(await one.fees.latest(asset.id, 'SENDING')).toEqual(second)
      expect(
        await one.fees.latestOf([
          { assetId: asset.id, type: 'RECEIVING' },
          { assetId: asset.id, type: 'SENDING' }
        ])
      ).toEqual([undefined, second])
      expect(await one.fees.latest(asset.id, 'RECEIVING')).toBeUndefined()
      expect((await one.fees.pages([asset.id], {}))[0]!.rows).toHaveLength(2)
      expect(await one.fees.set({ ...fee, fixed: -1n })).toMatchObject({ failure: 'InvalidFixedFee' })
      expect(await one.fees.set({ ...fee, basisPoints: 10_001 })).toMatchObject({
        failure: 'InvalidBasisPointFee'
      })
      expect(await one.fees.set({ ...fee, tenantId: OTHER_TENANT })).toMatchObject({
        failure: 'UnknownAsset'
      })
    })
  })

  describe('pages', () => {
    it('walk through a list both ways', async () => {
      const asset = await nouns.createAsset()
      const ids: string[] = []
      for (let index = 0; index < 5; index++)
        ids.push(
          good(await one.fees.set({ assetId: asset.id, type: 'SENDING', fixed: 0n, basisPoints: index })).id
        )
      const page = async (request: object) => {
        const [page] = await one.fees.pages([asset.id], { sortOrder: 'ASC', ...request })
        const { rows, hasNextPage, hasPreviousPage } = page!
        return [rows.map((fee) => ids.indexOf(fee.id)).join(''), hasPreviousPage, hasNextPage]
      }
      expect(await page({})).toEqual(['01234', false, false])
      expect(await page({ first: 2 })).toEqual(['01', false, true])
      expect(await page({ first: 2, after: ids[1] })).toEqual(['23', true, true])
      expect(await page({ first: 2, after: ids[3] })).toEqual(['4', true, false])
      expect(await page({ after: ids[4] })).toEqual(['', false, false])
      expect(await page({ last: 2, before: ids[4] })).toEqual(['23', true, true])
      expect(await page({ last: 2, before: ids[2] })).toEqual(['01', false, true])
      expect(await page({ before: ids[0] })).toEqual(['', false, false])
      expect(await page({ sortOrder: 'DESC', first: 2, after: ids[3] })).toEqual(['21', true, true])
      expect(await page({ sortOrder: 'DESC', last: 2, before: ids[0] })).toEqual(['21', true, true])
      expect(await page({ after: backend.random.uuid() })).toEqual(['', false, false])
      expect(await page({ after: 'nonsense' })).toEqual(['', false, false])
      await expect(page({ first: 101 })).rejects.toThrow('Pagination index error')
      await expect(page({ first: -1 })).rejects.toThrow('Pagination index error')
      await expect(page({ last: 1 })).rejects.toThrow("Can't paginate backwards from the start.")
    })
  })

  describe('incarnations', () => {
    it('count as dead when they ended, or were forgotten, and never otherwise', async () => {
      const living = createIncarnation(backend)
      const ended = createIncarnation(backend)
      await living.start()
      await ended.start()
      expect(await living.dead()).toEqual([])
      expect(await living.isAlone()).toBe(false)
      await living.forget(ended.id)
      await ended.stop()
      expect(await living.isAlone()).toBe(true)
      expect(await living.dead()).toEqual([ended.id])
      await living.forget(ended.id)
      expect(await living.dead()).toEqual([])
      await living.stop()
    })

    it('judge nobody for a lease after they could not renew their own: others met the same outage', async () => {
      const clock = createManualClock()
      let isDown = false
      const knex = ((table: string) => {
        if (isDown) throw new Error('no database')
        return backend.database.knex(table)
      }) as typeof backend.database.knex
      const one = createIncarnation({ ...backend, clock, database: { ...backend.database, knex } })
      const other = createIncarnation({ ...backend, clock })
      await one.start()
      await other.start()
      await other.stop()
      expect(await one.dead()).toContain(other.id)
      isDown = true
      await clock.advance(INCARNATION_RENEWAL_MS)
      isDown = false
      expect(await one.dead()).toEqual([])
      await clock.advance(INCARNATION_LEASE_MS)
      expect(await one.dead()).toContain(other.id)
      await one.stop()
    })
  })
})
