import fc from 'fast-check'
import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest'
import { testCount } from '../../../test-counts.ts'
import { isAddressPrefix } from '../../ilp/index.ts'
import { createMemoryCache, HttpClientError } from '../../runtime/index.ts'
import type { Asset } from '../assets/model.ts'
import { isFailure } from '../model.ts'
import { createTestNouns, good } from '../nouns.test-support.ts'
import type { TestNouns } from '../nouns.test-support.ts'
import type { Peer } from '../peers/model.ts'
import { OPERATOR_ID } from '../testing.ts'
import { createAcceptor } from './accept.ts'
import { hostOf } from './addresses.ts'
import type { AutoPeeringMode } from './policy.ts'
import { createProofs, PEERING_NONCE_HEADER, PEERING_URL_HEADER } from './proof.ts'
import type { Proofs } from './proof.ts'
import { createAutoPeeringStore } from './store.ts'
import { writeRequest } from './wire.ts'

// What strangers and known nodes ask of one node in any order, with the operator's own peers in between.

const OWN_URL = 'http://own.example:3005/'
const HOSTS = ['listed.example', 'other.example', 'mallory.example'] as const
const CREDIT = 500n

const host = fc.oneof(
  { weight: 3, arbitrary: fc.constant(HOSTS[0]) },
  { weight: 2, arbitrary: fc.constantFrom(HOSTS[1], HOSTS[2]) }
)
const address = fc.oneof(
  { weight: 4, arbitrary: fc.constantFrom('test.a', 'test.a.b', 'test.b', 'test.b.c') },
  { weight: 1, arbitrary: fc.constantFrom('test', 'test.acacia', 'test.acacia.x', 'g.a') }
)
const step = fc.oneof(
  // A host asks, itself.
  { weight: 4, arbitrary: fc.record({ kind: fc.constant('ask' as const), host, address }) },
  // Mallory asks in the name of another, with what its own server confirms, or with nothing.
  {
    weight: 2,
    arbitrary: fc.record({ kind: fc.constant('pretend' as const), host, address, at: fc.option(host) })
  },
  // A host asks mallory, and mallory passes it on, changed or not.
  {
    weight: 2,
    arbitrary: fc.record({ kind: fc.constant('relay' as const), host, address, isForged: fc.boolean() })
  },
  { weight: 3, arbitrary: fc.record({ kind: fc.constant('byHand' as const), address }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('delete' as const), index: fc.nat(3) }) }
)
type Step = typeof step extends fc.Arbitrary<infer T> ? T : never

describe('the accepting side, whoever asks what in which order', () => {
  let nouns: TestNouns

  beforeAll(async () => {
    nouns = await createTestNouns(inject('postgresUrl'))
  })
  afterAll(() => nouns.close())

  /** Leaves no peer behind, so that what one history finds does not disturb the next. */
  async function play(mode: AutoPeeringMode, steps: readonly Step[]): Promise<void> {
    const asset = await nouns.createAsset()
    try {
      await playIn(asset, mode, steps)
    } finally {
      for (const { id } of await peersIn(asset)) {
        good(await nouns.one.peers.delete({ id, tenantId: OPERATOR_ID }))
      }
    }
  }

  async function playIn(asset: Asset, mode: AutoPeeringMode, steps: readonly Step[]): Promise<void> {
    const { one, backend } = nouns
    const { random } = backend
    const request = (from: string, at: string) => ({
      staticIlpAddress: at,
      ilpConnectorUrl: `http://${from}:3002/`,
      asset: { code: asset.code, scale: asset.scale },
      httpToken: random.uuid()
    })
    /** Every host runs an auto-peering server of its own. */
    const servers = new Map<string, Proofs>()
    const httpClient = {
      async request({ url }: { url: string }) {
        const nonce = url.slice(url.lastIndexOf('/') + 1)
        const server = servers.get(hostOf(url))
        if (server === undefined) throw new HttpClientError('ENOTFOUND', 'no such host')
        const proof = await server.answer(nonce)
        const body = Buffer.from(JSON.stringify(proof ?? {}))
        return { status: proof === undefined ? 404 : 200, headers: {}, body }
      }
    }
    for (const name of HOSTS) {
      const cache = createMemoryCache(backend)
      servers.set(name, createProofs({ cache, random, httpClient, ownUrl: `http://${name}:3005/` }))
    }
    const store = createAutoPeeringStore(backend)
    const acceptor = createAcceptor({
      ...backend,
      policy: { mode, allowedHosts: ['listed.example'], assets: new Map([[`${asset.code}/2`, CREDIT]]) },
      assets: one.directory,
      peers: one.peers,
      peerDirectory: one.peerDirectory,
      tenants: one.tenants,
      proofs: createProofs({ cache: createMemoryCache(backend), random, httpClient, ownUrl: OWN_URL }),
      liquidity: one.liquidity,
      store
    })
    const accept = (body: string, headers: Record<string, string>) =>
      acceptor.accept(Buffer.from(body), {
        peeringUrl: headers[PEERING_URL_HEADER],
        nonce: headers[PEERING_NONCE_HEADER]
      })

    for (const next of steps) {
      const before = new Map((await peersIn(asset)).map((peer) => [peer.id, peer]))
      let admits = false
      switch (next.kind) {
        case 'ask': {
          const body = writeRequest(request(next.host, next.address))
          const answer = await accept(body, await servers.get(next.host)!.issue(body, OWN_URL))
          admits = mode === 'allow-list' && next.host === 'listed.example'
          if (!admits) expect(isFailure(answer)).toBe(true)
          break
        }
        case 'pretend': {
          const body = writeRequest(request(next.host, next.address))
          const headers = next.at === null ? {} : await servers.get('mallory.example')!.issue(body, OWN_URL)
          const claimed: Record<string, string> =
            next.at === null ? {} : { [PEERING_URL_HEADER]: `http://${next.at}:3005/` }
          // What mallory says in its own name it may say.
          const isOwn = next.host === 'mallory.example' && next.at === 'mallory.example'
          const answer = await accept(body, { ...headers, ...claimed })
          if (!isOwn || mode === 'off') expect(isFailure(answer)).toBe(true)
          break
        }
        case 'relay': {
          const body = writeRequest(request(next.host, next.address))
          const headers = await servers.get(next.host)!.issue(body, 'http://mallory.example:3005/')
          const passed = next.isForged ? body.replace('"scale":2', '"scale": 2') : body
          expect(isFailure(await accept(passed, headers))).toBe(true)
          break
        }
        case 'byHand':
          // Refused where the address is taken: that is as good here.
          await one.peers.create(nouns.peerInput(asset, { staticIlpAddress: next.address }))
          break
        case 'delete': {
          const peer = [...before.values()][next.index]
          if (peer) good(await one.peers.delete({ id: peer.id, tenantId: OPERATOR_ID }))
          break
        }
      }
      await check(asset, before, {
        mode,
        admits,
        isOperators: next.kind === 'byHand' || next.kind === 'delete'
      })
    }
  }

  async function peersIn(asset: Asset): Promise<Peer[]> {
    return nouns.one.peerDirectory
      .all()
      .filter((peer) => peer.asset.id === asset.id)
      .sort((one, other) => (one.id < other.id ? -1 : 1))
  }

  async function check(
    asset: Asset,
    before: ReadonlyMap<string, Peer>,
    { mode, admits, isOperators }: { mode: AutoPeeringMode; admits: boolean; isOperators: boolean }
  ): Promise<void> {
    const peers = await peersIn(asset)
    if (!admits && !isOperators)
      expect(peers, 'a request that is not admitted changes no peer').toEqual([...before.values()])
    let credited = 0n
    for (const peer of peers) {
      const balance = await nouns.one.liquidity.balance(peer.id)
      if (!peer.isAutoPeered) {
        expect(balance, 'the operator credited nothing').toBe(0n)
        if (before.has(peer.id))
          expect(peer, 'the operator’s peers stay as they are').toEqual(before.get(peer.id))
        continue
      }
      expect(mode).toBe('allow-list')
      expect(hostOf(peer.http.outgoing.endpoint), 'only who is on the list').toBe('listed.example')
      credited += balance!
      expect(isAddressPrefix('test.acacia', peer.staticIlpAddress)).toBe(false)
      expect(isAddressPrefix(peer.staticIlpAddress, 'test.acacia')).toBe(false)
      if (before.has(peer.id)) continue
      for (const old of before.values()) {
        if (old.isAutoPeered) continue
        const overlaps =
          isAddressPrefix(old.staticIlpAddress, peer.staticIlpAddress) ||
          isAddressPrefix(peer.staticIlpAddress, old.staticIlpAddress)
        expect(overlaps, 'a new peer takes nothing of one that the operator made').toBe(false)
      }
    }
    expect(credited === 0n || credited === CREDIT, 'a host has its credit once').toBe(true)
  }

  it.each<AutoPeeringMode>(['off', 'allow-list', 'approve'])(
    '%s: nobody gets in, gets credit or takes a route but by the operator’s word',
    async (mode) => {
      await fc.assert(
        fc.asyncProperty(fc.array(step, { minLength: 1, maxLength: 10 }), (steps) => play(mode, steps)),
        { numRuns: testCount('peeringHistories') }
      )
    },
    300_000
  )

  it('notes one request per host and asset, and no more than the limit', async () => {
    const store = createAutoPeeringStore(nouns.backend)
    const note = (number: number) => {
      const peerHost = `h${number}.example`
      const request = {
        staticIlpAddress: 'test.a',
        ilpConnectorUrl: '',
        asset: { code: 'X', scale: 2 },
        httpToken: ''
      }
      return store.note(request, peerHost, `http://${peerHost}/`)
    }
    await nouns.backend.database.knex('autoPeeringRequests').delete()
    for (let number = 0; number < 100; number++) expect(await note(number)).toBe(true)
    expect(await note(100)).toBe(false)
    expect(await note(99)).toBe(true)
    expect(await store.waiting()).toHaveLength(100)
    await store.settled('h5.example', { code: 'X', scale: 2 })
    expect(await note(100)).toBe(true)
    expect((await store.waiting())[0]!.peerUrl).toBe('http://h100.example/')
  })
})
