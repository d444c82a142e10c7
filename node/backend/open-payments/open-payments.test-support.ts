import {
  createAuthenticatedClient,
  isFinalizedGrantWithAccessToken,
  isPendingGrant
} from '@interledger/open-payments'
import { afterAll, beforeAll, inject } from 'vitest'
import { signRequest } from '../../http-signatures/index.ts'
import { OPERATOR_ID } from '../testing.ts'
import { startTestNode } from './testing.ts'
import type { TestNode, TestWalletAddress } from './testing.ts'

/** The id of nothing. */
export const UNKNOWN_ID = '99999999-9999-4999-8999-999999999999'

export const usd = (value: string) => ({ value, assetCode: 'USD', assetScale: 2 })

/** A node of its own for the tests of a file, with three wallet addresses in USD/2. */
export function useOpenPayments(environment: Parameters<typeof startTestNode>[1] = {}) {
  const desk = {} as {
    node: TestNode
    alice: TestWalletAddress
    bob: TestWalletAddress
    shop: TestWalletAddress
    /** The resource server of the wallet addresses. */
    resources: string
    /** USD/2 */
    assetId: string
  }

  beforeAll(async () => {
    desk.node = await startTestNode(inject('postgresUrl'), environment)
    const { data } = await desk.node.admin<{ createAsset: { asset: { id: string } } }>(
      `mutation { createAsset(input: { code: "USD", scale: 2 }) { asset { id } } }`
    )
    const assetId = data!.createAsset.asset.id
    desk.assetId = assetId
    desk.alice = await desk.node.createWalletAddress('alice', assetId, 1)
    desk.bob = await desk.node.createWalletAddress('bob', assetId, 2)
    desk.shop = await desk.node.createWalletAddress('shop', assetId, 3)
    desk.resources = `${desk.node.openPaymentsUrl}/${OPERATOR_ID}`
  })
  afterAll(() => desk.node.stop())

  async function authServer(): Promise<string> {
    return (await desk.alice.client.walletAddress.get({ url: desk.alice.url })).authServer
  }

  /** A grant that needs no consent, to a client of this node or of another. */
  async function tokenFor(
    by: Pick<TestWalletAddress, 'url' | 'keyId' | 'privateKey'> & Partial<TestWalletAddress>,
    type: 'incoming-payment' | 'quote',
    actions: string[]
  ): Promise<string> {
    const { url: walletAddressUrl, keyId, privateKey } = by
    const client =
      by.client ?? (await createAuthenticatedClient({ walletAddressUrl, keyId, privateKey, useHttp: true }))
    const grant = await client.grant.request(
      { url: await authServer() },
      { access_token: { access: [{ type, actions }] as never } }
    )
    if (!isFinalizedGrantWithAccessToken(grant)) throw new Error('a grant without a token')
    return grant.access_token.value
  }

  /** A grant that its account holder was asked for and gave. */
  async function consentedToken(
    { client }: TestWalletAddress,
    access: { type: string; actions: string[]; identifier?: string; limits?: object }
  ): Promise<string> {
    const pending = await client.grant.request(
      { url: await authServer() },
      {
        access_token: { access: [access] as never },
        interact: {
          start: ['redirect'],
          finish: { method: 'redirect', uri: 'https://shop.example/', nonce: 'n' }
        }
      }
    )
    if (!isPendingGrant(pending)) throw new Error('a grant without consent')
    const granted = await client.grant.continue(
      { url: pending.continue.uri, accessToken: pending.continue.access_token.value },
      { interact_ref: await desk.node.accept(pending) }
    )
    if (!isFinalizedGrantWithAccessToken(granted)) throw new Error('a grant without a token')
    return granted.access_token.value
  }

  /** A request as a client signs it. */
  function signed(
    by: TestWalletAddress,
    method: 'GET' | 'POST',
    url: string,
    { token, body }: { token?: string; body?: string } = {}
  ): Parameters<TestNode['fetch']>[1] {
    const headers = signRequest({
      method,
      url: url.replace('https:', 'http:'),
      headers: { accept: 'application/json', ...(token !== undefined && { authorization: `GNAP ${token}` }) },
      ...(body !== undefined && { body }),
      keyId: by.keyId,
      privateKey: by.privateKey,
      nowMs: desk.node.runtime.clock.nowMs()
    })
    return { method, headers, ...(body !== undefined && { body }) }
  }

  return { desk, authServer, tokenFor, consentedToken, signed }
}
