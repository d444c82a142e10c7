import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import {
  DIGEST_LIES,
  honestAttempt,
  SIGNATURE_LIES,
  signatureOf,
  without
} from '../../http-signatures/handmade.test-support.ts'
import type { Attempt } from '../../http-signatures/handmade.test-support.ts'
import { toJwk } from '../../http-signatures/index.ts'
import { serveHttp } from '../../runtime/index.ts'
import type { HttpServer } from '../../runtime/index.ts'
import { privateKeyFromSeed } from '../instance-key.ts'
import { useOpenPayments } from './open-payments.test-support.ts'
import { askableOperations, OPERATIONS } from './operations.test-support.ts'
import type { TestWalletAddress } from './testing.ts'

// Each operation of the resource server, with every signature that must not do (RFC 9421, RFC 9530). The token is
// good each time: whoever has stolen one has nothing.

describe('a signature at the resource server', () => {
  const open = useOpenPayments()
  const { desk, tokenFor } = open
  let operations: Awaited<ReturnType<typeof askableOperations>>
  beforeAll(async () => {
    operations = await askableOperations(open)
  })

  const nowMs = () => desk.node.runtime.clock.nowMs()

  async function attemptOf(operation: (typeof OPERATIONS)[number]): Promise<Attempt> {
    const { token, method, url, body } = await operations[operation]()
    const headers = { authorization: `GNAP ${token}` }
    return honestAttempt(
      { method, url, headers, ...(body !== undefined && { body }) },
      { ...desk.shop, nowMs: nowMs() }
    )
  }

  const send = ({ method, url, headers, body }: Attempt, signature: Record<string, string>) =>
    desk.node.fetch(url, {
      method: method as 'GET',
      headers: { ...headers, ...signature },
      ...(body !== undefined && { body })
    })

  /** Everything that a request could have changed. */
  async function everything() {
    const { rows } = await desk.node.database.knex.raw<{ rows: object[] }>(
      `SELECT (SELECT count(*) FROM "incomingPayments" WHERE state <> 'PENDING') AS completed,
         (SELECT count(*) FROM quotes) AS quotes, (SELECT count(*) FROM "outgoingPayments") AS payments,
         (SELECT count(*) FROM "incomingPayments") AS receivers`
    )
    return rows
  }

  const refused = (what: string) => ({
    status: 401,
    body: { error: { code: '401', description: `Signature validation error: ${what}` } }
  })
  const wrong = refused('provided signature is invalid')
  const unnamed = refused('missing keyId in signature input')
  const foreign = refused('could not find key in list of client keys')
  /** The document says that requests have the fields, but where anybody may ask; the grant's has no such check. */
  const needsNoFields: string[] = ['GET /incoming-payments/{id}', 'GET /outgoing-payment-grant']
  const missing = (field: string) => ({
    status: 400,
    body: {
      error: {
        code: '400',
        description: `Received error validating OpenAPI request: must have required property '${field}'`
      }
    }
  })
  function refusalOf(operation: string, lie: string): object {
    if (lie === 'no key id') return unnamed
    if (lie === 'the key of another') return foreign
    if (lie !== 'no signature' && lie !== 'a signature without its input') return wrong
    return needsNoFields.includes(operation) ? unnamed : missing('signature-input')
  }

  describe.each(OPERATIONS)('of %s', (operation) => {
    it('is accepted where it holds', async () => {
      const attempt = await attemptOf(operation)
      expect((await send(attempt, signatureOf(attempt))).status).toBeLessThan(300)
    })

    it.each(Object.keys(SIGNATURE_LIES))('is refused: %s', async (lie) => {
      const told = SIGNATURE_LIES[lie]!(await attemptOf(operation), { ...desk.alice, nowMs: nowMs() })
      const [attempt, signature] = Array.isArray(told) ? told : [told, signatureOf(told)]
      const before = await everything()
      expect(await send(attempt, signature)).toMatchObject(refusalOf(operation, lie))
      expect(await everything()).toEqual(before)
    })

    it('is refused where it leaves out the token that is sent', async () => {
      const attempt = without(await attemptOf(operation), 'authorization')
      expect(await send(attempt, signatureOf(attempt))).toMatchObject(wrong)
    })

    it('is refused where its nonce was used before, once it was good', async () => {
      const attempt = { ...(await attemptOf(operation)), nonce: `${operation} nonce` }
      // A request that was refused spends no nonce: who cannot sign cannot spend those of others.
      const forged = signatureOf({ ...attempt, privateKey: desk.alice.privateKey })
      expect(await send(attempt, forged)).toMatchObject(wrong)
      expect((await send(attempt, signatureOf(attempt))).status).toBeLessThan(300)
      const before = await everything()
      expect(await send(attempt, signatureOf(attempt))).toMatchObject(wrong)
      expect(await everything()).toEqual(before)
    })
  })

  describe.each(['POST /incoming-payments', 'POST /quotes', 'POST /outgoing-payments'] as const)(
    'of the body of %s',
    (operation) => {
      it.each(Object.keys(DIGEST_LIES))('is refused: %s', async (lie) => {
        const honest = await attemptOf(operation)
        const another = JSON.stringify({ ...(JSON.parse(honest.body!) as object), metadata: {} })
        const body = operation === 'POST /quotes' ? honest.body!.replace('"10"', '"11"') : another
        const attempt = DIGEST_LIES[lie]!(honest, body)
        const before = await everything()
        expect(await send(attempt, signatureOf(attempt))).toMatchObject(wrong)
        expect(await everything()).toEqual(before)
      })
    }
  )

  it('of a client of this node is refused the moment its key is revoked', async () => {
    const brief = await desk.node.createWalletAddress('brief', desk.assetId, 8)
    const attempt = await createBy(brief)
    expect((await send(attempt, signatureOf(attempt))).status).toBe(201)
    const key = await desk.node.admin<{
      walletAddress: { walletAddressKeys: { edges: { node: { id: string } }[] } }
    }>(`query ($id: String!) { walletAddress(id: $id) { walletAddressKeys { edges { node { id } } } } }`, {
      id: brief.id
    })
    const { data } = await desk.node.admin(
      `mutation ($input: RevokeWalletAddressKeyInput!) {
         revokeWalletAddressKey(input: $input) { walletAddressKey { revoked } } }`,
      { input: { id: key.data!.walletAddress.walletAddressKeys.edges[0]!.node.id } }
    )
    expect(data).toEqual({ revokeWalletAddressKey: { walletAddressKey: { revoked: true } } })
    expect(await send(attempt, signatureOf(attempt))).toMatchObject(foreign)
    expect((await desk.node.fetch(`${brief.url}/jwks.json`)).body).toEqual({ keys: [] })
  })

  describe('of a client elsewhere', () => {
    let keys: object[]
    let isThere = true
    let server: HttpServer
    let client: Pick<TestWalletAddress, 'url' | 'keyId' | 'privateKey'>

    beforeAll(async () => {
      const address = { host: '127.0.0.1', port: 0 }
      server = await serveHttp(desk.node.runtime, address, (request, response) => {
        response.writeHead(isThere ? 200 : 503, { 'content-type': 'application/json' })
        response.end(JSON.stringify(request.url === '/client/jwks.json' ? { keys } : {}))
      })
      client = {
        url: `https://127.0.0.1:${server.address.port}/client`,
        keyId: 'elsewhere',
        privateKey: privateKeyFromSeed(Buffer.alloc(32, 12))
      }
      keys = [toJwk(client.privateKey, client.keyId)]
    })
    afterAll(() => server.stop(0))

    it.each<[string, () => void, string]>([
      [
        'whose key was taken out of its key set a moment ago',
        () => void (keys = []),
        foreign.body.error.description
      ],
      [
        'whose key set cannot be read',
        () => void (isThere = false),
        'Signature validation error: could not retrieve client keys'
      ]
    ])('is refused: one %s', async (_, change, description) => {
      const attempt = await createBy(client)
      expect((await send(attempt, signatureOf(attempt))).status).toBe(201)
      change()
      try {
        expect(await send(attempt, signatureOf(attempt))).toMatchObject({
          status: 401,
          body: { error: { description } }
        })
      } finally {
        keys = [toJwk(client.privateKey, client.keyId)]
        isThere = true
      }
      expect((await send(attempt, signatureOf(attempt))).status).toBe(201)
    })
  })

  /** An incoming payment for bob, asked for by a client that was granted it. */
  async function createBy(by: Pick<TestWalletAddress, 'url' | 'keyId' | 'privateKey'>): Promise<Attempt> {
    const token = await tokenFor(by, 'incoming-payment', ['create'])
    return honestAttempt(
      {
        method: 'POST',
        url: `${desk.resources}/incoming-payments`.replace('https:', 'http:'),
        headers: { authorization: `GNAP ${token}` },
        body: JSON.stringify({ walletAddress: desk.bob.url })
      },
      { keyId: by.keyId, privateKey: by.privateKey, nowMs: nowMs() }
    )
  }
})
