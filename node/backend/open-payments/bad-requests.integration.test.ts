import { beforeAll, describe, expect, it } from 'vitest'
import { OPERATOR_ID } from '../testing.ts'
import { MAX_BODY_BYTES } from './body.ts'
import { useOpenPayments, UNKNOWN_ID } from './open-payments.test-support.ts'
import type { TestNode, TestWalletAddress } from './testing.ts'

describe('Open Payments, as third parties see it: bad requests', () => {
  const { desk, tokenFor, signed } = useOpenPayments()
  let node: TestNode
  let alice: TestWalletAddress
  let bob: TestWalletAddress
  let shop: TestWalletAddress
  let resources: string
  beforeAll(() => {
    ;({ node, alice, bob, shop, resources } = desk)
  })

  describe('bad requests', () => {
    const post = (url: string, body: string | undefined, token: string) =>
      node.fetch(url, signed(shop, 'POST', url, { token, ...(body !== undefined && { body }) }))
    const error = (status: number, description: unknown) => ({
      status,
      body: { error: { code: String(status), description } }
    })

    it.each([
      ['incoming-payments', 'GET'],
      ['quotes', 'GET'],
      ['outgoing-payments', 'GET'],
      ['incoming-payments', 'POST']
    ] as const)(
      'about unknown ids of %s (%s) are unauthorized before anything else',
      async (kind, method) => {
        for (const id of [UNKNOWN_ID, '1', "';--"]) {
          const url = `${resources}/${kind}/${encodeURIComponent(id)}${method === 'POST' ? '/complete' : ''}`
          expect(await node.fetch(url, signed(shop, method, url, { token: 'ANY' }))).toMatchObject(
            error(401, 'Unauthorized')
          )
        }
      }
    )

    it('about a resource of another tenant are unauthorized', async () => {
      const accessToken = await tokenFor(shop, 'incoming-payment', ['create', 'read'])
      const { id } = await shop.client.incomingPayment.create(
        { url: resources, accessToken },
        { walletAddress: bob.url }
      )
      const url = id.replace(OPERATOR_ID, UNKNOWN_ID)
      expect(await node.fetch(url)).toMatchObject(error(401, 'Unauthorized'))
    })

    it.each<[string, string, number, unknown]>([
      ['no JSON', '{"walletAddress":', 400, expect.stringMatching(/^The body is not JSON: /)],
      ['no object', '[]', 400, expect.stringMatching(/^Received error validating OpenAPI request: body /)],
      ['a missing field', '{}', 400, expect.stringContaining("must have required property 'walletAddress'")],
      [
        'an unknown field',
        '{"walletAddress":"https://localhost/bob","more":1}',
        400,
        expect.stringContaining('must NOT have additional properties: more')
      ]
    ])('with %s', async (_, body, status, description) => {
      expect(await post(`${resources}/incoming-payments`, body, 'ANY')).toMatchObject(
        error(status, description)
      )
    })

    it('with a body beyond the limit', async () => {
      const body = JSON.stringify({ walletAddress: bob.url, metadata: { long: 'x'.repeat(MAX_BODY_BYTES) } })
      expect(await post(`${resources}/incoming-payments`, body, 'ANY')).toMatchObject(
        error(413, `The body is longer than ${MAX_BODY_BYTES} bytes`)
      )
    })

    it('that accept no JSON', async () => {
      const answer = await node.fetch(`${resources}/incoming-payments/${UNKNOWN_ID}`, {
        headers: { accept: 'text/html' }
      })
      expect(answer).toMatchObject(
        error(406, 'Received error validating OpenAPI request: Must accept application/json')
      )
    })

    it('without a signature', async () => {
      const { status } = await node.fetch(`${resources}/incoming-payments`, {
        method: 'POST',
        headers: { 'content-type': 'application/json', authorization: 'GNAP ANY' },
        body: JSON.stringify({ walletAddress: bob.url })
      })
      expect(status).toBe(400)
    })

    it('with a token that is unknown, dead or too weak name the authorization server', async () => {
      const url = `${resources}/incoming-payments`
      const body = JSON.stringify({ walletAddress: bob.url })
      const unknown = await post(url, body, 'UNKNOWN')
      expect(unknown).toMatchObject(error(403, 'Inactive Token'))
      expect(unknown.headers['www-authenticate']).toMatch(/^GNAP as_uri=http:\/\/localhost:\d+$/)
      const weak = await post(url, body, await tokenFor(shop, 'incoming-payment', ['read']))
      expect(weak).toMatchObject(error(403, 'Insufficient Grant'))
    })

    it("with another client's token", async () => {
      const url = `${resources}/incoming-payments`
      const body = JSON.stringify({ walletAddress: bob.url })
      const stolen = await tokenFor(alice, 'incoming-payment', ['create'])
      expect(await post(url, body, stolen)).toMatchObject(
        error(401, 'Signature validation error: could not find key in list of client keys')
      )
    })

    it('that were tampered with', async () => {
      const url = `${resources}/incoming-payments`
      const token = await tokenFor(shop, 'incoming-payment', ['create'])
      const request = signed(shop, 'POST', url, { token, body: JSON.stringify({ walletAddress: bob.url }) })
      const tampered = { ...request, body: String(request?.body).replace('/bob', '/bog') }
      expect(await node.fetch(url, tampered)).toMatchObject(
        error(401, 'Signature validation error: provided signature is invalid')
      )
      expect((await node.fetch(url, request)).status).toBe(201)
    })

    it('that meet a defect are answered with the id under which the log has it, nothing more', async () => {
      const accessToken = await tokenFor(shop, 'incoming-payment', ['create'])
      const { id } = await shop.client.incomingPayment.create(
        { url: resources, accessToken },
        { walletAddress: bob.url }
      )
      await node.database.knex.raw('ALTER TABLE "incomingPayments" RENAME TO "movedAway"')
      try {
        const answer = await node.fetch(id)
        expect(answer).toEqual({
          status: 500,
          headers: expect.anything() as object,
          body: {
            error: {
              code: '500',
              description: expect.stringMatching(
                /^Internal server error; the log has it under [0-9a-f-]{36}$/
              ) as string,
              details: { id: expect.stringMatching(/^[0-9a-f-]{36}$/) as string }
            }
          }
        })
      } finally {
        await node.database.knex.raw('ALTER TABLE "movedAway" RENAME TO "incomingPayments"')
      }
      expect((await node.fetch(id)).status).toBe(200)
    })

    it('to nowhere', async () => {
      expect(await node.fetch(`${resources}/nothing/here`, { method: 'POST' })).toMatchObject(
        error(404, 'Not Found')
      )
    })

    it('of browsers elsewhere are answered', async () => {
      const preflight = await node.fetch(`${resources}/incoming-payments`, {
        method: 'OPTIONS' as 'GET',
        headers: {
          origin: 'https://shop.example',
          'access-control-request-method': 'POST',
          'access-control-request-headers': 'signature'
        }
      })
      expect(preflight.status).toBe(204)
      expect(preflight.headers['access-control-allow-origin']).toBe('https://shop.example')
    })
  })
})
