import { beforeAll, describe, expect, it } from 'vitest'
import type { TestNode } from '../open-payments/testing.ts'
import { OPERATOR_ID } from '../testing.ts'
import { asError, TENANT, UNKNOWN_ID, useAdminApi } from './admin-api.test-support.ts'
import {
  DEPOSIT_ASSET,
  WITHDRAW_ASSET,
  POST,
  VOID,
  CREATE_WALLET_ADDRESS,
  MUTATIONS
} from './operations.test-support.ts'

describe('the Admin API: liquidity and wallet addresses', () => {
  const { desk, id, ok, refused, query } = useAdminApi()
  let node: TestNode
  let assetId: string
  beforeAll(() => {
    ;({ node, assetId } = desk)
  })

  describe('liquidity', () => {
    const balance = async () =>
      (
        await query<{ asset: { liquidity: string } }>(
          `query ($id: String!) { asset(id: $id) { liquidity } }`,
          {
            id: assetId
          }
        )
      ).asset.liquidity

    it('is withdrawn in two phases: posted, or voided', async () => {
      const before = BigInt(await balance())
      const [posted, voided] = [id(), id()]
      for (const withdrawal of [posted, voided]) {
        const timeoutSeconds = withdrawal === posted ? '4294967295' : '60'
        const input = { assetId, amount: '10', id: withdrawal, idempotencyKey: id(), timeoutSeconds }
        expect(await ok(WITHDRAW_ASSET, input)).toEqual({ success: true })
      }
      expect(BigInt(await balance())).toBe(before - 20n)
      expect(await ok(POST, { withdrawalId: posted, idempotencyKey: id() })).toEqual({ success: true })
      expect(await ok(VOID, { withdrawalId: voided, idempotencyKey: id() })).toEqual({ success: true })
      expect(BigInt(await balance())).toBe(before - 10n)
      expect(await refused(POST, { withdrawalId: posted, idempotencyKey: id() })).toMatchObject(
        asError('CONFLICT', 'Transfer already posted')
      )
      expect(await refused(VOID, { withdrawalId: voided, idempotencyKey: id() })).toMatchObject(
        asError('CONFLICT', 'Transfer already voided')
      )
    })

    it("is another tenant's own matter", async () => {
      const withdrawal = id()
      const input = { assetId, amount: '1', id: withdrawal, idempotencyKey: id(), timeoutSeconds: '60' }
      expect(await refused(WITHDRAW_ASSET, input, TENANT)).toMatchObject(
        asError('NOT_FOUND', 'Unknown asset')
      )
      await ok(WITHDRAW_ASSET, input)
      expect(await refused(POST, { withdrawalId: withdrawal, idempotencyKey: id() }, TENANT)).toMatchObject(
        asError('NOT_FOUND', 'Unknown transfer')
      )
      await ok(VOID, { withdrawalId: withdrawal, idempotencyKey: id() })
    })

    it('is deposited once under one id', async () => {
      const transfer = id()
      const deposit = () => ({ assetId, amount: '7', id: transfer, idempotencyKey: id() })
      await ok(DEPOSIT_ASSET, deposit())
      expect(await refused(DEPOSIT_ASSET, deposit())).toMatchObject(
        asError('DUPLICATE', 'Transfer already exists')
      )
    })

    it('is explained by the records of the ledger: newest first, of a resource or a settlement account', async () => {
      const LIST = `query ($id: String!, $limit: Int) { accountingTransfers(id: $id, limit: $limit) {
        debits { id debitAccountId creditAccountId amount transferType ledger state expiresAt createdAt }
        credits { id debitAccountId creditAccountId amount transferType ledger state expiresAt } } }`
      type Listed = { accountingTransfers: { debits: Record<string, string>[]; credits: object[] } }
      const [deposit, withdrawal] = [id(), id()]
      await ok(DEPOSIT_ASSET, { assetId, amount: '5', id: deposit, idempotencyKey: id() })
      const asked = { assetId, amount: '4', id: withdrawal, idempotencyKey: id(), timeoutSeconds: '60' }
      await ok(WITHDRAW_ASSET, asked)
      await ok(VOID, { withdrawalId: withdrawal, idempotencyKey: id() })

      const { accountingTransfers: listed } = await query<Listed>(LIST, { id: assetId, limit: 2 })
      const [voiding, pending] = listed.debits
      const ledger = Number(voiding!.ledger)
      expect(voiding).toMatchObject({ state: 'VOIDED', transferType: 'WITHDRAWAL', expiresAt: null })
      expect(pending).toMatchObject({
        id: withdrawal,
        amount: '4',
        state: 'PENDING',
        debitAccountId: assetId
      })
      expect(Date.parse(pending!.expiresAt!) - Date.parse(pending!.createdAt!)).toBe(60_000)
      expect(listed.credits[0]).toEqual({
        id: deposit,
        debitAccountId: String(ledger),
        creditAccountId: assetId,
        amount: '5',
        transferType: 'DEPOSIT',
        ledger,
        state: 'POSTED',
        expiresAt: null
      })
      const settlement = await query<Listed>(LIST, { id: String(ledger), limit: 1 })
      expect(settlement.accountingTransfers.debits).toMatchObject([{ id: deposit }])

      const none = { accountingTransfers: { debits: [], credits: [] } }
      expect(await query(LIST, { id: assetId }, TENANT)).toEqual(none)
      expect(await query(LIST, { id: UNKNOWN_ID })).toEqual(none)
      expect(await query(LIST, { id: 'x' })).toEqual(none)
      await expect(query(LIST, { id: assetId, limit: 0 })).rejects.toThrow('BAD_USER_INPUT')
    })

    it.each<[string, string, () => object, string, string]>([
      [
        'of nothing',
        'DEPOSIT_ASSET',
        () => ({ assetId, amount: '0', id: id(), idempotencyKey: id() }),
        'FORBIDDEN',
        'Transfer amount is zero'
      ],
      [
        'of less than nothing',
        'DEPOSIT_ASSET',
        () => ({ assetId, amount: '-1', id: id(), idempotencyKey: id() }),
        'BAD_USER_INPUT',
        ''
      ],
      [
        'of more than 64 bits',
        'DEPOSIT_ASSET',
        () => ({ assetId, amount: '18446744073709551616', id: id(), idempotencyKey: id() }),
        'BAD_USER_INPUT',
        ''
      ],
      [
        'under an id that is none',
        'DEPOSIT_ASSET',
        () => ({ assetId, amount: '1', id: 'x', idempotencyKey: id() }),
        'BAD_USER_INPUT',
        'Invalid transfer id'
      ],
      [
        'into an unknown asset',
        'DEPOSIT_ASSET',
        () => ({ assetId: UNKNOWN_ID, amount: '1', id: id(), idempotencyKey: id() }),
        'NOT_FOUND',
        'Unknown asset'
      ],
      [
        'into an unknown peer',
        'DEPOSIT_PEER',
        () => ({ peerId: UNKNOWN_ID, amount: '1', id: id(), idempotencyKey: id() }),
        'NOT_FOUND',
        'Unknown peer'
      ],
      [
        'of more than there is',
        'WITHDRAW_ASSET',
        () => ({ assetId, amount: '99999', id: id(), idempotencyKey: id(), timeoutSeconds: '0' }),
        'FORBIDDEN',
        'Insufficient transfer balance'
      ],
      [
        'for ever',
        'WITHDRAW_ASSET',
        () => ({ assetId, amount: '1', id: id(), idempotencyKey: id(), timeoutSeconds: '4294967296' }),
        'BAD_USER_INPUT',
        'Invalid transfer timeout provided'
      ],
      [
        'that nobody began',
        'POST',
        () => ({ withdrawalId: UNKNOWN_ID, idempotencyKey: id() }),
        'NOT_FOUND',
        'Unknown transfer'
      ],
      [
        'of an unknown incoming payment',
        'WITHDRAW_INCOMING',
        () => ({ incomingPaymentId: UNKNOWN_ID, idempotencyKey: id(), timeoutSeconds: '0' }),
        'NOT_FOUND',
        'Unknown incoming payment'
      ],
      [
        'of an unknown outgoing payment',
        'WITHDRAW_OUTGOING',
        () => ({ outgoingPaymentId: UNKNOWN_ID, idempotencyKey: id(), timeoutSeconds: '0' }),
        'NOT_FOUND',
        'Unknown outgoing payment'
      ],
      [
        'for an unknown outgoing payment',
        'FUND',
        () => ({ outgoingPaymentId: UNKNOWN_ID, idempotencyKey: id() }),
        'BAD_USER_INPUT',
        'Invalid transfer id'
      ]
    ])('transfers are refused %s', async (_, mutation, input, code, message) => {
      const error = await refused(MUTATIONS[mutation]!, input())
      expect(error.extensions.code).toBe(code)
      if (message !== '') expect(error.message).toBe(message)
    })
  })

  describe('wallet addresses', () => {
    it('are created, changed, found and given keys', async () => {
      const address = await node.createWalletAddress('dora', assetId, 4)
      const updated = await ok(
        `mutation ($input: UpdateWalletAddressInput!) {
           updateWalletAddress(input: $input) {
             walletAddress { publicName status additionalProperties { key value visibleInOpenPayments } } } }`,
        {
          id: address.id,
          publicName: 'Dora',
          additionalProperties: [{ key: ' iban ', value: 'X', visibleInOpenPayments: false }]
        }
      )
      expect(updated).toEqual({
        walletAddress: {
          publicName: 'Dora',
          status: 'ACTIVE',
          additionalProperties: [{ key: 'iban', value: 'X', visibleInOpenPayments: false }]
        }
      })
      const found = await query<{
        walletAddress: { walletAddressKeys: { edges: [{ node: { id: string } }] } }
      }>(
        `query ($id: String!, $url: String!) {
           walletAddress(id: $id) { address liquidity asset { code } tenant { id }
             walletAddressKeys { edges { node { id revoked jwk { kid alg kty crv } } } }
             incomingPayments { edges { node { id } } } quotes { edges { node { id } } }
             outgoingPayments { edges { node { id } } } }
           walletAddressByUrl(url: $url) { id }
           missing: walletAddressByUrl(url: "https://localhost/nobody") { id }
           walletAddresses { edges { node { id additionalProperties { key } } } } }`,
        { id: address.id, url: address.url.toUpperCase() }
      )
      expect(found).toMatchObject({
        walletAddress: {
          address: address.url,
          liquidity: null,
          asset: { code: 'USD' },
          tenant: { id: OPERATOR_ID },
          walletAddressKeys: {
            edges: [
              { node: { revoked: false, jwk: { kid: 'dora-key', alg: 'EdDSA', kty: 'OKP', crv: 'Ed25519' } } }
            ]
          }
        },
        walletAddressByUrl: { id: address.id },
        missing: null,
        walletAddresses: { edges: [{ node: { id: address.id, additionalProperties: [{ key: 'iban' }] } }] }
      })
      const revoke = `mutation ($input: RevokeWalletAddressKeyInput!) {
        revokeWalletAddressKey(input: $input) { walletAddressKey { revoked } } }`
      const keyId = found.walletAddress.walletAddressKeys.edges[0].node.id
      expect(await refused(revoke, { id: keyId }, TENANT)).toMatchObject(
        asError('NOT_FOUND', 'Wallet address key not found')
      )
      expect(await ok(revoke, { id: keyId })).toEqual({ walletAddressKey: { revoked: true } })
    })

    it.each<[string, () => object, string, string]>([
      [
        'twice',
        () => ({ address: '/dora', assetId }),
        'DUPLICATE',
        'Duplicate wallet address found with the same url'
      ],
      [
        'elsewhere',
        () => ({ address: 'https://elsewhere.example/x', assetId }),
        'BAD_USER_INPUT',
        'invalid url'
      ],
      ['without a path', () => ({ address: '/', assetId }), 'BAD_USER_INPUT', 'invalid url'],
      [
        'in an unknown asset',
        () => ({ address: '/emil', assetId: UNKNOWN_ID }),
        'BAD_USER_INPUT',
        'unknown asset'
      ]
    ])('are refused %s', async (_, input, code, message) => {
      expect(await refused(CREATE_WALLET_ADDRESS, input())).toMatchObject(asError(code, message))
    })
  })
})
