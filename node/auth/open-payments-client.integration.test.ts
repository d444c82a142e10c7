import {
  createAuthenticatedClient,
  isFinalizedGrantWithAccessToken,
  isPendingGrant
} from '@interledger/open-payments'
import type { AuthenticatedClient, OpenPaymentsClientError } from '@interledger/open-payments'
import { afterAll, beforeAll, expect, inject, it } from 'vitest'
import { OPERATOR_ID, startTestAuth } from './testing.ts'
import type { AuthHarness } from './testing.ts'
import { createGrantActors, IDENTIFIER } from './testing-grants.ts'
import type { GrantActors } from './testing-grants.ts'

// The unmodified client of Open Payments against this server: it validates every answer against the document.

let harness: AuthHarness
let actors: GrantActors
let client: AuthenticatedClient
let url: string

beforeAll(async () => {
  harness = await startTestAuth(inject('postgresUrl'))
  actors = createGrantActors(harness)
  url = `${harness.config.AUTH_SERVER_URL}/${OPERATOR_ID}`
  const { walletAddress: walletAddressUrl, keyId, privateKey } = harness.client
  client = await createAuthenticatedClient({
    walletAddressUrl,
    keyId,
    privateKey,
    useHttp: true,
    logLevel: 'silent'
  })
})
afterAll(() => harness.close())

it('gets, rotates and revokes a token that needs no consent', async () => {
  const granted = await client.grant.request(
    { url },
    { access_token: { access: [{ type: 'incoming-payment', actions: ['create', 'read'] }] } }
  )
  if (!isFinalizedGrantWithAccessToken(granted)) throw new Error('the grant needs an interaction')
  const rotated = await client.token.rotate({
    url: granted.access_token.manage,
    accessToken: granted.access_token.value
  })
  expect(rotated.access_token.value).not.toBe(granted.access_token.value)
  const { manage, value } = rotated.access_token
  await client.token.revoke({ url: manage, accessToken: value })
  expect((await actors.introspect(value)).json()).toEqual({ active: false })
})

it('goes through an interaction and continues', async () => {
  const pending = await client.grant.request(
    { url },
    {
      access_token: {
        access: [
          {
            type: 'outgoing-payment',
            actions: ['create', 'read'],
            identifier: IDENTIFIER,
            limits: { debitAmount: { value: '500', assetCode: 'USD', assetScale: 2 } }
          }
        ]
      },
      interact: {
        start: ['redirect'],
        finish: { method: 'redirect', uri: 'https://shop.example/', nonce: 'n' }
      }
    }
  )
  if (!isPendingGrant(pending)) throw new Error('the grant needed no interaction')
  const [, , id, nonce] = new URL(pending.interact.redirect).pathname.split('/') as [
    string,
    string,
    string,
    string
  ]
  const { uri, access_token } = pending.continue
  const grant = { id, nonce, continuePath: new URL(uri).pathname, token: access_token.value }
  const { finished } = await actors.browse(grant, () => actors.decide(grant, 'accept'))
  const interactRef = new URL(finished.headers.location as string).searchParams.get('interact_ref')!
  const continued = await client.grant.continue(
    { url: uri, accessToken: access_token.value },
    { interact_ref: interactRef }
  )
  if (!isFinalizedGrantWithAccessToken(continued)) throw new Error('the grant is still pending')
  expect((await actors.introspect(continued.access_token.value)).json()).toMatchObject({ active: true })
  await client.grant.cancel({
    url: continued.continue.uri,
    accessToken: continued.continue.access_token.value
  })
  expect((await actors.introspect(continued.access_token.value)).json()).toEqual({ active: false })
})

it('polls a grant, and reads the codes of errors', async () => {
  const pending = await client.grant.request(
    { url },
    {
      subject: { sub_ids: [{ id: IDENTIFIER, format: 'uri' }] },
      interact: { start: ['redirect'] }
    }
  )
  if (!isPendingGrant(pending)) throw new Error('the grant needed no interaction')
  const { uri, access_token } = pending.continue
  const polled = await client.grant.continue({ url: uri, accessToken: access_token.value })
  expect('access_token' in polled).toBe(false)
  const refused = await client.grant
    .continue({ url: uri, accessToken: 'A'.repeat(20) })
    .catch((error: unknown) => error as OpenPaymentsClientError)
  expect(refused).toMatchObject({ status: 401, code: 'invalid_continuation', description: 'invalid grant' })
})
