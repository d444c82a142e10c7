import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest'
import { createLedgerWriter, createMemoryLedger, LedgerUnavailableError } from '../ledger/index.ts'
import type { AuditableLedger, LedgerWriter, NewTransfer } from '../ledger/index.ts'
import { uuidToId } from '../runtime/index.ts'
import type { Database } from '../runtime/index.ts'
import { createAssetDirectory } from './assets/directory.ts'
import type { RunningAssetDirectory } from './assets/directory.ts'
import type { Asset } from './assets/model.ts'
import { createAssets } from './assets/service.ts'
import { createFees } from './fees/service.ts'
import { createIncarnation } from './incarnation.ts'
import { createLiquidity } from './liquidity/service.ts'
import { isFailure } from './model.ts'
import type { Failure } from './model.ts'
import { createPeerDirectory } from './peers/directory.ts'
import type { RunningPeerDirectory } from './peers/directory.ts'
import type { Peer } from './peers/model.ts'
import { createPeers } from './peers/service.ts'
import { createTenantDirectory } from './tenants/directory.ts'
import type { RunningTenantDirectory } from './tenants/directory.ts'
import { createTestBackend, OPERATOR_ID, until } from './testing.ts'
import type { TestBackend } from './testing.ts'
import type { WalletAddress } from './wallet-addresses/model.ts'
import { createWalletAddresses } from './wallet-addresses/service.ts'

const OTHER_TENANT = '01900000-0000-7000-8000-000000000002'

/** The nouns of one process, on a ledger that all processes of the test share. */
function createProcess(
  backend: TestBackend,
  database: Database,
  ledger: AuditableLedger,
  writer: LedgerWriter
) {
  const base = { ...backend, database }
  const tenants = createTenantDirectory(base)
  const directory = createAssetDirectory(base)
  const liquidity = createLiquidity({ ...base, ledger, writer, assets: directory })
  const assets = createAssets({ ...base, directory, liquidity })
  const peerDirectory = createPeerDirectory({ ...base, assets: directory })
  const peers = createPeers({ ...base, directory: peerDirectory, assets: directory, liquidity })
  const walletAddresses = createWalletAddresses({ ...base, assets: directory, tenants })
  const fees = createFees({ ...base, assets: directory })
  return { tenants, directory, liquidity, assets, peerDirectory, peers, walletAddresses, fees }
}

function good<T>(result: T | Failure): T {
  if (isFailure(result)) throw new Error(`${result.failure}: ${result.message}`)
  return result
}

describe('the nouns', () => {
  let backend: TestBackend
  let ledger: AuditableLedger
  let one: ReturnType<typeof createProcess>
  let two: ReturnType<typeof createProcess>
  let tenants: RunningTenantDirectory
  let directory: RunningAssetDirectory
  let peerDirectory: RunningPeerDirectory
  /** What the next submission meets before it reaches the ledger, or after. */
  let interfere:
    ((transfers: readonly NewTransfer[], pass: () => Promise<unknown>) => Promise<void>) | undefined
  let number = 0
  const unique = (text: string) => `${text}${++number}`

  beforeAll(async () => {
    backend = await createTestBackend(inject('postgresUrl'))
    ledger = createMemoryLedger(backend)
    const inner = createLedgerWriter({ ...backend, ledger })
    const writer: LedgerWriter = {
      ...inner,
      async submit(transfers, options) {
        const meet = interfere
        interfere = undefined
        await meet?.(transfers, () => inner.submit(transfers, options))
        return inner.submit(transfers, options)
      }
    }
    one = createProcess(backend, backend.database, ledger, writer)
    two = createProcess(backend, backend.openDatabase(), ledger, writer)
    for (const part of [one, two]) {
      await part.tenants.start()
      await part.directory.start()
      await part.peerDirectory.start()
      await part.walletAddresses.start()
    }
    ;({ tenants, directory, peerDirectory } = one)
    const now = new Date()
    await backend.database
      .knex('tenants')
      .insert({ id: OTHER_TENANT, apiSecret: 'x', createdAt: now, updatedAt: now })
    await tenants.refresh(OTHER_TENANT)
  })
  afterAll(async () => {
    for (const part of [one, two]) {
      await part.walletAddresses.stop()
      await part.peerDirectory.stop()
      await part.directory.stop()
      await part.tenants.stop()
    }
    await backend.close()
  })

  async function createAsset(code = unique('A'), scale = 2): Promise<Asset> {
    return good(await one.assets.create({ tenantId: OPERATOR_ID, code, scale }))
  }

  function peerInput(asset: Asset, extra: object = {}) {
    return {
      tenantId: OPERATOR_ID,
      assetId: asset.id,
      staticIlpAddress: unique('test.peer'),
      http: {
        incoming: { authTokens: [unique('token')] },
        outgoing: { endpoint: 'http://peer.test/ilp', authToken: 'out' }
      },
      ...extra
    }
  }

  describe('tenants', () => {
    it('has the operator with the secret of the environment, also after it changed', async () => {
      expect(tenants.operator).toMatchObject({
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
      expect(tenants.get(OTHER_TENANT)).toMatchObject({
        isOperator: false,
        settings: { ilpAddress: `test.acacia.${OTHER_TENANT}`, webhookTimeoutMs: 2_000 }
      })
      expect(tenants.get(OTHER_TENANT)?.settings.walletAddressUrl).toBeUndefined()
      const now = new Date()
      await backend.database.knex('tenantSettings').insert({
        id: backend.random.orderedUuid(),
        tenantId: OTHER_TENANT,
        key: 'WEBHOOK_TIMEOUT',
        value: '5',
        createdAt: now,
        updatedAt: now
      })
      await tenants.refresh(OTHER_TENANT)
      expect(tenants.get(OTHER_TENANT)?.settings.webhookTimeoutMs).toBe(5)
    })
  })

  describe('assets', () => {
    it('are known here at once and elsewhere by notification, with their accounts', async () => {
      const asset = await createAsset('USD', 2)
      expect(directory.byCodeAndScale(OPERATOR_ID, 'USD', 2)).toEqual(asset)
      await until(() => two.directory.get(asset.id) !== undefined)
      const [liquidity, settlement] = await ledger.lookupAccounts([uuidToId(asset.id), BigInt(asset.ledger)])
      expect(liquidity).toMatchObject({
        code: 2,
        ledger: asset.ledger,
        flags: { debitsMustNotExceedCredits: true }
      })
      expect(settlement).toMatchObject({ code: 101, flags: { creditsMustNotExceedDebits: true } })
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
      expect(
        results.filter((result) => isFailure(result) && result.failure === 'DuplicateAsset')
      ).toHaveLength(3)
    })

    it('keep a threshold that an update leaves out, and clear one that is null', async () => {
      const { id } = await createAsset()
      const tenantId = OPERATOR_ID
      good(
        await one.assets.update({ id, tenantId, liquidityThreshold: 2n ** 64n - 1n, withdrawalThreshold: 5n })
      )
      const updated = good(await one.assets.update({ id, tenantId, withdrawalThreshold: null }))
      expect(updated).toMatchObject({ liquidityThreshold: 2n ** 64n - 1n })
      expect(updated.withdrawalThreshold).toBeUndefined()
      expect(directory.get(id)).toEqual(updated)
      expect(await one.assets.update({ id, tenantId: OTHER_TENANT })).toMatchObject({
        failure: 'UnknownAsset'
      })
      expect(await one.assets.update({ id: 'x', tenantId })).toMatchObject({ failure: 'UnknownAsset' })
    })

    it('are deleted unless in use, and come back to life with what is asked', async () => {
      const asset = await createAsset()
      const gone = { id: asset.id, tenantId: OPERATOR_ID }
      const peer = good(await one.peers.create(peerInput(asset)))
      expect(await one.assets.delete(gone)).toMatchObject({ failure: 'CannotDeleteInUseAsset' })
      good(await one.peers.delete({ id: peer.id, tenantId: OPERATOR_ID }))
      good(await one.assets.delete(gone))
      expect(directory.byCodeAndScale(OPERATOR_ID, asset.code, 2)).toBeUndefined()
      expect(await one.assets.get(asset.id)).toBeUndefined()
      expect(await one.peers.create(peerInput(asset))).toMatchObject({ failure: 'UnknownAsset' })
      const revived = good(
        await one.assets.create({ tenantId: OPERATOR_ID, code: asset.code, scale: 2, liquidityThreshold: 7n })
      )
      expect(revived).toMatchObject({ id: asset.id, ledger: asset.ledger, liquidityThreshold: 7n })
    })
  })

  describe('peers', () => {
    it('are routed to at once here and soon elsewhere, and no longer after they are deleted', async () => {
      const asset = await createAsset()
      const input = peerInput(asset, { routes: ['test.elsewhere'], initialLiquidity: 500n })
      const peer = good(await one.peers.create(input))
      expect(peer.routes).toEqual([input.staticIlpAddress, 'test.elsewhere'])
      expect(peerDirectory.nextHop(OPERATOR_ID, `${input.staticIlpAddress}.x`)?.id).toBe(peer.id)
      expect(
        peerDirectory.nextHop(OPERATOR_ID, 'test.elsewhere.x', { exceptPeerId: peer.id })
      ).toBeUndefined()
      expect(peerDirectory.byIncomingToken(input.http.incoming.authTokens[0]!)?.id).toBe(peer.id)
      expect(await one.liquidity.balance(peer.id)).toBe(500n)
      await until(() => two.peerDirectory.get(peer.id) !== undefined)
      good(await two.peers.delete({ id: peer.id, tenantId: OPERATOR_ID }))
      expect(two.peerDirectory.nextHop(OPERATOR_ID, 'test.elsewhere.x')).toBeUndefined()
      await until(() => peerDirectory.get(peer.id) === undefined)
      expect(peerDirectory.byIncomingToken(input.http.incoming.authTokens[0]!)).toBeUndefined()
    })

    it('refuses what the contract names', async () => {
      const asset = await createAsset()
      const input = peerInput(asset)
      good(await one.peers.create(input))
      const refusal = async (change: object) => {
        const result = await one.peers.create({ ...peerInput(asset), ...change })
        return isFailure(result) ? result.failure : 'created'
      }
      expect(await refusal({ staticIlpAddress: input.staticIlpAddress })).toBe('DuplicatePeer')
      expect(await refusal({ http: input.http })).toBe('DuplicateIncomingToken')
      expect(await refusal({ staticIlpAddress: 'nonsense' })).toBe('InvalidStaticIlpAddress')
      expect(await refusal({ routes: ['g..x'] })).toBe('InvalidStaticIlpAddress')
      expect(await refusal({ http: { outgoing: { endpoint: 'ftp://x', authToken: '' } } })).toBe(
        'InvalidHTTPEndpoint'
      )
      expect(await refusal({ assetId: OPERATOR_ID })).toBe('UnknownAsset')
      expect(await refusal({ initialLiquidity: -1n })).toBe('InvalidInitialLiquidity')
      expect(await refusal({ tenantId: OTHER_TENANT })).toBe('UnknownAsset')
    })

    it('tells racing callers which of two constraints they met', async () => {
      const asset = await createAsset()
      const input = peerInput(asset)
      const results = await Promise.all([one, two].map((part) => part.peers.create(input)))
      expect(
        results.filter((result) => isFailure(result)).map((result) => (result as Failure).failure)
      ).toEqual(['DuplicatePeer'])
      const tokens = peerInput(asset).http
      const others = await Promise.all(
        [one, two].map((part) => part.peers.create({ ...peerInput(asset), http: tokens }))
      )
      expect(
        others.filter((result) => isFailure(result)).map((result) => (result as Failure).failure)
      ).toEqual(['DuplicateIncomingToken'])
    })

    it('changes only what an update names', async () => {
      const asset = await createAsset()
      const input = peerInput(asset, { routes: ['test.kept'], name: 'Peer', maxPacketAmount: 9n })
      const peer = good(await one.peers.create(input))
      const moved = good(
        await one.peers.update({
          id: peer.id,
          tenantId: OPERATOR_ID,
          staticIlpAddress: 'test.moved',
          maxPacketsInFlight: 3
        })
      )
      expect(moved).toMatchObject({
        name: 'Peer',
        maxPacketAmount: 9n,
        maxPacketsInFlight: 3,
        routes: ['test.moved', 'test.kept'],
        http: peer.http.outgoing && { outgoing: peer.http.outgoing }
      })
      expect(peerDirectory.byIncomingToken(input.http.incoming.authTokens[0]!)?.routes[0]).toBe('test.moved')
      good(
        await one.peers.update({
          id: peer.id,
          tenantId: OPERATOR_ID,
          http: {
            incoming: { authTokens: ['fresh'] },
            outgoing: { endpoint: 'https://new.test/', authToken: 'o2' }
          }
        })
      )
      expect(peerDirectory.byIncomingToken(input.http.incoming.authTokens[0]!)).toBeUndefined()
      expect(peerDirectory.byIncomingToken('fresh')?.http.outgoing).toEqual({
        endpoint: 'https://new.test/',
        authToken: 'o2'
      })
      expect(await one.peers.update({ id: peer.id, tenantId: OTHER_TENANT })).toMatchObject({
        failure: 'UnknownPeer'
      })
    })

    it('follow their asset', async () => {
      const asset = await createAsset()
      const peer = good(await one.peers.create(peerInput(asset)))
      good(await one.assets.update({ id: asset.id, tenantId: OPERATOR_ID, liquidityThreshold: 4n }))
      expect(peerDirectory.get(peer.id)?.asset.liquidityThreshold).toBe(4n)
    })

    it('get their initial liquidity at the next start when the process died before the deposit', async () => {
      const asset = await createAsset()
      interfere = async () => {
        throw new Error('the process dies')
      }
      const input = peerInput(asset, { initialLiquidity: 77n })
      await expect(one.peers.create(input)).rejects.toThrow('dies')
      const peer = (await one.peers.byAddressAndAsset({ ...input, tenantId: OPERATOR_ID })) as Peer
      expect(await one.liquidity.balance(peer.id)).toBe(0n)
      await two.peers.ensureAccounts()
      await two.peers.ensureAccounts()
      expect(await one.liquidity.balance(peer.id)).toBe(77n)
    })
  })

  describe('liquidity', () => {
    const id = () => backend.random.uuid()

    it('deposits once under an id, whoever asks and how often', async () => {
      const asset = await createAsset()
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

    it('lets a refused withdrawal be asked again under its id', async () => {
      const asset = await createAsset()
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
      const asset = await createAsset()
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
      const asset = await createAsset()
      const sent: NewTransfer[] = []
      interfere = async (transfers, pass) => {
        sent.push(...transfers)
        await pass()
        throw new LedgerUnavailableError('the answer was lost')
      }
      const deposit = { id: id(), accountId: asset.id, asset, amount: 9n }
      expect(await one.liquidity.deposit(deposit)).toBeUndefined()
      expect(await one.liquidity.balance(asset.id)).toBe(9n)
      expect(sent).toHaveLength(1)
    })

    it('finishes what a process left that died after the ledger had booked', async () => {
      const asset = await createAsset()
      await one.liquidity.deposit({ id: id(), accountId: asset.id, asset, amount: 9n })
      interfere = async (_transfers, pass) => {
        await pass()
        throw new Error('the process dies')
      }
      const withdrawal = { id: id(), accountId: asset.id, asset, amount: 9n, timeoutSeconds: 60 }
      await expect(one.liquidity.withdraw(withdrawal)).rejects.toThrow('dies')
      expect(await two.liquidity.withdraw(withdrawal)).toBeUndefined()
      expect(await two.liquidity.withdraw(withdrawal)).toMatchObject({ failure: 'TransferExists' })

      interfere = async (_transfers, pass) => {
        await pass()
        throw new Error('the process dies')
      }
      await expect(one.liquidity.postWithdrawal(withdrawal.id)).rejects.toThrow('dies')
      expect(await two.liquidity.postWithdrawal(withdrawal.id)).toBeUndefined()
      expect(await one.liquidity.balance(asset.id)).toBe(0n)
    })

    it('asks afresh where a process died between the refusal and its row', async () => {
      const asset = await createAsset()
      interfere = async (_transfers, pass) => {
        await pass()
        throw new Error('the process dies')
      }
      const withdrawal = { id: id(), accountId: asset.id, asset, amount: 9n, timeoutSeconds: 0 }
      await expect(one.liquidity.withdraw(withdrawal)).rejects.toThrow('dies')
      await one.liquidity.deposit({ id: id(), accountId: asset.id, asset, amount: 9n })
      expect(await two.liquidity.withdraw(withdrawal)).toBeUndefined()
      expect(await one.liquidity.balance(asset.id)).toBe(0n)
    })

    it('says so when a two-phase withdrawal lapsed', async () => {
      const asset = await createAsset()
      await one.liquidity.deposit({ id: id(), accountId: asset.id, asset, amount: 9n })
      const withdrawal = { id: id(), accountId: asset.id, asset, amount: 9n, timeoutSeconds: 1 }
      await one.liquidity.withdraw(withdrawal)
      await until(async () => (await ledger.pendingStates([uuidToId(withdrawal.id)]))[0] === 'expired')
      expect(await one.liquidity.postWithdrawal(withdrawal.id)).toMatchObject({ failure: 'TransferExpired' })
    })
  })

  describe('wallet addresses', () => {
    async function create(asset: Asset, address = unique('alice')): Promise<WalletAddress> {
      return good(await one.walletAddresses.create({ tenantId: OPERATOR_ID, assetId: asset.id, address }))
    }

    it('are found by their URL in any letter case, and only once', async () => {
      const asset = await createAsset()
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
      expect(
        await one.walletAddresses.create({ ...input, address: 'http://localhost:3003/x' })
      ).toMatchObject({
        failure: 'InvalidUrl'
      })
    })

    it('change here at once and elsewhere by notification', async () => {
      const { id, address } = await create(await createAsset())
      await two.walletAddresses.byUrl(address)
      good(await one.walletAddresses.update({ id, publicName: 'Alice' }))
      expect(await one.walletAddresses.byUrl(address)).toMatchObject({ publicName: 'Alice' })
      await until(async () => (await two.walletAddresses.byUrl(address))?.publicName === 'Alice')
      expect(await one.walletAddresses.update({ id, tenantId: OTHER_TENANT })).toMatchObject({
        failure: 'UnknownWalletAddress'
      })
    })

    it('end their open incoming payments after the grace period when deactivated', async () => {
      const { id, asset } = await create(await createAsset())
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
      const found = await backend.database
        .knex('incomingPayments')
        .where({ walletAddressId: id })
        .orderBy('id')
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
      const asset = await createAsset()
      const property = (key: string, value: string) => ({ key, value, visibleInOpenPayments: true })
      const { id } = good(
        await one.walletAddresses.create({
          tenantId: OPERATOR_ID,
          assetId: asset.id,
          address: unique('bob'),
          additionalProperties: [property(' iban ', ' NL '), property('blank', ' '), property('', 'x')]
        })
      )
      expect(await one.walletAddresses.additionalProperties(id)).toEqual([property('iban', 'NL')])
      good(await one.walletAddresses.update({ id, additionalProperties: [property('a', 'b')] }))
      expect(await one.walletAddresses.additionalProperties(id)).toEqual([property('a', 'b')])
    })

    it('have keys, unique among those not revoked', async () => {
      const { id } = await create(await createAsset())
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
      expect((await one.walletAddresses.keyPage(id, {})).rows).toHaveLength(2)
    })
  })

  describe('fees', () => {
    it('keep their history and apply the latest', async () => {
      const asset = await createAsset()
      const fee = { assetId: asset.id, type: 'SENDING' as const, fixed: 1n, basisPoints: 5 }
      expect(await one.fees.latest(asset.id, 'SENDING')).toBeUndefined()
      good(await one.fees.set(fee))
      const second = good(await one.fees.set({ ...fee, fixed: 2n ** 64n - 1n }))
      expect(await one.fees.latest(asset.id, 'SENDING')).toEqual(second)
      expect(await one.fees.latest(asset.id, 'RECEIVING')).toBeUndefined()
      expect((await one.fees.page(asset.id, {})).rows).toHaveLength(2)
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
      const asset = await createAsset()
      const ids: string[] = []
      for (let index = 0; index < 5; index++)
        ids.push(
          good(await one.fees.set({ assetId: asset.id, type: 'SENDING', fixed: 0n, basisPoints: index })).id
        )
      const page = async (request: object) => {
        const { rows, hasNextPage, hasPreviousPage } = await one.fees.page(asset.id, {
          sortOrder: 'ASC',
          ...request
        })
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
      expect(await living.isDead(ended.id)).toBe(false)
      expect(await living.dead()).toEqual([])
      await living.forget(ended.id)
      expect(await living.isDead(ended.id)).toBe(false)
      await ended.stop()
      expect(await living.dead()).toEqual([ended.id])
      await living.forget(ended.id)
      expect(await living.dead()).toEqual([])
      expect(await living.isDead(ended.id)).toBe(true)
      expect(await living.isDead(living.id)).toBe(false)
      await living.stop()
    })
  })
})
