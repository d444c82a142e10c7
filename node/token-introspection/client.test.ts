import { describe, expect, it } from 'vitest'
import { HttpClientError } from '../runtime/index.ts'
import type { HttpClient, HttpRequest } from '../runtime/index.ts'
import { createClient, isActiveTokenInfo, isClientJwk, isClientWalletAddress } from './index.ts'

const active = {
  active: true,
  grant: '11111111-1111-4111-8111-111111111111',
  access: [
    {
      type: 'outgoing-payment',
      actions: ['create'],
      identifier: 'https://a.example/x',
      limits: { debitAmount: { value: '18446744073709551615', assetCode: 'USD', assetScale: 2 } }
    }
  ],
  client: { walletAddress: 'https://c.example/client' }
}

function clientAnswering(status: number, body: unknown) {
  const requests: HttpRequest[] = []
  const httpClient = {
    async request(request: HttpRequest) {
      requests.push(request)
      if (body instanceof Error) throw body
      return {
        status,
        headers: {},
        body: Buffer.from(typeof body === 'string' ? body : JSON.stringify(body))
      }
    }
  } as unknown as HttpClient
  const client = createClient({ url: 'http://auth.example:3007/', httpClient, requestTimeoutMs: 1_234 })
  return { client, requests }
}

describe('createClient', () => {
  it('asks for a token and gives the valid answer', async () => {
    const { client, requests } = clientAnswering(200, active)
    const info = await client.introspect({
      access_token: 'A',
      access: [{ type: 'quote', actions: ['read'] }]
    })
    expect(info).toEqual(active)
    expect(isActiveTokenInfo(info) && isClientWalletAddress(info.client)).toBe(true)
    expect(requests).toMatchObject([
      {
        method: 'POST',
        url: 'http://auth.example:3007/',
        timeoutMs: 1_234,
        body: '{"access_token":"A","access":[{"type":"quote","actions":["read"]}]}'
      }
    ])
  })

  it('names the tenant beside the body', async () => {
    const { client, requests } = clientAnswering(200, active)
    await client.introspect({ access_token: 'A', tenantId: 't' })
    expect(requests).toMatchObject([{ headers: { 'tenant-id': 't' }, body: '{"access_token":"A"}' }])
  })

  it('tells clients by key from clients by wallet address', async () => {
    const jwk = { kid: 'k', x: 'x', alg: 'EdDSA', kty: 'OKP', crv: 'Ed25519' }
    const info = await clientAnswering(200, { ...active, client: { jwk } }).client.introspect({
      access_token: 'A'
    })
    expect(isActiveTokenInfo(info) && isClientJwk(info.client) && !isClientWalletAddress(info.client)).toBe(
      true
    )
  })

  it('gives an inactive token as such', async () => {
    const info = await clientAnswering(200, { active: false }).client.introspect({ access_token: 'A' })
    expect(isActiveTokenInfo(info)).toBe(false)
  })

  it.each<[string, number, unknown]>([
    ['no answer', 200, new HttpClientError('ECONNREFUSED', 'refused')],
    ['an error status', 500, active],
    ['no JSON', 200, '<html>'],
    ['an active token without grant', 200, { ...active, grant: undefined }],
    ['an active token without client', 200, { ...active, client: {} }],
    [
      'an amount that is no integer',
      200,
      {
        ...active,
        access: [
          { ...active.access[0], limits: { debitAmount: { value: '1.5', assetCode: 'USD', assetScale: 2 } } }
        ]
      }
    ],
    [
      'a limit nobody knows',
      200,
      { ...active, access: [{ ...active.access[0], limits: { maxPayments: 1 } }] }
    ],
    ['something else', 200, []]
  ])('fails on %s', async (_, status, body) => {
    const { client } = clientAnswering(status, body)
    await expect(client.introspect({ access_token: 'A' })).rejects.toThrow(
      'Error when making introspection request: '
    )
  })
})
