import { createPrivateKey } from 'node:crypto'
import pino from 'pino'
import { describe, expect, it } from 'vitest'
import {
  createContentDigest,
  createNonceGuard,
  signRequest,
  thumbprintUri,
  toJwk
} from '../../http-signatures/index.ts'
import { createManualClock, createMemoryCache } from '../../runtime/index.ts'
import type { TokenInfo } from '../../token-introspection/index.ts'
import type { WalletAddress, WalletAddressKey } from '../wallet-addresses/model.ts'
import { createAuthorizer } from './authorize.ts'

const ORIGIN = 'http://localhost:3003'
const CLIENT = 'https://wallet.example/client'
const GRANT = '11111111-1111-4111-8111-111111111111'

function keyPair(seed: number, kid: string) {
  const prefix = Buffer.from('302e020100300506032b657004220420', 'hex')
  const der = Buffer.concat([prefix, Buffer.alloc(32, seed)])
  const privateKey = createPrivateKey({ key: der, format: 'der', type: 'pkcs8' })
  return { privateKey, jwk: toJwk(privateKey, kid) }
}

const clientKey = keyPair(1, 'client-key')
const otherKey = keyPair(2, 'client-key')

const active = (changes: object = {}): TokenInfo =>
  ({
    active: true,
    grant: GRANT,
    access: [{ type: 'incoming-payment', actions: ['read'] }],
    client: { walletAddress: CLIENT },
    ...changes
  }) as TokenInfo

interface World {
  info?: TokenInfo | Error
  own?: { isActive: boolean; jwk: WalletAddressKey['jwk'] }
  key?: typeof clientKey
}

function world({ info = active(), own, key = clientKey }: World = {}) {
  const clock = createManualClock()
  const asked: unknown[] = []
  const fetched: string[] = []
  const authorizer = createAuthorizer({
    introspection: {
      async introspect(question) {
        asked.push(question)
        if (info instanceof Error) throw info
        return info
      }
    },
    clientKeys: {
      async getKey(walletAddress, keyIds) {
        fetched.push(walletAddress)
        if (!keyIds.includes(clientKey.jwk.kid)) return { ok: false, code: 'unknown_key', message: 'no key' }
        return walletAddress === CLIENT
          ? { ok: true, key: clientKey.jwk }
          : { ok: false, code: 'unreachable', message: 'nobody there' }
      }
    },
    walletAddresses: {
      byUrl: async (url) =>
        own && url === CLIENT ? ({ id: 'own', isActive: own.isActive } as WalletAddress) : undefined,
      activeKeys: async () => [{ jwk: own!.jwk } as WalletAddressKey]
    },
    nonces: createNonceGuard(createMemoryCache({ clock })),
    instance: { walletAddressUrl: `${ORIGIN}/.well-known/pay`, key: keyPair(3, 'instance').jwk },
    publicOrigin: ORIGIN,
    clock,
    logger: pino({ level: 'silent' })
  })

  function request(changes: { authorization?: string; url?: string; body?: string } = {}) {
    const { url = '/tenant/incoming-payments/1', body } = changes
    const authorization = 'authorization' in changes ? changes.authorization : 'GNAP TOKEN'
    const headers = signRequest({
      method: body === undefined ? 'GET' : 'POST',
      url: `${ORIGIN}${url}`,
      headers: authorization === undefined ? {} : { authorization },
      ...(body !== undefined && { body }),
      keyId: key.jwk.kid,
      privateKey: key.privateKey,
      nowMs: clock.nowMs()
    })
    return {
      method: body === undefined ? 'GET' : 'POST',
      url,
      headers: headers as Record<string, string | undefined>,
      rawBody: Buffer.from(body ?? '')
    }
  }
  return { authorizer, request, asked, fetched, clock }
}

const TENANT = '22222222-2222-4222-8222-222222222222'
const read = {
  type: 'incoming-payment',
  action: 'read',
  tenantId: TENANT,
  identifier: 'https://a.example/bob'
} as const

describe('authorization', () => {
  it('admits what the grant allows and the client signed', async () => {
    const { authorizer, request, asked } = world()
    expect(await authorizer.authorize(request(), read)).toEqual({
      client: CLIENT,
      all: false,
      grant: { id: GRANT }
    })
    expect(asked).toEqual([
      {
        access_token: 'TOKEN',
        tenantId: TENANT,
        access: [{ type: 'incoming-payment', actions: ['read'], identifier: 'https://a.example/bob' }]
      }
    ])
  })

  it('sees the resources of all clients with read-all', async () => {
    const info = active({ access: [{ type: 'incoming-payment', actions: ['create', 'read-all'] }] })
    const { authorizer, request } = world({ info })
    expect(await authorizer.authorize(request(), read)).toMatchObject({ all: true })
  })

  it('hands on the limits of an outgoing payment grant', async () => {
    const limits = {
      receiver: 'https://b.example/1/incoming-payments/2',
      debitAmount: { value: '18446744073709551615', assetCode: 'USD', assetScale: 2 },
      interval: 'R/2026-01-01T00:00:00Z/P1M'
    }
    const info = active({ access: [{ type: 'outgoing-payment', actions: ['create'], limits }] })
    const { authorizer, request } = world({ info })
    const { grant } = (await authorizer.authorize(request(), {
      type: 'outgoing-payment',
      action: 'create',
      tenantId: TENANT
    })) as { grant: unknown }
    expect(grant).toEqual({
      id: GRANT,
      limits: { ...limits, debitAmount: { value: 2n ** 64n - 1n, assetCode: 'USD', assetScale: 2 } }
    })
  })

  it('refuses a limit that it cannot read rather than lifting it', async () => {
    const limits = { debitAmount: { value: '1e3', assetCode: 'USD', assetScale: 2 } }
    const info = active({ access: [{ type: 'outgoing-payment', actions: ['create'], limits }] })
    const { authorizer, request } = world({ info })
    expect(
      await authorizer.authorize(request(), { type: 'outgoing-payment', action: 'create', tenantId: TENANT })
    ).toMatchObject({ refusal: { status: 403, description: 'Insufficient Grant' } })
  })

  it.each<[string, World, { authorization?: string }, number, string]>([
    ['no token', {}, { authorization: undefined }, 401, 'Missing or invalid authorization header value'],
    [
      'another scheme',
      {},
      { authorization: 'Bearer T' },
      401,
      'Missing or invalid authorization header value'
    ],
    ['two tokens', {}, { authorization: 'GNAP A B' }, 401, 'Missing or invalid authorization header value'],
    ['no answer', { info: new Error('down') }, {}, 401, 'Invalid Token'],
    ['a dead token', { info: { active: false } }, {}, 403, 'Inactive Token'],
    ['no access', { info: active({ access: [] }) }, {}, 403, 'Insufficient Grant'],
    [
      'two accesses',
      {
        info: active({
          access: [
            { type: 'quote', actions: ['read'] },
            { type: 'quote', actions: ['read'] }
          ]
        })
      },
      {},
      403,
      'Unexpected number of access items'
    ]
  ])('challenges a request with %s', async (_, setting, changes, status, description) => {
    const { authorizer, request } = world(setting)
    expect(await authorizer.authorize(request(changes), read)).toEqual({
      refusal: { status, description, challenge: true }
    })
  })

  describe('signatures', () => {
    const refused = (what: string) => ({
      refusal: { status: 401, description: `Signature validation error: ${what}` }
    })

    it('are needed', async () => {
      const { authorizer, request } = world()
      const unsigned = request()
      delete unsigned.headers.signature
      expect(await authorizer.authorize(unsigned, read)).toEqual(refused('missing keyId in signature input'))
    })

    it('must be readable', async () => {
      const { authorizer, request } = world()
      const garbled = request()
      garbled.headers['signature-input'] = 'sig1=("@method'
      expect(await authorizer.authorize(garbled, read)).toEqual(refused('provided signature is invalid'))
    })

    it('must be of the key that the client publishes', async () => {
      const { authorizer, request } = world({ key: otherKey })
      expect(await authorizer.authorize(request(), read)).toMatchObject(
        refused('provided signature is invalid')
      )
    })

    it.each(['method', 'url', 'authorization', 'body'] as const)('cover the %s', async (part) => {
      const { authorizer, request } = world()
      const signed = request({ body: '{"a":1}' })
      const tampered = {
        ...signed,
        headers: { ...signed.headers },
        ...(part === 'method' && { method: 'PUT' }),
        ...(part === 'url' && { url: '/tenant/incoming-payments/2' }),
        ...(part === 'body' && { rawBody: Buffer.from('{"a":2}') })
      }
      if (part === 'authorization') tampered.headers.authorization = 'GNAP STOLEN'
      expect(await authorizer.authorize(signed, read)).not.toHaveProperty('refusal')
      expect(await authorizer.authorize(tampered, read)).toMatchObject(
        refused('provided signature is invalid')
      )
    })

    it('with another digest of another body are refused', async () => {
      const { authorizer, request } = world()
      const signed = request({ body: '{"a":1}' })
      const rawBody = Buffer.from('{"a":2}')
      signed.headers['content-digest'] = createContentDigest(rawBody.toString())
      expect(await authorizer.authorize({ ...signed, rawBody }, read)).toMatchObject(
        refused('provided signature is invalid')
      )
    })

    it('are refused once they are old', async () => {
      const { authorizer, request, clock } = world()
      const signed = request()
      await clock.advance(61_000)
      expect(await authorizer.authorize(signed, read)).toMatchObject(refused('provided signature is invalid'))
    })

    it('by a key id that the client does not publish', async () => {
      const { authorizer, request } = world({ key: keyPair(1, 'unknown') })
      expect(await authorizer.authorize(request(), read)).toMatchObject(
        refused('could not find key in list of client keys')
      )
    })

    it('of a client whose keys cannot be fetched', async () => {
      const info = active({ client: { walletAddress: 'https://elsewhere.example/client' } })
      const { authorizer, request } = world({ info })
      expect(await authorizer.authorize(request(), read)).toMatchObject(
        refused('could not retrieve client keys')
      )
    })

    it('of a client that is known by its key', async () => {
      const { authorizer, request } = world({ info: active({ client: { jwk: clientKey.jwk } }) })
      const authorization = await authorizer.authorize(request(), read)
      const client = thumbprintUri(clientKey.jwk)
      expect(authorization).toEqual({ all: false, grant: { id: GRANT }, client })
      expect(client).toMatch(/^urn:ietf:params:oauth:jwk-thumbprint:sha-256:[\w-]{43}$/)
    })

    it('of a client that is known by another key', async () => {
      const { authorizer, request } = world({
        info: active({ client: { jwk: keyPair(1, 'another').jwk } })
      })
      expect(await authorizer.authorize(request(), read)).toEqual(refused('invalid key id'))
    })

    it('of our own wallet addresses are verified without asking anybody', async () => {
      const { authorizer, request, fetched } = world({ own: { isActive: true, jwk: clientKey.jwk } })
      expect(await authorizer.authorize(request(), read)).toMatchObject({ client: CLIENT })
      expect(fetched).toEqual([])
    })

    it('of a wallet address that was deactivated are refused', async () => {
      const { authorizer, request } = world({ own: { isActive: false, jwk: clientKey.jwk } })
      expect(await authorizer.authorize(request(), read)).toEqual(
        refused('could not find key in list of client keys')
      )
    })

    it('without a nonce may be repeated: honest clients send equal requests within one second', async () => {
      const { authorizer, request } = world()
      const signed = request()
      expect(await authorizer.authorize(signed, read)).not.toHaveProperty('refusal')
      expect(await authorizer.authorize(signed, read)).not.toHaveProperty('refusal')
    })
  })
})
