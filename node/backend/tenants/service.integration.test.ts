import { afterAll, beforeAll, beforeEach, describe, expect, inject, it } from 'vitest'
import { startTestAuth } from '../../auth/testing.ts'
import type { AuthHarness } from '../../auth/testing.ts'
import { createHttpClient, HttpClientError } from '../../runtime/index.ts'
import type { HttpClient, HttpRequest, HttpResponse } from '../../runtime/index.ts'
import { createAssetDirectory } from '../assets/directory.ts'
import { good } from '../nouns.test-support.ts'
import { createTestBackend, OPERATOR_ID, until } from '../testing.ts'
import type { TestBackend } from '../testing.ts'
import { createWalletAddresses } from '../wallet-addresses/service.ts'
import { createTenantDirectory } from './directory.ts'
import { CALL_MS, createTenants, RETRY_MS } from './service.ts'

/** What happens to a request to the authorization server instead of its plain way there. */
type Interference = (pass: () => Promise<HttpResponse>, request: HttpRequest) => Promise<HttpResponse>

const lost = new HttpClientError('ECONNRESET', 'the answer was lost')
const loseAnswer: Interference = async (pass) => {
  await pass()
  throw lost
}
const loseRequest: Interference = async () => {
  throw lost
}

describe('tenants in two databases', () => {
  let backend: TestBackend
  let auth: AuthHarness
  let http: HttpClient
  let interferences: Interference[] = []
  let one: Awaited<ReturnType<typeof startProcess>>
  const stops: (() => Promise<void>)[] = []

  /** The tenants of one process, whose clock is ahead by so much. */
  async function startProcess(aheadMs = 0, maxTenants?: number) {
    const clock = { ...backend.clock, nowMs: () => backend.clock.nowMs() + aheadMs }
    const config = { ...backend.config, AUTH_SERVICE_API_URL: auth.url('serviceApi', '') }
    const parts = { ...backend, clock, config, database: backend.openDatabase() }
    const directory = createTenantDirectory(parts)
    await directory.start()
    const httpClient = {
      request(request: HttpRequest) {
        const pass = () => http.request(request)
        const interference = interferences.shift()
        return interference ? interference(pass, request) : pass()
      }
    }
    const service = createTenants({ ...parts, directory, httpClient, maxTenants })
    await service.start()
    const stop = async () => {
      await service.stop()
      await directory.stop()
    }
    stops.push(stop)
    return { service, directory, config, stop }
  }

  beforeAll(async () => {
    auth = await startTestAuth(inject('postgresUrl'))
    backend = await createTestBackend(inject('postgresUrl'))
    http = createHttpClient(backend.runtime)
    one = await startProcess()
  })
  beforeEach(() => {
    interferences = []
  })
  afterAll(async () => {
    for (const stop of stops) await stop()
    await http.close()
    await backend.close()
    await auth.close()
  })

  const newId = () => backend.random.uuid()
  const input = (extra: object = {}) => ({ id: newId(), apiSecret: 'secret', ...extra })
  const rowOf = async (id: string) =>
    (await backend.database
      .knex('tenants')
      .where({ id })
      .first('state', 'revision', 'pending', 'processAt')) as
      { state: string; revision: number; pending: unknown; processAt: Date | null } | undefined
  const atAuth = async (id: string) =>
    (await auth.sql('SELECT "apiSecret", "idpConsentUrl", "deletedAt" FROM tenants WHERE id = ?', [id]))[0]
  const settingsOf = async (id: string) => {
    const rows = (await backend.database
      .knex('tenantSettings')
      .where({ tenantId: id })
      .whereNull('deletedAt')
      .select('key', 'value')) as { key: string; value: string }[]
    return Object.fromEntries(rows.map(({ key, value }) => [key, value]))
  }

  describe('created', () => {
    it('are so many at most: further ones are written nowhere, the same call again finds its tenant', async () => {
      const { rows } = await backend.database.knex.raw<{ rows: [{ count: string }] }>(
        'SELECT count(*) FROM tenants'
      )
      const limited = await startProcess(0, Number(rows[0].count) + 1)
      const [last, more] = [input(), input()]
      good(await limited.service.create(last))
      expect(await limited.service.create(more)).toMatchObject({ failure: 'TooManyTenants' })
      expect(await rowOf(more.id)).toBeUndefined()
      expect(await atAuth(more.id)).toBeUndefined()
      expect(good(await limited.service.create(last)).id).toBe(last.id)
    })

    it('are known to both servers, with the defaults and what they were given over them', async () => {
      const values = input({ idpConsentUrl: 'https://idp.test/', idpSecret: 'idp', email: 'a@b.c' })
      const settings = [{ key: 'WEBHOOK_TIMEOUT' as const, value: '9' }]
      const created = good(await one.service.create({ ...values, settings }))
      expect(created).toMatchObject(values)
      expect(await atAuth(values.id)).toMatchObject({
        apiSecret: 'secret',
        idpConsentUrl: 'https://idp.test/'
      })
      expect(await settingsOf(values.id)).toEqual({
        WEBHOOK_TIMEOUT: '9',
        WEBHOOK_MAX_RETRY: '10',
        ILP_ADDRESS: `test.acacia.${values.id}`
      })
      const own = good(
        await one.service.create(input({ settings: [{ key: 'ILP_ADDRESS', value: 'test.own' }] }))
      )
      expect(own.settings).toMatchObject({
        ilpAddress: 'test.own',
        webhookTimeoutMs: 2_000,
        webhookMaxRetry: 10
      })
      expect(one.directory.get(values.id)).toEqual(created)
    })

    it('are there once though the answer is lost, within the call', async () => {
      const values = input()
      interferences = [loseAnswer]
      expect(await one.service.create(values)).toMatchObject({ id: values.id })
      expect(await rowOf(values.id)).toMatchObject({ state: 'ACTIVE', processAt: null })
      expect(await one.service.create(values)).toMatchObject({ id: values.id })
      expect(await one.service.create({ ...values, apiSecret: 'other' })).toMatchObject({
        failure: 'DuplicateTenant'
      })
    })

    it.each<[string, Interference]>([
      ['requests do not arrive', loseRequest],
      ['answers are lost', loseAnswer]
    ])('are in no list while %s, and there as soon as the authorization server answers', async (_, lose) => {
      const values = input()
      interferences = [lose, lose]
      expect(await one.service.create(values)).toMatchObject({
        failure: 'NotCreated',
        details: { tenantId: values.id }
      })
      expect(await rowOf(values.id)).toMatchObject({ state: 'CREATING' })
      expect(one.directory.get(values.id)).toBeUndefined()
      const { rows } = await one.service.page({ first: 100 })
      expect(rows.map(({ id }) => id)).not.toContain(values.id)
      expect(await one.service.update(values.id, { email: 'x' })).toMatchObject({ failure: 'NotUpdated' })
      const later = await startProcess(RETRY_MS + CALL_MS)
      await until(
        () => later.directory.get(values.id) !== undefined && one.directory.get(values.id) !== undefined
      )
      expect(await rowOf(values.id)).toMatchObject({ state: 'ACTIVE', processAt: null })
      expect(await atAuth(values.id)).toMatchObject({ apiSecret: 'secret', deletedAt: null })
      await later.stop()
    })

    it('are finished by another process where theirs dies before or after the answer', async () => {
      for (const reached of [false, true]) {
        const values = input({ settings: [{ key: 'WEBHOOK_MAX_RETRY', value: '3' }] })
        let died: (() => void) | undefined
        const death = new Promise<void>((resolve) => (died = resolve))
        // A process that is gone never hears the answer.
        interferences = [
          async (pass) => {
            if (reached) await pass()
            died?.()
            return new Promise<never>(() => undefined)
          }
        ]
        void one.service.create(values)
        await death
        const other = await startProcess(CALL_MS + 1)
        await until(() => other.directory.get(values.id) !== undefined)
        expect(other.directory.get(values.id)?.settings.webhookMaxRetry).toBe(3)
        expect(await atAuth(values.id)).toMatchObject({ apiSecret: 'secret' })
        await other.stop()
      }
    })

    it('are gone without a trace where the authorization server refuses them', async () => {
      const values = input({ settings: [{ key: 'WALLET_ADDRESS_URL', value: 'https://refused.test' }] })
      await auth.send('serviceApi', 'POST', '/tenant', { body: { id: values.id, apiSecret: 'of another' } })
      expect(await one.service.create(values)).toMatchObject({ failure: 'DuplicateTenant' })
      expect(await rowOf(values.id)).toBeUndefined()
      expect(await settingsOf(values.id)).toEqual({})
      expect(await one.service.create({ ...values, id: newId() })).not.toHaveProperty('failure')
    })

    it('once by callers at once with one id', async () => {
      const values = input()
      const created = await Promise.all([1, 2, 3].map(() => one.service.create(values)))
      for (const tenant of created) expect(tenant).toMatchObject({ id: values.id })
    })

    it('are refused whole where a value or a setting is wrong', async () => {
      const cases: [object, string][] = [
        [{ id: 'x' }, 'InvalidTenantId'],
        [{ email: 'a'.repeat(256) }, 'InvalidTenant'],
        [{ apiSecret: '' }, 'InvalidTenant'],
        [{ publicName: 'a\0b' }, 'InvalidTenant'],
        [{ idpConsentUrl: 'javascript:alert(1)' }, 'InvalidTenant'],
        [{ settings: [{ key: 'WEBHOOK_TIMEOUT', value: '0' }] }, 'InvalidSetting'],
        [
          { settings: [{ key: 'WALLET_ADDRESS_URL', value: backend.config.OPEN_PAYMENTS_URL }] },
          'DuplicateWalletAddressUrl'
        ]
      ]
      for (const [extra, failure] of cases) {
        const values = { ...input(), ...extra }
        interferences = [() => Promise.reject(new Error('nobody is to be told'))]
        expect(await one.service.create(values)).toMatchObject({ failure })
        if (values.id !== 'x') expect(await rowOf(values.id)).toBeUndefined()
      }
    })
  })

  describe('changed', () => {
    it('at the authorization server first where it has to know: a lost answer is asked for again', async () => {
      const { id } = good(await one.service.create(input({ email: 'old' })))
      interferences = [loseAnswer]
      expect(await one.service.update(id, { apiSecret: 'new', email: null })).toMatchObject({
        apiSecret: 'new'
      })
      expect(await atAuth(id)).toMatchObject({ apiSecret: 'new' })
      expect(one.directory.get(id)).not.toHaveProperty('email')
      interferences = [() => Promise.reject(new Error('nobody is to be told'))]
      expect(await one.service.update(id, { publicName: 'Acacia' })).toMatchObject({ publicName: 'Acacia' })
    })

    it('not yet while the answer is out, and before any later change', async () => {
      const { id } = good(await one.service.create(input()))
      interferences = [loseRequest, loseAnswer]
      expect(await one.service.update(id, { apiSecret: 'second' })).toMatchObject({
        failure: 'UpdateAwaited',
        message: expect.stringContaining('it is told again until it answers') as string
      })
      expect(one.directory.get(id)?.apiSecret).toBe('secret')
      expect(await rowOf(id)).toMatchObject({ state: 'UPDATING', revision: 2 })
      expect(await one.service.update(id, { idpSecret: 'idp' })).toMatchObject({
        apiSecret: 'second',
        idpSecret: 'idp'
      })
      expect(await rowOf(id)).toMatchObject({ state: 'ACTIVE', revision: 3, pending: null })
      expect(await atAuth(id)).toMatchObject({ apiSecret: 'second' })
    })

    it('and a later change is not made, rather than forgotten, while an earlier one cannot be told', async () => {
      const { id } = good(await one.service.create(input()))
      interferences = [loseRequest, loseRequest, loseRequest, loseRequest]
      const awaited = await one.service.update(id, { apiSecret: 'second' })
      expect(awaited).toMatchObject({ failure: 'UpdateAwaited' })
      const pending = await one.service.update(id, { email: 'new@example.com' })
      expect(pending).toMatchObject({ failure: 'UpdatePending' })
      // Where the authorization server listens is nobody's business.
      const told = JSON.stringify([awaited, pending])
      expect(told).not.toContain('127.0.0.1')
      expect(told).not.toContain(lost.message)
      expect(await one.service.update(id, { email: 'new@example.com' })).toMatchObject({
        apiSecret: 'second',
        email: 'new@example.com'
      })
    })

    it('and an older change that arrives late changes nothing', async () => {
      const { id } = good(await one.service.create(input()))
      let late: HttpRequest | undefined
      interferences = [
        async (pass, request) => {
          late = request
          return pass()
        }
      ]
      good(await one.service.update(id, { apiSecret: 'second' }))
      good(await one.service.update(id, { apiSecret: 'third' }))
      expect((await http.request(late!)).status).toBe(204)
      expect(await atAuth(id)).toMatchObject({ apiSecret: 'third' })
    })

    it('each once: an answer that comes late ends no later change', async () => {
      const { id } = good(await one.service.create(input()))
      const [reached, released] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()]
      interferences = [
        async (pass) => {
          const answer = await pass()
          reached.resolve()
          await released.promise
          return answer
        }
      ]
      const slow = one.service.update(id, { apiSecret: 'second' })
      await reached.promise
      const other = await startProcess(CALL_MS + 1)
      await until(() => other.directory.get(id)?.apiSecret === 'second')
      await other.stop()
      interferences = [loseRequest, loseRequest]
      expect(await one.service.update(id, { apiSecret: 'third' })).toMatchObject({ failure: 'UpdateAwaited' })
      released.resolve()
      expect(await slow).toMatchObject({ apiSecret: 'second' })
      expect(await rowOf(id)).toMatchObject({
        state: 'UPDATING',
        revision: 3,
        pending: { apiSecret: 'third' }
      })
    })

    it('not at all where the authorization server refuses', async () => {
      const { id } = good(await one.service.create(input()))
      await auth.sql('DELETE FROM tenants WHERE id = ?', [id])
      expect(await one.service.update(id, { apiSecret: 'new', email: 'new' })).toMatchObject({
        failure: 'NotUpdated'
      })
      expect(one.directory.get(id)).toMatchObject({ apiSecret: 'secret' })
      expect(one.directory.get(id)).not.toHaveProperty('email')
      expect(await rowOf(id)).toMatchObject({ state: 'ACTIVE', pending: null })
    })
  })

  describe('deleted', () => {
    it('lose all settings, and are known as deleted by both servers and every process', async () => {
      const { id } = good(await one.service.create(input()))
      const other = await startProcess()
      expect(await one.service.delete(id)).toBeUndefined()
      expect(await settingsOf(id)).toEqual({})
      expect(await atAuth(id)).toMatchObject({ deletedAt: expect.any(Date) as Date })
      expect(one.directory.get(id)?.deletedAt).toBeInstanceOf(Date)
      await until(() => other.directory.get(id)?.deletedAt !== undefined)
      expect(await one.service.delete(id)).toMatchObject({ failure: 'NotDeleted' })
      expect(await one.service.update(id, { email: 'x' })).toMatchObject({ failure: 'NotUpdated' })
      expect(await one.service.set(id, [])).toMatchObject({ failure: 'TenantNotFound' })
      const { rows } = await one.service.page({ first: 100 })
      expect(rows.find((tenant) => tenant.id === id)?.deletedAt).toBeInstanceOf(Date)
      await other.stop()
    })

    it.each<[string, Interference]>([
      ['it never heard of', loseRequest],
      ['it heard of', loseAnswer]
    ])('also one that is still being created, and that %s', async (_, lose) => {
      const values = input()
      interferences = [lose, lose]
      expect(await one.service.create(values)).toMatchObject({ failure: 'NotCreated' })
      expect(await one.service.delete(values.id)).toBeUndefined()
      expect(await rowOf(values.id)).toMatchObject({ state: 'DELETED', processAt: null })
      expect(await one.service.create(values)).toMatchObject({ failure: 'DuplicateTenant' })
    })

    it('later, where its creation is being told at this moment', async () => {
      const values = input()
      const reached = Promise.withResolvers<void>()
      const released = Promise.withResolvers<void>()
      interferences = [
        async (pass) => {
          reached.resolve()
          await released.promise
          return pass()
        }
      ]
      const creating = one.service.create(values)
      await reached.promise
      expect(await one.service.delete(values.id)).toMatchObject({ failure: 'DeletionAwaited' })
      released.resolve()
      await creating
      const later = await startProcess(CALL_MS + 1)
      await until(async () => (await rowOf(values.id))?.state === 'DELETED')
      expect(await atAuth(values.id)).toMatchObject({ deletedAt: expect.any(Date) as Date })
      await later.stop()
    })

    it('here at once, and there as soon as it answers; a change under way is dropped', async () => {
      const { id } = good(await one.service.create(input()))
      interferences = [loseRequest, loseRequest, loseAnswer, loseRequest]
      expect(await one.service.update(id, { apiSecret: 'new' })).toMatchObject({ failure: 'UpdateAwaited' })
      expect(await one.service.delete(id)).toMatchObject({ failure: 'DeletionAwaited' })
      expect(one.directory.get(id)).toMatchObject({
        apiSecret: 'secret',
        deletedAt: expect.any(Date) as Date
      })
      expect(await one.service.delete(id)).toBeUndefined()
      expect(await rowOf(id)).toMatchObject({ state: 'DELETED', pending: null })
      expect(await atAuth(id)).toMatchObject({ apiSecret: 'secret', deletedAt: expect.any(Date) as Date })
    })

    it.each([400, 409, 500])(
      'for good, whatever the authorization server answers (%i): it is told again, and nothing is taken back',
      async (status) => {
        const { id } = good(await one.service.create(input()))
        const refuse: Interference = async (pass) => ({ ...(await pass()), status })
        const lose: Interference = async () => ({ status, headers: {}, body: Buffer.from('{}') })
        interferences = [lose, refuse]
        expect(await one.service.delete(id)).toMatchObject({ failure: 'DeletionAwaited' })
        expect(await rowOf(id)).toMatchObject({ state: 'DELETING', processAt: expect.any(Date) as Date })
        expect(one.directory.get(id)?.deletedAt).toBeInstanceOf(Date)
        expect(await one.service.delete(id)).toBeUndefined()
        expect(await rowOf(id)).toMatchObject({ state: 'DELETED', processAt: null })
        expect(one.directory.get(id)?.deletedAt).toBeInstanceOf(Date)
      }
    )

    it('and keep their base URL: no other tenant can speak for its wallet addresses', async () => {
      const settings = [{ key: 'WALLET_ADDRESS_URL' as const, value: 'https://deleted.test/base' }]
      const { id } = good(await one.service.create(input({ settings })))
      expect(await one.service.delete(id)).toBeUndefined()
      for (const value of ['https://deleted.test/base', 'https://deleted.test/base/below']) {
        const taken = input({ settings: [{ key: 'WALLET_ADDRESS_URL', value }] })
        expect(await one.service.create(taken)).toMatchObject({ failure: 'DuplicateWalletAddressUrl' })
      }
    })

    it('never where they are the operator', async () => {
      expect(await one.service.delete(OPERATOR_ID)).toMatchObject({ failure: 'NotDeleted' })
    })
  })

  describe('settings', () => {
    const base = (value: string) => [{ key: 'WALLET_ADDRESS_URL' as const, value }]

    it('are written all or none, and reach every process', async () => {
      const { id } = good(await one.service.create(input()))
      const other = await startProcess()
      const settings = [
        { key: 'WEBHOOK_URL' as const, value: 'https://hooks.test/' },
        { key: 'WEBHOOK_TIMEOUT' as const, value: '700' }
      ]
      expect(await one.service.set(id, settings)).toEqual(settings)
      await until(() => other.directory.get(id)?.settings.webhookTimeoutMs === 700)
      expect(
        await one.service.set(id, [
          { key: 'WEBHOOK_TIMEOUT', value: '800' },
          { key: 'ILP_ADDRESS', value: 'not one' }
        ])
      ).toMatchObject({ failure: 'InvalidSetting' })
      expect(await settingsOf(id)).toMatchObject({
        WEBHOOK_TIMEOUT: '700',
        WEBHOOK_URL: 'https://hooks.test/'
      })
      await other.stop()
    })

    it('name no base URL that another tenant has, or had, whatever its spelling', async () => {
      const first = good(await one.service.create(input({ settings: base('https://wallet.test/a') })))
      const second = good(await one.service.create(input()))
      for (const value of [
        'https://wallet.test/a',
        'https://WALLET.test/A/',
        'https://wallet.test./a',
        'https://wallet.test.:443/a/below',
        'https://wallet.test/x/../a',
        'https://wallet.test',
        'https://wallet.test/a/below'
      ]) {
        expect(await one.service.set(second.id, base(value))).toMatchObject({
          failure: 'DuplicateWalletAddressUrl'
        })
      }
      expect(await one.service.set(first.id, base('https://wallet.test/a'))).toMatchObject({
        failure: 'DuplicateWalletAddressUrl'
      })
      expect(await one.service.set(second.id, base('https://wallet.test/ab'))).toEqual(
        base('https://wallet.test/ab')
      )
      // Below the operator's is where a node of one host has its tenants.
      expect(
        await one.service.set(second.id, base(`${backend.config.OPEN_PAYMENTS_URL}/below`))
      ).not.toHaveProperty('failure')
      await one.service.delete(first.id)
      expect(await one.service.create(input({ settings: base('https://wallet.test/a') }))).toMatchObject({
        failure: 'DuplicateWalletAddressUrl'
      })
    })

    it('name no base URL at, above or below the node’s own address, nor is a wallet address created there', async () => {
      const { id } = good(await one.service.create(input()))
      const own = backend.config.WALLET_ADDRESS_URL.replace('http:', 'https:')
      const { origin, pathname, host } = new URL(own)
      const spelled = `https://${host.replace(':', '.:')}${pathname}/`
      for (const value of [own, spelled, `${own}/below`, `${origin}/.Well-Known`, origin]) {
        expect(await one.service.set(id, base(value))).toMatchObject({ failure: 'DuplicateWalletAddressUrl' })
      }
      const assets = createAssetDirectory(backend)
      await assets.start()
      const operator = { ...one.directory.operator }
      operator.settings = { ...operator.settings, walletAddressUrl: origin }
      const tenants = { ...one.directory, get: () => operator }
      const walletAddresses = createWalletAddresses({ ...backend, assets, tenants })
      const at = new Date()
      const asset = {
        id: newId(),
        code: 'OWN',
        scale: 2,
        tenantId: OPERATOR_ID,
        createdAt: at,
        updatedAt: at
      }
      await backend.database.knex('assets').insert(asset)
      const create = (address: string) =>
        walletAddresses.create({ tenantId: OPERATOR_ID, assetId: asset.id, address })
      for (const address of [pathname, `${pathname}/below`, pathname.toUpperCase()]) {
        expect(await create(address)).toMatchObject({ failure: 'InvalidUrl' })
      }
      good(await create(`${pathname}er`))
      await assets.stop()
    })

    it('name a base URL of https where the node is', async () => {
      const secure = { ...backend, config: { ...one.config, OPEN_PAYMENTS_URL: 'https://node.test' } }
      const service = createTenants({ ...secure, directory: one.directory, httpClient: http })
      const { id } = good(await one.service.create(input()))
      expect(await service.set(id, base('http://plain.test'))).toMatchObject({ failure: 'InvalidSetting' })
      expect(await service.set(id, base('https://plain.test'))).toHaveLength(1)
    })

    it('of two tenants that want one base at once, one gets it', async () => {
      const tenants = await Promise.all([1, 2, 3].map(async () => good(await one.service.create(input()))))
      const bases = ['https://race.test', 'https://race.test/x', 'https://race.test/x/y']
      const set = await Promise.all(tenants.map(({ id }, index) => one.service.set(id, base(bases[index]!))))
      expect(set.filter((result) => Array.isArray(result))).toHaveLength(1)
    })

    it('name no ILP address that is another tenant’s, or lies above or below one, but below the operator’s', async () => {
      const ilp = (value: string) => [{ key: 'ILP_ADDRESS' as const, value }]
      const first = good(await one.service.create(input({ settings: ilp('test.first.wallet') })))
      const second = good(await one.service.create(input()))
      const refused = [
        'test.first.wallet',
        'test.first',
        'test.first.wallet.below',
        'test.acacia',
        'g.second',
        'peer.config'
      ]
      for (const value of refused) {
        expect(await one.service.set(second.id, ilp(value))).toMatchObject({ failure: 'InvalidSetting' })
      }
      expect(await one.service.set(first.id, ilp(`${second.settings.ilpAddress}.x`))).toMatchObject({
        failure: 'InvalidSetting'
      })
      expect(await one.service.set(OPERATOR_ID, ilp(second.settings.ilpAddress))).toMatchObject({
        failure: 'InvalidSetting'
      })
      expect(await one.service.create(input({ settings: ilp('test.first') }))).toMatchObject({
        failure: 'InvalidSetting'
      })
      for (const value of ['test.first.wallets', 'test.acacia.second']) {
        expect(await one.service.set(second.id, ilp(value))).toEqual(ilp(value))
      }
      const racers = await Promise.all([1, 2, 3].map(async () => good(await one.service.create(input()))))
      const wanted = ['test.race', 'test.race.x', 'test.race.x.y']
      const set = await Promise.all(racers.map(({ id }, n) => one.service.set(id, ilp(wanted[n]!))))
      expect(set.filter((result) => Array.isArray(result))).toHaveLength(1)
    })

    it('name no base URL at, above or below a wallet address of another tenant, nor is one created below a base', async () => {
      const assets = createAssetDirectory(backend)
      await assets.start()
      const walletAddresses = createWalletAddresses({ ...backend, assets, tenants: one.directory })
      const owner = good(await one.service.create(input({ settings: base('https://moved.test/w') })))
      const other = good(await one.service.create(input()))
      const at = new Date()
      const asset = { id: newId(), code: 'USD', scale: 2, tenantId: owner.id, createdAt: at, updatedAt: at }
      await backend.database.knex('assets').insert(asset)
      const address = (path: string) =>
        walletAddresses.create({
          tenantId: owner.id,
          assetId: asset.id,
          address: `https://moved.test/w/${path}`
        })
      good(await address('payee'))
      good(await one.service.set(owner.id, base('https://elsewhere.test')))
      for (const value of [
        'https://moved.test/w/payee',
        'https://moved.test',
        'https://moved.test/w/payee/a'
      ]) {
        expect(await one.service.set(other.id, base(value))).toMatchObject({
          failure: 'DuplicateWalletAddressUrl'
        })
      }
      expect(await one.service.set(other.id, base('https://moved.test:443/w/pay'))).toHaveLength(1)
      // A process that does not know of the move yet.
      const stale = { ...one.directory, get: () => owner }
      const late = createWalletAddresses({ ...backend, assets, tenants: stale })
      const below = 'https://moved.test/w/pay/x'
      expect(await late.create({ tenantId: owner.id, assetId: asset.id, address: below })).toMatchObject({
        failure: 'InvalidUrl'
      })
      await assets.stop()
    })
  })
})
