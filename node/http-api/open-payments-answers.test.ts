import { describe, expect, it } from 'vitest'
import type { HttpClient, HttpResponse } from '../runtime/index.ts'
import {
  checkedAgainstOpenPayments,
  createAnswerCheck,
  operationOf
} from './open-payments-answers.test-support.ts'
import { undocumented, UNDOCUMENTED } from './undocumented-answers.test-support.ts'

const answer = (status: number, body?: unknown, headers: HttpResponse['headers'] = {}): HttpResponse => ({
  status,
  headers: { ...(body !== undefined && { 'content-type': 'application/json' }), ...headers },
  body: Buffer.from(body === undefined ? '' : JSON.stringify(body))
})
const error = (code?: string) => ({ error: { ...(code !== undefined && { code }), description: 'no' } })

describe('the operation that a request asks for', () => {
  it.each([
    ['auth', 'POST', '/tenant', 'auth post /'],
    ['auth', 'POST', '/continue/1', 'auth post /continue/{id}'],
    ['auth', 'DELETE', '/token/1', 'auth delete /token/{id}'],
    ['auth', 'GET', '/interact/1/2', undefined],
    ['auth', 'GET', '/discovery', undefined],
    ['openPayments', 'GET', '/tenant/quotes/1', 'resource get /quotes/{id}'],
    [
      'openPayments',
      'POST',
      '/tenant/incoming-payments/1/complete',
      'resource post /incoming-payments/{id}/complete'
    ],
    ['openPayments', 'GET', '/tenant/outgoing-payment-grant', 'resource get /outgoing-payment-grant'],
    ['openPayments', 'GET', '/tenant/quotes', 'walletAddress get /'],
    ['openPayments', 'GET', '/alice/jwks.json', 'walletAddress get /jwks.json'],
    ['openPayments', 'GET', '/', 'walletAddress get /'],
    ['openPayments', 'OPTIONS', '/tenant/quotes', undefined],
    ['openPayments', 'GET', '/healthz', undefined]
  ] as const)('%s %s %s: %s', (door, method, path, expected) => {
    const found = operationOf(door, method, path)
    expect(found && `${found.document} ${found.method} ${found.path}`).toBe(expected)
  })
})

describe('the check of answers against the documents of Open Payments', () => {
  const check = createAnswerCheck()
  const walletAddress = { document: 'walletAddress', method: 'get', path: '/' } as const
  const complete = { document: 'resource', method: 'post', path: '/incoming-payments/{id}/complete' } as const
  const grant = { document: 'auth', method: 'post', path: '/' } as const
  const cancel = { document: 'auth', method: 'delete', path: '/continue/{id}' } as const
  const body = {
    id: 'https://localhost/alice',
    assetCode: 'USD',
    assetScale: 2,
    authServer: 'https://localhost/auth',
    resourceServer: 'https://localhost/op'
  }

  it('takes what they have, and what the list has beyond them', async () => {
    await check(walletAddress, answer(200, body))
    await check(walletAddress, answer(404, error('404')))
    await check(complete, answer(409, error('409')))
    await check(cancel, answer(204))
  })

  it.each([
    ['a missing member', walletAddress, answer(200, { ...body, assetCode: undefined }), /required property/],
    ['another type', walletAddress, answer(200, { ...body, assetScale: '2' }), /assetScale must be integer/],
    [
      'another content type',
      walletAddress,
      answer(200, body, { 'content-type': 'text/html' }),
      /content type/
    ],
    ['a status of nobody', complete, answer(418, error('418')), /no such status/],
    ['a code of another error', grant, answer(401, error('too_fast')), /error\.code must be/],
    ['a body where there is none', cancel, answer(204, {}), /must be null/],
    ['an undocumented status with another form', complete, answer(409, { message: 'no' }), /description/],
    ['a code that is missing', complete, answer(400, error()), /code must be a string/],
    [
      'a challenge of another form',
      complete,
      answer(401, error('401'), { 'www-authenticate': 'Bearer' }),
      /POST .incoming-payments.\{id\}.complete \(resource\) answered 401.*\n?.*GNAP as_uri/
    ],
    ['a redirect to no URL', walletAddress, answer(302, undefined, { location: 'alice' }), /Location/]
  ])('refuses %s', async (_, operation, wrong, violation) => {
    await expect(check(operation, wrong)).rejects.toThrow(violation)
  })

  it('sees the answers of the doors it was told of, under any name of the loopback address', async () => {
    const client = { request: async () => answer(418, error('418')) } as unknown as HttpClient
    const checked = checkedAgainstOpenPayments(client, { openPayments: 'localhost:1' })
    await expect(checked.request({ method: 'GET', url: 'http://127.0.0.1:1/alice' })).rejects.toThrow(
      'GET / (walletAddress) answered 418'
    )
    expect(await checked.request({ method: 'GET', url: 'http://127.0.0.1:2/alice' })).toMatchObject({
      status: 418
    })
  })
})

it('every answer beyond the documents has its reason, and none is listed twice', () => {
  for (const [index, entry] of UNDOCUMENTED.entries()) {
    expect(entry.reason).not.toBe('')
    const [method, path] = (entry.operation ?? 'GET /').split(' ') as [string, string]
    const body = entry.code === undefined ? undefined : error(entry.code ?? undefined)
    const found = undocumented(
      { document: entry.document, method, path },
      { status: entry.status, contentType: entry.contentType ?? '', body }
    )
    expect(found).toBe(UNDOCUMENTED[index])
  }
})
