import { generateKeyPairSync } from 'node:crypto'
import { describe, expect, it } from 'vitest'
import { HttpClientError } from '../runtime/index.ts'
import type { HttpClient, HttpRequest, HttpResponse } from '../runtime/index.ts'
import { createClientKeyFetcher, toJwk } from './index.ts'

const key = toJwk(generateKeyPairSync('ed25519').privateKey, 'key-1')

/** A client whose answers the test gives, and which remembers what was asked. */
function clientAnswering(
  answer: (request: HttpRequest) => Partial<HttpResponse> | Promise<Partial<HttpResponse>>
) {
  const asked: string[] = []
  const httpClient = {
    async request(request: HttpRequest) {
      asked.push(request.url)
      return { status: 200, headers: {}, body: Buffer.alloc(0), ...(await answer(request)) }
    }
  } as unknown as HttpClient
  return { asked, httpClient }
}

const jsonBody = (value: unknown) => ({ body: Buffer.from(JSON.stringify(value)) })

describe('createClientKeyFetcher', () => {
  it('finds a key by its id, over the scheme of the network', async () => {
    const { asked, httpClient } = clientAnswering(() => jsonBody({ keys: [{ kty: 'RSA' }, key] }))
    const keys = createClientKeyFetcher({ httpClient, scheme: 'http' })
    expect(await keys.getKey('https://wallet.example:4000/alice/', 'key-1')).toEqual({ ok: true, key })
    expect(asked).toEqual(['http://wallet.example:4000/alice/jwks.json'])
    expect(await keys.getKey('https://wallet.example/alice', ['other', 'key-1'])).toEqual({ ok: true, key })
    expect(await keys.getKey('https://wallet.example/alice', 'other')).toMatchObject({
      ok: false,
      code: 'unknown_key'
    })
  })

  it('shares a request that is under way and keeps nothing after it', async () => {
    let release!: () => void
    const gate = new Promise<void>((resolve) => (release = resolve))
    const { asked, httpClient } = clientAnswering(async () => {
      await gate
      return jsonBody({ keys: [key] })
    })
    const keys = createClientKeyFetcher({ httpClient, scheme: 'https' })
    const both = Promise.all([
      keys.getKey('https://a.example/x', 'key-1'),
      keys.getKey('https://a.example/x', 'key-1')
    ])
    release()
    expect((await both).map(({ ok }) => ok)).toEqual([true, true])
    expect(asked).toHaveLength(1)
    await keys.getKey('https://a.example/x', 'key-1')
    expect(asked).toHaveLength(2)
  })

  it.each([
    ['no URL', 'alice', 'invalid_url'],
    ['plain http where https is spoken', 'http://a.example/x', 'invalid_url'],
    ['credentials', 'https://u:p@a.example/x', 'invalid_url'],
    ['a query', 'https://a.example/x?y=1', 'invalid_url'],
    ['another scheme', 'file:///etc/passwd', 'invalid_url']
  ])('refuses %s as a wallet address', async (_, walletAddress, code) => {
    const { asked, httpClient } = clientAnswering(() => jsonBody({ keys: [key] }))
    const keys = createClientKeyFetcher({ httpClient, scheme: 'https' })
    expect(await keys.getKey(walletAddress, 'key-1')).toMatchObject({ ok: false, code })
    expect(await keys.getWalletAddress(walletAddress)).toMatchObject({ ok: false, code })
    expect(asked).toEqual([])
  })

  it.each<[string, () => Partial<HttpResponse>, string]>([
    ['a redirect', () => ({ status: 302, headers: { location: 'https://b.example' } }), 'unreachable'],
    ['an error status', () => ({ status: 500 }), 'unreachable'],
    ['no JSON', () => ({ body: Buffer.from('<html>') }), 'malformed'],
    ['another document', () => jsonBody({ keys: {} }), 'malformed'],
    [
      'a connection that fails',
      () => {
        throw new HttpClientError('ECONNREFUSED', 'refused')
      },
      'unreachable'
    ]
  ])('reports %s', async (_, answer, code) => {
    const keys = createClientKeyFetcher({ ...clientAnswering(answer), scheme: 'https' })
    expect(await keys.getKey('https://a.example/x', 'key-1')).toMatchObject({ ok: false, code })
  })

  it('reads a wallet address', async () => {
    const document = {
      id: 'https://a.example/x',
      publicName: 'Alice',
      assetCode: 'USD',
      assetScale: 2,
      authServer: 'https://auth.example/t',
      resourceServer: 'https://op.example/t'
    }
    const good = createClientKeyFetcher({ ...clientAnswering(() => jsonBody(document)), scheme: 'https' })
    expect(await good.getWalletAddress('https://a.example/x')).toEqual({ ok: true, walletAddress: document })
    const bad = createClientKeyFetcher({
      ...clientAnswering(() => jsonBody({ ...document, assetScale: -1 })),
      scheme: 'https'
    })
    expect(await bad.getWalletAddress('https://a.example/x')).toMatchObject({ ok: false, code: 'malformed' })
  })
})
