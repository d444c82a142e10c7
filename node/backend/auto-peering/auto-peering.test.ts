import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { ADDRESS_SCHEMES, isAddressPrefix } from '../../ilp/index.ts'
import { createHttpClient, createMemoryCache, createSystemRuntime } from '../../runtime/index.ts'
import { loadBackendConfig } from '../config.ts'
import { createTransportByTrust } from '../connector/index.ts'
import type { Transport } from '../connector/index.ts'
import type { Peer } from '../peers/model.ts'
import { TEST_ENVIRONMENT } from '../testing.ts'
import { problemOfClaim } from './addresses.ts'
import { admitsAsset, creditOf, parseAssets, parseHosts } from './policy.ts'
import { createProofs, PEERING_NONCE_HEADER, PEERING_URL_HEADER } from './proof.ts'
import { readAnswer, readProof, readRefusal, readRequest, writeRequest } from './wire.ts'

const configured = (environment: Record<string, string>) =>
  loadBackendConfig({ ...TEST_ENVIRONMENT, ...environment })

describe('the policy of auto-peering', () => {
  it('is closed, and otherwise asks the operator and grants no credit, unless he says more', () => {
    const config = configured({})
    expect(config).toMatchObject({
      ENABLE_AUTO_PEERING: false,
      AUTO_PEERING_SERVER_PORT: 3005,
      AUTO_PEERING_POLICY: 'approve',
      AUTO_PEERING_ALLOW: []
    })
    expect(config.AUTO_PEERING_ASSETS).toBeUndefined()
    const policy = { mode: config.AUTO_PEERING_POLICY, allowedHosts: [], assets: config.AUTO_PEERING_ASSETS }
    expect(admitsAsset(policy, { code: 'USD', scale: 2 })).toBe(true)
    expect(creditOf(policy, { code: 'USD', scale: 2 })).toBe(0n)
  })

  it('reads hosts, assets and credits', () => {
    const config = configured({
      AUTO_PEERING_POLICY: 'allow-list',
      AUTO_PEERING_ALLOW: 'A.example, 10.0.0.1,[::1]',
      AUTO_PEERING_ASSETS: 'USD/2:18446744073709551615, EUR/0'
    })
    expect(config.AUTO_PEERING_ALLOW).toEqual(['a.example', '10.0.0.1', '[::1]'])
    const policy = { mode: config.AUTO_PEERING_POLICY, allowedHosts: [], assets: config.AUTO_PEERING_ASSETS }
    expect(creditOf(policy, { code: 'USD', scale: 2 })).toBe(2n ** 64n - 1n)
    expect(creditOf(policy, { code: 'EUR', scale: 0 })).toBe(0n)
    expect(admitsAsset(policy, { code: 'EUR', scale: 0 })).toBe(true)
    expect(admitsAsset(policy, { code: 'EUR', scale: 2 })).toBe(false)
  })

  it.each(['https://a.example', 'a b', 'a..b', '*.example', 'a.example:80'])(
    'refuses the host %j',
    (text) => {
      expect(parseHosts(text)).toBeUndefined()
      expect(() => configured({ AUTO_PEERING_ALLOW: text })).toThrow(/AUTO_PEERING_ALLOW holds/)
    }
  )

  it.each(['USD', 'USD/256', 'USD/2:-1', 'USD/2:1.5', 'USD/2:18446744073709551616', 'USD/2,USD/2:5'])(
    'refuses the assets %j',
    (text) => {
      expect(parseAssets(text)).toBeUndefined()
      expect(() => configured({ AUTO_PEERING_ASSETS: text })).toThrow(/AUTO_PEERING_ASSETS holds/)
    }
  )
})

describe('an address that is claimed', () => {
  const own = 'test.acacia'
  const segment = fc.constantFrom('acacia', 'a', 'b', 'ab', 'hub')
  const address = fc
    .tuple(fc.constantFrom('test', 'g'), fc.array(segment, { minLength: 1, maxLength: 3 }))
    .map(([scheme, segments]) => [scheme, ...segments].join('.'))
  const peerAt = (
    staticIlpAddress: string,
    host: string,
    isAutoPeered: boolean,
    routes: readonly string[] = []
  ): Peer =>
    ({
      staticIlpAddress,
      routes: [staticIlpAddress, ...routes],
      http: { outgoing: { endpoint: `http://${host}:3002/ilp`, authToken: '' } },
      ...(isAutoPeered && { isAutoPeered, autoPeeredHost: host })
    }) as Peer

  it('takes nothing that is routed elsewhere: of this node, of another peer, of another network', () => {
    fc.assert(
      fc.property(
        address,
        fc.array(
          fc.tuple(
            address,
            fc.constantFrom('mine.example', 'other.example'),
            fc.boolean(),
            fc.array(fc.oneof(address, fc.constantFrom('test', 'g')), { maxLength: 2 })
          ),
          { maxLength: 4 }
        ),
        fc.boolean(),
        (claimed, others, mayBeParent) => {
          const peers = others.map(([at, host, isAutoPeered, routes]) =>
            peerAt(at, host, isAutoPeered, routes)
          )
          const problem = problemOfClaim({ address: claimed, host: 'mine.example', own, peers, mayBeParent })
          if (problem !== undefined) return
          expect(claimed.startsWith('test.')).toBe(true)
          expect(isAddressPrefix(own, claimed)).toBe(false)
          if (!mayBeParent) expect(isAddressPrefix(claimed, own)).toBe(false)
          for (const [at, host, isAutoPeered, routes] of others) {
            if (isAutoPeered && host === 'mine.example') continue
            for (const prefix of [at, ...routes]) {
              // A parent's address and a route for everything else are the beginning of everybody's.
              if (isAddressPrefix(prefix, own)) continue
              expect([prefix, isAddressPrefix(prefix, claimed), isAddressPrefix(claimed, prefix)]).toEqual([
                prefix,
                false,
                false
              ])
            }
          }
        }
      )
    )
  })

  it('is free where it is nobody else’s', () => {
    const claim = { address: 'test.b', host: 'b.example', own, mayBeParent: false }
    expect(problemOfClaim({ ...claim, peers: [peerAt('test.c', 'c.example', false)] })).toBeUndefined()
    expect(problemOfClaim({ ...claim, peers: [peerAt('test.b', 'b.example', true)] })).toBeUndefined()
    // Our own address begins with that of our parent, whom the operator chose.
    const parent = { ...claim, own: 'test.acacia.child', peers: [] }
    expect(problemOfClaim({ ...parent, address: 'test.acacia', mayBeParent: true })).toBeUndefined()
    expect(problemOfClaim({ ...parent, address: 'test.acacia' })).toMatch(/lies below/)
    // A peer that the operator made is never taken over, whatever its host.
    expect(problemOfClaim({ ...claim, peers: [peerAt('test.b', 'b.example', false)] })).toMatch(
      /another peer/
    )
    expect(
      problemOfClaim({ ...claim, address: 'test.b.c', peers: [peerAt('test.b', 'x.example', true)] })
    ).toMatch(/another peer/)
    expect(problemOfClaim({ ...claim, peers: [peerAt('test.c', 'c.example', false, ['test.b.x'])] })).toMatch(
      /routed to another peer/
    )
    expect(
      problemOfClaim({ ...claim, peers: [peerAt('test.c', 'c.example', false, ['test'])] })
    ).toBeUndefined()
  })
})

describe('bodies of auto-peering', () => {
  const request = fc.record(
    {
      staticIlpAddress: fc.constantFrom(...ADDRESS_SCHEMES).map((scheme) => `${scheme}.x`),
      ilpConnectorUrl: fc.webUrl(),
      asset: fc.record({ code: fc.string({ minLength: 1, maxLength: 5 }), scale: fc.nat(255) }),
      httpToken: fc.uuid(),
      maxPacketAmount: fc.bigInt(0n, 2n ** 64n - 1n),
      name: fc.string()
    },
    { requiredKeys: ['staticIlpAddress', 'ilpConnectorUrl', 'asset', 'httpToken'] }
  )

  it('are read as they were written', () => {
    fc.assert(
      fc.property(request, (one) => {
        fc.pre(!JSON.stringify({ ...one, maxPacketAmount: 0 }).includes('\\u0000'))
        expect(readRequest(Buffer.from(writeRequest(one)))).toEqual(one)
      })
    )
  })

  it('are read or refused, whatever they hold', () => {
    const mutated = fc
      .tuple(request.map(writeRequest), fc.nat(), fc.uint8Array({ maxLength: 4 }))
      .map(([text, at, bytes]) => {
        const body = Buffer.from(text)
        const position = at % body.length
        return Buffer.concat([body.subarray(0, position), bytes, body.subarray(position + bytes.length)])
      })
    const anything = fc.oneof(
      mutated,
      fc.uint8Array({ maxLength: 64 }).map((bytes) => Buffer.from(bytes)),
      fc.jsonValue().map((value) => Buffer.from(JSON.stringify(value)))
    )
    fc.assert(
      fc.property(anything, (body) => {
        for (const read of [readRequest, readAnswer, readProof]) expect(read(body)).toBeTypeOf('object')
        readRefusal(body)
      })
    )
  })

  it.each(['http://user:password@x/', 'ftp://x/', 'x', ''])('name no connector at %j', (ilpConnectorUrl) => {
    const body = { staticIlpAddress: 'test.x', asset: { code: 'A', scale: 2 }, httpToken: 'x'.repeat(16) }
    expect(readRequest(Buffer.from(JSON.stringify({ ...body, ilpConnectorUrl })))).toHaveProperty('problem')
  })
})

describe('private addresses in auto-peering', () => {
  it('are not called back in production, whatever a stranger claims', async () => {
    const runtime = createSystemRuntime({ name: 'test', logLevel: 'silent' })
    const { ALLOW_PRIVATE_ADDRESSES } = configured({ NODE_ENV: 'production' })
    expect(ALLOW_PRIVATE_ADDRESSES).toBe(false)
    const httpClient = createHttpClient(runtime, { allowPrivateAddresses: ALLOW_PRIVATE_ADDRESSES })
    const proofs = createProofs({
      ...runtime,
      cache: createMemoryCache(runtime),
      httpClient,
      ownUrl: 'http://own/'
    })
    const nonce = runtime.random.uuid()
    for (const host of ['127.0.0.1', 'localhost', '10.1.2.3', '169.254.169.254', '[::1]']) {
      const claim = { peeringUrl: `http://${host}:1/`, nonce }
      expect(await proofs.check(claim, host, Buffer.from('{}'))).toMatchObject({
        failure: 'PeeringNotProven',
        message: expect.stringContaining('private address') as string
      })
    }
    await httpClient.close()
    runtime.kill()
  })

  it('are guarded for packets as well: peers that chose their endpoint go by the guarded transport', async () => {
    const used: string[] = []
    const transport = (name: string): Transport => ({
      async send() {
        used.push(name)
        return { kind: 'notSent', code: 'T01', reason: '' }
      },
      close: async () => void used.push(`${name} closed`)
    })
    const both = createTransportByTrust({
      plain: transport('plain'),
      guarded: transport('guarded'),
      isGuarded: (peer) => peer.isAutoPeered === true
    })
    await both.send({ isAutoPeered: true } as Peer, Buffer.alloc(0), { expiresAtMs: 0, giveUpAtMs: 0 })
    await both.send({} as Peer, Buffer.alloc(0), { expiresAtMs: 0, giveUpAtMs: 0 })
    await both.close()
    expect(used).toEqual(['guarded', 'plain', 'plain closed', 'guarded closed'])
  })
})

describe('proofs', () => {
  it('are told for the nonce that was issued, for one minute, to the audience that was asked', async () => {
    const runtime = createSystemRuntime({ name: 'test', logLevel: 'silent' })
    let nowMs = 0
    const cache = createMemoryCache({ clock: { ...runtime.clock, nowMs: () => nowMs } })
    const proofs = createProofs({
      ...runtime,
      cache,
      httpClient: createHttpClient(runtime),
      ownUrl: 'http://own:1/'
    })
    const headers = await proofs.issue('{}', 'https://other.example:3005/some/path')
    expect(headers[PEERING_URL_HEADER]).toBe('http://own:1/')
    const nonce = headers[PEERING_NONCE_HEADER]!
    expect(await proofs.answer(nonce)).toMatchObject({ audience: 'https://other.example:3005' })
    expect(await proofs.answer(runtime.random.uuid())).toBeUndefined()
    expect(await proofs.answer('../x')).toBeUndefined()
    nowMs = 60_000
    expect(await proofs.answer(nonce)).toBeUndefined()
    runtime.kill()
  })
})
