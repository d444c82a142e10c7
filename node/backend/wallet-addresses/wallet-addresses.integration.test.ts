import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest'
import type { Asset } from '../assets/model.ts'
import { createTestNouns, good, OTHER_TENANT } from '../nouns.test-support.ts'
import type { TestNouns } from '../nouns.test-support.ts'
import { OPERATOR_ID, until } from '../testing.ts'
import type { WalletAddress } from './model.ts'

describe('wallet addresses', () => {
  let nouns: TestNouns
  let one: TestNouns['one']
  let two: TestNouns['two']
  let backend: TestNouns['backend']

  beforeAll(async () => {
    nouns = await createTestNouns(inject('postgresUrl'))
    ;({ one, two, backend } = nouns)
  })
  afterAll(() => nouns.close())

  async function create(asset: Asset, address = nouns.unique('alice')): Promise<WalletAddress> {
    return good(await one.walletAddresses.create({ tenantId: OPERATOR_ID, assetId: asset.id, address }))
  }

  it('are found by their URL in any letter case, and only once', async () => {
    const asset = await nouns.createAsset()
    const created = await create(asset, 'Alice')
    expect(created).toMatchObject({ address: 'https://localhost:3003/alice', isActive: true, asset })
    expect(await one.walletAddresses.byUrl('https://LOCALHOST:3003/ALICE')).toEqual(created)
    expect(await two.walletAddresses.byUrl('https://localhost:3003/alice')).toEqual(created)
    expect(await one.walletAddresses.byUrl('https://localhost:3003/nobody')).toBeUndefined()
    expect(await one.walletAddresses.byUrl('nonsense')).toBeUndefined()
    const input = { tenantId: OPERATOR_ID, assetId: asset.id, address: 'https://localhost:3003/aLICE' }
    expect(await one.walletAddresses.create(input)).toMatchObject({ failure: 'DuplicateWalletAddress' })
    expect(await one.walletAddresses.create({ ...input, assetId: OPERATOR_ID })).toMatchObject({
      failure: 'UnknownAsset'
    })
    expect(await one.walletAddresses.create({ ...input, tenantId: OTHER_TENANT })).toMatchObject({
      failure: 'WalletAddressSettingNotFound'
    })
    expect(await one.walletAddresses.create({ ...input, address: 'http://localhost:3003/x' })).toMatchObject({
      failure: 'InvalidUrl'
    })
  })

  it('change here at once and elsewhere by notification', async () => {
    const { id, address } = await create(await nouns.createAsset())
    await two.walletAddresses.byUrl(address)
    good(await one.walletAddresses.update({ id, publicName: 'Alice' }))
    expect(await one.walletAddresses.byUrl(address)).toMatchObject({ publicName: 'Alice' })
    await until(async () => (await two.walletAddresses.byUrl(address))?.publicName === 'Alice')
    expect(await one.walletAddresses.update({ id, tenantId: OTHER_TENANT })).toMatchObject({
      failure: 'UnknownWalletAddress'
    })
  })

  it('end their open incoming payments after the grace period when deactivated', async () => {
    const { id, asset } = await create(await nouns.createAsset())
    const now = backend.clock.nowMs()
    const graceMs = backend.config.WALLET_ADDRESS_DEACTIVATION_PAYMENT_GRACE_PERIOD_MS
    const payment = (expiresMs: number, state = 'PENDING') => ({
      id: backend.random.orderedUuid(),
      walletAddressId: id,
      assetId: asset.id,
      tenantId: OPERATOR_ID,
      state,
      expiresAt: new Date(expiresMs),
      processAt: new Date(expiresMs),
      initiatedBy: 'ADMIN',
      createdAt: new Date(now),
      updatedAt: new Date(now)
    })
    const rows = [
      payment(now + graceMs * 2),
      payment(now + 1_000_000),
      payment(now + graceMs * 2, 'COMPLETED')
    ]
    await backend.database.knex('incomingPayments').insert(rows)
    const told: string[] = []
    const unlisten = await backend.database.listen('incoming_payment_changed', (payload) =>
      told.push(payload)
    )
    const inactive = good(await one.walletAddresses.update({ id, status: 'INACTIVE' }))
    expect(inactive.isActive).toBe(false)
    const found = await backend.database.knex('incomingPayments').where({ walletAddressId: id }).orderBy('id')
    const times = found.map(({ expiresAt, processAt }) => [expiresAt.getTime(), processAt.getTime()])
    const deactivatedMs = inactive.deactivatedAt!.getTime()
    expect(times[0]).toEqual([times[0]![0], times[0]![0]])
    expect(times[0]![0]).toBeGreaterThanOrEqual(deactivatedMs + graceMs)
    expect(times[0]![0]).toBeLessThan(deactivatedMs + graceMs + 1_000)
    expect(times[1]).toEqual([now + 1_000_000, now + 1_000_000])
    expect(times[2]).toEqual([now + graceMs * 2, now + graceMs * 2])
    await until(() => told.length > 0)
    expect(told).toEqual([rows[0]!.id])
    await unlisten()
    expect(good(await one.walletAddresses.update({ id, status: 'ACTIVE' })).isActive).toBe(true)
  })

  it('have properties, trimmed, without blank ones, replaced as a whole', async () => {
    const asset = await nouns.createAsset()
    const property = (key: string, value: string) => ({ key, value, visibleInOpenPayments: true })
    const { id } = good(
      await one.walletAddresses.create({
        tenantId: OPERATOR_ID,
        assetId: asset.id,
        address: nouns.unique('bob'),
        additionalProperties: [property(' iban ', ' NL '), property('blank', ' '), property('', 'x')]
      })
    )
    expect(await one.walletAddresses.additionalProperties(id)).toEqual([property('iban', 'NL')])
    good(await one.walletAddresses.update({ id, additionalProperties: [property('a', 'b')] }))
    expect(await one.walletAddresses.additionalProperties(id)).toEqual([property('a', 'b')])
  })

  it('have keys, unique among those not revoked', async () => {
    const { id } = await create(await nouns.createAsset())
    const jwk = { kid: 'k', x: 'x', alg: 'EdDSA', kty: 'OKP', crv: 'Ed25519' } as const
    const key = good(await one.walletAddresses.addKey({ walletAddressId: id, jwk }))
    expect(await one.walletAddresses.addKey({ walletAddressId: id, jwk })).toMatchObject({
      failure: 'DuplicateKey'
    })
    expect(await one.walletAddresses.activeKeys(id)).toEqual([key])
    expect(await one.walletAddresses.revokeKey({ id: key.id, tenantId: OTHER_TENANT })).toMatchObject({
      failure: 'UnknownKey'
    })
    expect(good(await one.walletAddresses.revokeKey({ id: key.id })).revoked).toBe(true)
    expect(await one.walletAddresses.activeKeys(id)).toEqual([])
    good(await one.walletAddresses.addKey({ walletAddressId: id, jwk }))
    expect((await one.walletAddresses.keyPages([id], {}))[0]!.rows).toHaveLength(2)
  })

  it('have keys and properties that change here at once and elsewhere by notification', async () => {
    const { id } = await create(await nouns.createAsset())
    const jwk = { kid: 'k', x: 'x', alg: 'EdDSA', kty: 'OKP', crv: 'Ed25519' } as const
    const kids = async (process: typeof one) =>
      (await process.walletAddresses.activeKeys(id)).map((key) => key.jwk.kid)
    expect([await kids(one), await kids(two)]).toEqual([[], []])
    const key = good(await one.walletAddresses.addKey({ walletAddressId: id.toUpperCase(), jwk }))
    expect(await kids(one)).toEqual(['k'])
    await until(async () => (await kids(two)).length === 1)
    good(await one.walletAddresses.revokeKey({ id: key.id }))
    expect(await kids(one)).toEqual([])
    await until(async () => (await kids(two)).length === 0)

    const property = { key: 'iban', value: 'NL', visibleInOpenPayments: true }
    expect(await two.walletAddresses.additionalProperties(id)).toEqual([])
    good(await one.walletAddresses.update({ id, additionalProperties: [property] }))
    expect(await one.walletAddresses.additionalProperties(id)).toEqual([property])
    await until(async () => (await two.walletAddresses.additionalProperties(id)).length === 1)
  })
})
