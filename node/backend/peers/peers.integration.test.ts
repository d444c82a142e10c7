import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest'
import { uuidToId } from '../../runtime/index.ts'
import { isFailure } from '../model.ts'
import type { Failure } from '../model.ts'
import { createTestNouns, good, OTHER_TENANT } from '../nouns.test-support.ts'
import type { TestNouns } from '../nouns.test-support.ts'
import { createPeerDirectory } from './directory.ts'
import type { Peer } from './model.ts'
import { createPeers } from './service.ts'
import { OPERATOR_ID, until } from '../testing.ts'

describe('peers', () => {
  let nouns: TestNouns
  let one: TestNouns['one']
  let two: TestNouns['two']

  beforeAll(async () => {
    nouns = await createTestNouns(inject('postgresUrl'))
    ;({ one, two } = nouns)
  })
  afterAll(() => nouns.close())

  it('are routed to at once here and soon elsewhere, and no longer after they are deleted', async () => {
    const asset = await nouns.createAsset()
    const input = nouns.peerInput(asset, { routes: ['test.elsewhere'], initialLiquidity: 500n })
    const peer = good(await one.peers.create(input))
    expect(peer.routes).toEqual([input.staticIlpAddress, 'test.elsewhere'])
    expect(one.peerDirectory.nextHop(OPERATOR_ID, `${input.staticIlpAddress}.x`)?.id).toBe(peer.id)
    expect(
      one.peerDirectory.nextHop(OPERATOR_ID, 'test.elsewhere.x', { exceptPeerId: peer.id })
    ).toBeUndefined()
    expect(one.peerDirectory.byIncomingToken(input.http.incoming.authTokens[0]!)?.id).toBe(peer.id)
    expect(await one.liquidity.balance(peer.id)).toBe(500n)
    await until(() => two.peerDirectory.get(peer.id) !== undefined)
    good(await two.peers.delete({ id: peer.id, tenantId: OPERATOR_ID }))
    expect(two.peerDirectory.nextHop(OPERATOR_ID, 'test.elsewhere.x')).toBeUndefined()
    await until(() => one.peerDirectory.get(peer.id) === undefined)
    expect(one.peerDirectory.byIncomingToken(input.http.incoming.authTokens[0]!)).toBeUndefined()
  })

  it('refuses what the contract names', async () => {
    const asset = await nouns.createAsset()
    const input = nouns.peerInput(asset)
    good(await one.peers.create(input))
    const refusal = async (change: object) => {
      const result = await one.peers.create({ ...nouns.peerInput(asset), ...change })
      return isFailure(result) ? result.failure : 'created'
    }
    expect(await refusal({ staticIlpAddress: input.staticIlpAddress })).toBe('DuplicatePeer')
    expect(await refusal({ http: input.http })).toBe('DuplicateIncomingToken')
    expect(await refusal({ staticIlpAddress: 'nonsense' })).toBe('InvalidStaticIlpAddress')
    expect(await refusal({ routes: ['g..x'] })).toBe('InvalidStaticIlpAddress')
    expect(await refusal({ http: { outgoing: { endpoint: 'ftp://x', authToken: '' } } })).toBe(
      'InvalidHTTPEndpoint'
    )
    for (const outgoing of [
      { endpoint: 'https://peer.test/', authToken: 'two\nlines' },
      { endpoint: 'https://name:secret@peer.test/', authToken: 'token' }
    ]) {
      expect(await refusal({ http: { outgoing } })).toBe('InvalidHTTPEndpoint')
    }
    expect(await refusal({ assetId: OPERATOR_ID })).toBe('UnknownAsset')
    expect(await refusal({ initialLiquidity: -1n })).toBe('InvalidInitialLiquidity')
    expect(await refusal({ tenantId: OTHER_TENANT })).toBe('UnknownAsset')
  })

  it('tells racing callers which of two constraints they met', async () => {
    const asset = await nouns.createAsset()
    const input = nouns.peerInput(asset)
    const results = await Promise.all([one, two].map((part) => part.peers.create(input)))
    expect(
      results.filter((result) => isFailure(result)).map((result) => (result as Failure).failure)
    ).toEqual(['DuplicatePeer'])
    const tokens = nouns.peerInput(asset).http
    const others = await Promise.all(
      [one, two].map((part) => part.peers.create({ ...nouns.peerInput(asset), http: tokens }))
    )
    expect(others.filter((result) => isFailure(result)).map((result) => (result as Failure).failure)).toEqual(
      ['DuplicateIncomingToken']
    )
  })

  it('changes only what an update names', async () => {
    const asset = await nouns.createAsset()
    const input = nouns.peerInput(asset, {
      routes: ['test.kept', 'test.kept'],
      name: 'Peer',
      maxPacketAmount: 9n
    })
    const peer = good(await one.peers.create(input))
    const moved = good(
      await one.peers.update({
        id: peer.id,
        tenantId: OPERATOR_ID,
        staticIlpAddress: 'test.moved',
        maxPacketsInFlight: 3
      })
    )
    expect(peer.routes.slice(1)).toEqual(['test.kept'])
    expect(moved).toMatchObject({
      name: 'Peer',
      maxPacketAmount: 9n,
      maxPacketsInFlight: 3,
      routes: ['test.moved', 'test.kept'],
      http: peer.http.outgoing && { outgoing: peer.http.outgoing }
    })
    expect(one.peerDirectory.byIncomingToken(input.http.incoming.authTokens[0]!)?.routes[0]).toBe(
      'test.moved'
    )
    const freed = good(
      await one.peers.update({
        id: peer.id,
        tenantId: OPERATOR_ID,
        maxPacketAmount: null,
        maxPacketsInFlight: null
      })
    )
    expect(freed).not.toHaveProperty('maxPacketAmount')
    expect(freed).not.toHaveProperty('maxPacketsInFlight')
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
    expect(one.peerDirectory.byIncomingToken(input.http.incoming.authTokens[0]!)).toBeUndefined()
    expect(one.peerDirectory.byIncomingToken('fresh')?.http.outgoing).toEqual({
      endpoint: 'https://new.test/',
      authToken: 'o2'
    })
    expect(await one.peers.update({ id: peer.id, tenantId: OTHER_TENANT })).toMatchObject({
      failure: 'UnknownPeer'
    })
  })

  it('are all routed to after a start, more than a page of them, each tenant by its own', async () => {
    const asset = await nouns.createAsset()
    const theirs = good(await one.assets.create({ tenantId: OTHER_TENANT, code: asset.code, scale: 2 }))
    const made = await Promise.all(
      Array.from({ length: 60 }, async () => good(await one.peers.create(nouns.peerInput(asset))))
    )
    const input = nouns.peerInput(theirs, {
      tenantId: OTHER_TENANT,
      staticIlpAddress: made[0]!.staticIlpAddress
    })
    const other = good(await one.peers.create(input))
    const fresh = createPeerDirectory({ ...nouns.backend, assets: one.directory })
    await fresh.start()
    const hops = made.map(({ staticIlpAddress }) => fresh.nextHop(OPERATOR_ID, `${staticIlpAddress}.x`)?.id)
    expect(hops).toEqual(made.map(({ id }) => id))
    expect(fresh.nextHop(OTHER_TENANT, `${made[0]!.staticIlpAddress}.x`)?.id).toBe(other.id)
    expect(fresh.nextHop(OTHER_TENANT, `${made[1]!.staticIlpAddress}.x`)).toBeUndefined()
    await fresh.stop()
  })

  it('have an account of the contract’s code and flags, and no row without it', async () => {
    const asset = await nouns.createAsset()
    const peer = good(await one.peers.create(nouns.peerInput(asset)))
    const [account] = await nouns.ledger.lookupAccounts([uuidToId(peer.id)])
    expect(account).toMatchObject({
      code: 3,
      ledger: asset.ledger,
      userData128: uuidToId(asset.id),
      flags: { debitsMustNotExceedCredits: true, creditsMustNotExceedDebits: false }
    })
    good(await one.peers.delete({ id: peer.id, tenantId: OPERATOR_ID }))
    expect(await nouns.ledger.lookupAccounts([uuidToId(peer.id)])).toEqual([account])
  })

  it('are created up to a limit', async () => {
    const asset = await nouns.createAsset()
    const maxPeers = one.peerDirectory.all().length + 1
    const peers = createPeers({
      ...nouns.backend,
      directory: one.peerDirectory,
      assets: one.directory,
      liquidity: one.liquidity,
      maxPeers
    })
    good(await peers.create(nouns.peerInput(asset)))
    expect(await peers.create(nouns.peerInput(asset))).toMatchObject({ failure: 'TooManyPeers' })
  })

  it('of a tenant are created up to a limit of its own', async () => {
    const asset = good(
      await one.assets.create({ tenantId: OTHER_TENANT, code: nouns.unique('OWN'), scale: 2 })
    )
    const before = one.peerDirectory.all().filter(({ tenantId }) => tenantId === OTHER_TENANT).length
    const peers = createPeers({
      ...nouns.backend,
      directory: one.peerDirectory,
      assets: one.directory,
      liquidity: one.liquidity,
      maxPeersPerTenant: before + 1
    })
    const create = () => peers.create({ ...nouns.peerInput(asset), tenantId: OTHER_TENANT })
    good(await create())
    expect(await create()).toMatchObject({ failure: 'TooManyPeers' })
  })

  it('that chose their endpoint themselves are the operator’s once he sets another', async () => {
    const asset = await nouns.createAsset()
    const peer = good(await one.peers.create(nouns.peerInput(asset, { isAutoPeered: true })))
    const change = { id: peer.id, tenantId: OPERATOR_ID }
    const { endpoint } = peer.http.outgoing
    const set = async (to: string) =>
      good(await one.peers.update({ ...change, http: { outgoing: { endpoint: to, authToken: 'new' } } }))
    expect((await set(endpoint)).isAutoPeered).toBe(true)
    expect(one.peerDirectory.get(peer.id)?.isAutoPeered).toBe(true)
    expect((await set('http://another.test/')).isAutoPeered).toBeUndefined()
    expect((await set(endpoint)).isAutoPeered).toBeUndefined()
  })

  it('follow their asset', async () => {
    const asset = await nouns.createAsset()
    const peer = good(await one.peers.create(nouns.peerInput(asset)))
    good(await one.assets.update({ id: asset.id, tenantId: OPERATOR_ID, liquidityThreshold: 4n }))
    expect(one.peerDirectory.get(peer.id)?.asset.liquidityThreshold).toBe(4n)
  })

  it('get their initial liquidity at the next start when the process died before the deposit', async () => {
    const asset = await nouns.createAsset()
    nouns.interfere(async () => {
      throw new Error('the process dies')
    })
    const input = nouns.peerInput(asset, { initialLiquidity: 77n })
    await expect(one.peers.create(input)).rejects.toThrow('dies')
    const peer = (await one.peers.byAddressAndAsset({ ...input, tenantId: OPERATOR_ID })) as Peer
    expect(await one.liquidity.balance(peer.id)).toBe(0n)
    await two.peers.ensureAccounts()
    await two.peers.ensureAccounts()
    expect(await one.liquidity.balance(peer.id)).toBe(77n)
  })
})
