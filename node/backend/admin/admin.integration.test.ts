import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest'
import { Channel } from '../model.ts'
import { startTestNode } from '../open-payments/testing.ts'
import type { AdminError, TestNode } from '../open-payments/testing.ts'
import { OPERATOR_ID } from '../testing.ts'

const TENANT = { tenantId: '77777777-7777-4777-8777-777777777777', secret: 'tenant secret' }
const UNKNOWN_ID = '99999999-9999-4999-8999-999999999999'

type Json = Record<string, never>

describe('the Admin API', () => {
  let node: TestNode
  let assetId: string
  let drawn = 0

  beforeAll(async () => {
    node = await startTestNode(inject('postgresUrl'))
    const now = new Date()
    await node.database.transaction(async (trx) => {
      await trx('tenants').insert({
        id: TENANT.tenantId,
        apiSecret: TENANT.secret,
        createdAt: now,
        updatedAt: now
      })
      await trx.raw('SELECT pg_notify(?, ?)', [Channel.TENANT_CHANGED, TENANT.tenantId])
    })
    while ((await node.admin(`{ whoami { id } }`, {}, TENANT).catch(() => undefined)) === undefined);
    assetId = (await ok<{ asset: { id: string } }>(CREATE_ASSET, { code: 'USD', scale: 2 })).asset.id
    await ok(DEPOSIT_ASSET, { assetId, amount: '1000', id: id(), idempotencyKey: id() })
  })
  afterAll(() => node.stop())

  /** A new UUID. */
  function id(): string {
    drawn += 1
    return `00000000-0000-4000-8000-${drawn.toString().padStart(12, '0')}`
  }

  /** What a mutation of one input answered. */
  async function ok<Result>(mutation: string, input: object, as?: typeof TENANT): Promise<Result> {
    const { data, errors } = await node.admin<Record<string, Result>>(mutation, { input }, as)
    if (errors || !data) throw new Error(JSON.stringify(errors))
    return Object.values(data)[0]!
  }

  /** The error that a mutation of one input gave. */
  async function refused(mutation: string, input: object, as?: typeof TENANT): Promise<AdminError> {
    const { errors } = await node.admin(mutation, { input }, as)
    if (!errors) throw new Error('it was not refused')
    return errors[0]!
  }

  async function query<Data = Json>(text: string, variables = {}, as?: typeof TENANT): Promise<Data> {
    const { data, errors } = await node.admin<Data>(text, variables, as)
    if (errors || !data) throw new Error(JSON.stringify(errors))
    return data
  }

  const asError = (code: string, message: string) => ({ message, extensions: { code } })

  it('knows who asks', async () => {
    expect(await query('{ whoami { id isOperator } }')).toEqual({
      whoami: { id: OPERATOR_ID, isOperator: true }
    })
    expect(await query('{ whoami { id isOperator } }', {}, TENANT)).toEqual({
      whoami: { id: TENANT.tenantId, isOperator: false }
    })
  })

  describe('assets', () => {
    it('are found by id, by code and scale, and in lists', async () => {
      const fields = 'id code scale liquidity withdrawalThreshold liquidityThreshold tenant { id }'
      const asset = {
        id: assetId,
        code: 'USD',
        scale: 2,
        liquidity: '1000',
        withdrawalThreshold: null,
        liquidityThreshold: null,
        tenant: { id: OPERATOR_ID }
      }
      const found = await query(
        `query ($id: String!) {
           asset(id: $id) { ${fields} }
           assetByCodeAndScale(code: "USD", scale: 2) { ${fields} }
           assets { edges { cursor node { ${fields} } } pageInfo { startCursor hasNextPage } }
           missing: assetByCodeAndScale(code: "XXX", scale: 2) { id } }`,
        { id: assetId }
      )
      expect(found).toEqual({
        asset,
        assetByCodeAndScale: asset,
        assets: {
          edges: [{ cursor: assetId, node: asset }],
          pageInfo: { startCursor: assetId, hasNextPage: false }
        },
        missing: null
      })
    })

    it('keep the thresholds that an update does not name', async () => {
      const { asset } = await ok<{ asset: { id: string } }>(CREATE_ASSET, {
        code: 'SEK',
        scale: 0,
        withdrawalThreshold: '10',
        liquidityThreshold: '18446744073709551615'
      })
      expect(await ok(UPDATE_ASSET, { id: asset.id, withdrawalThreshold: '20' })).toMatchObject({
        asset: { withdrawalThreshold: '20', liquidityThreshold: '18446744073709551615' }
      })
      expect(await ok(UPDATE_ASSET, { id: asset.id, liquidityThreshold: null })).toMatchObject({
        asset: { withdrawalThreshold: '20', liquidityThreshold: null }
      })
      expect(await ok(DELETE_ASSET, { id: asset.id })).toMatchObject({ asset: { id: asset.id } })
      expect(await refused(DELETE_ASSET, { id: asset.id })).toMatchObject(
        asError('NOT_FOUND', 'Asset not found')
      )
    })

    it('have a fee in force and a history', async () => {
      const set = (basisPoints: number) =>
        ok(SET_FEE, { assetId, type: 'RECEIVING', fee: { fixed: '5', basisPoints } })
      await set(100)
      await set(200)
      const fees = await query(
        `query ($id: String!) { asset(id: $id) {
           sendingFee { id } receivingFee { fixed basisPoints type assetId }
           fees { edges { node { basisPoints } } } } }`,
        { id: assetId }
      )
      expect(fees).toEqual({
        asset: {
          sendingFee: null,
          receivingFee: { fixed: '5', basisPoints: 200, type: 'RECEIVING', assetId },
          fees: { edges: [{ node: { basisPoints: 200 } }, { node: { basisPoints: 100 } }] }
        }
      })
    })

    it.each<[string, string, () => object, string, string]>([
      ['twice', 'CREATE_ASSET', () => ({ code: 'USD', scale: 2 }), 'DUPLICATE', 'Asset already exists'],
      ['of a scale above 255', 'CREATE_ASSET', () => ({ code: 'A', scale: 256 }), 'BAD_USER_INPUT', ''],
      [
        'for nobody',
        'CREATE_ASSET',
        () => ({ code: 'A', scale: 2, tenantId: UNKNOWN_ID }),
        'BAD_USER_INPUT',
        'Assignment to the specified tenant is not permitted'
      ],
      ['that are unknown', 'UPDATE_ASSET', () => ({ id: UNKNOWN_ID }), 'NOT_FOUND', 'Asset not found'],
      ['by an id that is none', 'UPDATE_ASSET', () => ({ id: "'" }), 'NOT_FOUND', 'Asset not found'],
      [
        'with a share above all',
        'SET_FEE',
        () => ({ assetId, type: 'SENDING', fee: { fixed: '0', basisPoints: 10_001 } }),
        'BAD_USER_INPUT',
        'Basis point fee must be between 0 and 10000'
      ],
      [
        'that are unknown, their fee',
        'SET_FEE',
        () => ({ assetId: UNKNOWN_ID, type: 'SENDING', fee: { fixed: '0', basisPoints: 1 } }),
        'NOT_FOUND',
        'Unknown asset'
      ]
    ])('are refused %s', async (_, mutation, input, code, message) => {
      const error = await refused(MUTATIONS[mutation]!, input())
      expect(error.extensions.code).toBe(code)
      if (message !== '') expect(error.message).toBe(message)
    })
  })

  describe('peers', () => {
    const peer = (changes: object = {}) => ({
      assetId,
      staticIlpAddress: `test.peer${drawn}`,
      http: {
        incoming: { authTokens: [`token-${id()}`] },
        outgoing: { authToken: 'out', endpoint: 'http://localhost:1/' }
      },
      ...changes
    })

    it('are created with liquidity and limits, changed, found and deleted', async () => {
      const fields = `id name staticIlpAddress routes liquidity maxPacketAmount maxPacketsPerSecond
        maxPacketsInFlight maxAmountPerSecond http { outgoing { authToken endpoint } } asset { id } tenant { id }`
      const created = await ok<{ peer: { id: string; staticIlpAddress: string } }>(
        `mutation ($input: CreatePeerInput!) { createPeer(input: $input) { peer { ${fields} } } }`,
        peer({
          name: 'Peer',
          initialLiquidity: '500',
          routes: ['test.far'],
          maxPacketAmount: '1000',
          maxPacketsPerSecond: 10,
          maxPacketsInFlight: 20,
          maxAmountPerSecond: '30'
        })
      )
      expect(created.peer).toMatchObject({
        name: 'Peer',
        routes: [created.peer.staticIlpAddress, 'test.far'],
        liquidity: '500',
        maxPacketAmount: '1000',
        maxPacketsPerSecond: 10,
        maxPacketsInFlight: 20,
        maxAmountPerSecond: '30',
        http: { outgoing: { authToken: 'out', endpoint: 'http://localhost:1/' } },
        asset: { id: assetId },
        tenant: { id: OPERATOR_ID }
      })
      const { id: peerId, staticIlpAddress } = created.peer
      await ok(`mutation ($input: UpdatePeerInput!) { updatePeer(input: $input) { peer { id } } }`, {
        id: peerId,
        name: 'New name',
        maxPacketsPerSecond: 11
      })
      const found = await query(
        `query ($id: String!, $address: String!, $assetId: String!) {
           peer(id: $id) { name maxPacketsPerSecond maxPacketAmount }
           peerByAddressAndAsset(staticIlpAddress: $address, assetId: $assetId) { id }
           peers { edges { node { id } } } }`,
        { id: peerId, address: staticIlpAddress, assetId }
      )
      expect(found).toMatchObject({
        peer: { name: 'New name', maxPacketsPerSecond: 11, maxPacketAmount: '1000' },
        peerByAddressAndAsset: { id: peerId },
        peers: { edges: [{ node: { id: peerId } }] }
      })
      const remove = `mutation ($input: DeletePeerInput!) { deletePeer(input: $input) { success } }`
      expect(await ok(remove, { id: peerId })).toEqual({ success: true })
      expect(await refused(remove, { id: peerId })).toMatchObject(asError('NOT_FOUND', 'unknown peer'))
    })

    it.each<[string, () => object, string, string]>([
      [
        'with an address that is none',
        () => peer({ staticIlpAddress: 'x' }),
        'BAD_USER_INPUT',
        'invalid ILP address'
      ],
      [
        'with an endpoint that is none',
        () => peer({ http: { outgoing: { authToken: 'a', endpoint: 'x' } } }),
        'BAD_USER_INPUT',
        'invalid HTTP endpoint'
      ],
      ['of an unknown asset', () => peer({ assetId: UNKNOWN_ID }), 'NOT_FOUND', 'unknown asset'],
      [
        'that may send nothing',
        () => peer({ maxPacketsPerSecond: 0 }),
        'BAD_USER_INPUT',
        'maxPacketsPerSecond must be at least 1'
      ]
    ])('are refused %s', async (_, input, code, message) => {
      expect(await refused(CREATE_PEER, input())).toMatchObject(asError(code, message))
    })

    it('are refused with a token or an address that another has', async () => {
      const first = peer()
      await ok(CREATE_PEER, first)
      expect(await refused(CREATE_PEER, { ...first, staticIlpAddress: 'test.another' })).toMatchObject(
        asError('DUPLICATE', 'duplicate incoming token')
      )
      expect(await refused(CREATE_PEER, peer({ staticIlpAddress: first.staticIlpAddress }))).toMatchObject(
        asError('DUPLICATE', 'duplicate peer found for same ILP address and asset')
      )
    })
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
        const input = { assetId, amount: '10', id: withdrawal, idempotencyKey: id(), timeoutSeconds: '60' }
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

  describe('payments', () => {
    interface Payment {
      payment: { id: string; url: string }
    }
    let payer: string
    let payee: string

    beforeAll(async () => {
      payer = (await node.createWalletAddress('payer', assetId, 5)).id
      payee = (await node.createWalletAddress('payee', assetId, 6)).id
    })

    const createIncoming = (input: object = {}) =>
      ok<Payment>(CREATE_INCOMING, { walletAddressId: payee, ...input })
    const amount = (value: string) => ({ value, assetCode: 'USD', assetScale: 2 })

    it('go from receiver to withdrawal, each withdrawal once', async () => {
      const { receiver } = await ok<{ receiver: { id: string } }>(
        `mutation ($input: CreateReceiverInput!) { createReceiver(input: $input) {
           receiver { id walletAddressUrl completed incomingAmount { value } receivedAmount { value } expiresAt metadata } } }`,
        {
          walletAddressUrl: `${node.openPaymentsUrl}/payee`,
          incomingAmount: amount('250'),
          metadata: { a: [1, { b: null }] }
        }
      )
      expect(receiver).toMatchObject({
        walletAddressUrl: `${node.openPaymentsUrl}/payee`,
        completed: false,
        incomingAmount: { value: '250' },
        receivedAmount: { value: '0' },
        metadata: { a: [1, { b: null }] }
      })
      await ok(SET_FEE, { assetId, type: 'SENDING', fee: { fixed: '3', basisPoints: 100 } })
      const { quote } = await ok<{ quote: { id: string } }>(
        `mutation ($input: CreateQuoteInput!) { createQuote(input: $input) {
           quote { id debitAmount { value } receiveAmount { value } estimatedExchangeRate tenantId receiver } } }`,
        { walletAddressId: payer, receiver: receiver.id }
      )
      expect(quote).toMatchObject({
        debitAmount: { value: '256' },
        receiveAmount: { value: '250' },
        estimatedExchangeRate: 1,
        tenantId: OPERATOR_ID,
        receiver: receiver.id
      })
      const { payment } = await ok<Payment>(
        `mutation ($input: CreateOutgoingPaymentInput!) { createOutgoingPayment(input: $input) {
           payment { id state quote { id } } } }`,
        { walletAddressId: payer, quoteId: quote.id }
      )
      expect(payment).toMatchObject({ id: quote.id, state: 'FUNDING', quote: { id: quote.id } })

      const outgoing = { outgoingPaymentId: payment.id, timeoutSeconds: '0' }
      expect(await refused(WITHDRAW_OUTGOING, { ...outgoing, idempotencyKey: id() })).toMatchObject(
        asError('NOT_FOUND', 'Unknown outgoing payment')
      )
      await node.told('outgoing_payment.created', payment.id)
      await ok(FUND, { outgoingPaymentId: payment.id, idempotencyKey: id() })
      const again = await refused(FUND, { outgoingPaymentId: payment.id, idempotencyKey: id() })
      expect(['DUPLICATE', 'CONFLICT']).toContain(again.extensions.code)
      await node.told('outgoing_payment.completed', payment.id)
      const incomingId = receiver.id.slice(-36)
      await node.told('incoming_payment.completed', incomingId)

      expect(
        await query(
          `query ($in: String!, $out: String!) {
             incomingPayment(id: $in) { state liquidity receivedAmount { value } url }
             outgoingPayment(id: $out) { state liquidity sentAmount { value } debitAmount { value } error } }`,
          { in: incomingId, out: payment.id }
        )
      ).toEqual({
        incomingPayment: {
          state: 'COMPLETED',
          liquidity: '250',
          receivedAmount: { value: '250' },
          url: receiver.id
        },
        outgoingPayment: {
          state: 'COMPLETED',
          liquidity: '6',
          sentAmount: { value: '250' },
          debitAmount: { value: '256' },
          error: null
        }
      })

      const incoming = { incomingPaymentId: incomingId, timeoutSeconds: '0' }
      for (const [mutation, input] of [
        [WITHDRAW_INCOMING, incoming],
        [WITHDRAW_OUTGOING, outgoing]
      ] as const) {
        expect(await ok(mutation, { ...input, idempotencyKey: id() })).toEqual({ success: true })
        expect(await refused(mutation, { ...input, idempotencyKey: id() })).toMatchObject(
          asError('DUPLICATE', 'Transfer already exists')
        )
      }
      expect(
        await query(
          `query ($in: String!, $out: String!) {
             incomingPayment(id: $in) { liquidity receivedAmount { value } }
             outgoingPayment(id: $out) { liquidity sentAmount { value } } }`,
          { in: incomingId, out: payment.id }
        )
      ).toEqual({
        incomingPayment: { liquidity: '0', receivedAmount: { value: '250' } },
        outgoingPayment: { liquidity: '0', sentAmount: { value: '250' } }
      })
    })

    it('into a wallet address are listed, with their metadata replaced', async () => {
      const { payment } = await createIncoming({
        metadata: { old: true },
        senderWalletAddress: 'https://a.example/x',
        expiresAt: new Date(Date.now() + 60_000).toISOString()
      })
      await ok(
        `mutation ($input: UpdateIncomingPaymentInput!) { updateIncomingPayment(input: $input) { payment { id } } }`,
        { id: payment.id, metadata: { new: true } }
      )
      const listed = await query(
        `query ($filter: IncomingPaymentFilter) { incomingPayments(filter: $filter, first: 1) {
           edges { node { id url state metadata senderWalletAddress incomingAmount { value } liquidity client } } } }`,
        { filter: { initiatedBy: { in: ['ADMIN'], notIn: ['CARD'] } } }
      )
      expect(listed).toEqual({
        incomingPayments: {
          edges: [
            {
              node: {
                id: payment.id,
                url: `${node.openPaymentsUrl}/${OPERATOR_ID}/incoming-payments/${payment.id}`,
                state: 'PENDING',
                metadata: { new: true },
                senderWalletAddress: 'https://a.example/x',
                incomingAmount: null,
                liquidity: null,
                client: null
              }
            }
          ]
        }
      })
      const none = await query(
        `{ incomingPayments(filter: { initiatedBy: { notIn: ["ADMIN", "OPEN_PAYMENTS"] } }) { edges { node { id } } } }`
      )
      expect(none).toEqual({ incomingPayments: { edges: [] } })
    })

    it('out of a wallet address are created from an incoming payment, listed by state, and cancelled', async () => {
      const { payment: incoming } = await createIncoming()
      const { payment } = await ok<Payment>(
        `mutation ($input: CreateOutgoingPaymentFromIncomingPaymentInput!) {
           createOutgoingPaymentFromIncomingPayment(input: $input) { payment { id } } }`,
        { walletAddressId: payer, incomingPayment: incoming.url, debitAmount: amount('30') }
      )
      const cancel = `mutation ($input: CancelOutgoingPaymentInput!) {
        cancelOutgoingPayment(input: $input) { payment { state metadata } } }`
      const list = (state: string) =>
        query<{ outgoingPayments: { edges: { node: { id: string } }[] } }>(
          `query ($filter: OutgoingPaymentFilter) { outgoingPayments(filter: $filter) { edges { node { id } } } }`,
          { filter: { state: { in: [state] }, receiver: { in: [incoming.url] } } }
        )
      expect((await list('FUNDING')).outgoingPayments.edges).toEqual([{ node: { id: payment.id } }])
      expect(await refused(cancel, { id: payment.id }, TENANT)).toMatchObject(
        asError('NOT_FOUND', 'unknown payment')
      )
      expect(await ok(cancel, { id: payment.id, reason: 'no money' })).toEqual({
        payment: { state: 'CANCELLED', metadata: { cancellationReason: 'no money' } }
      })
      expect(await refused(cancel, { id: payment.id })).toMatchObject(asError('CONFLICT', 'wrong state'))
      expect((await list('CANCELLED')).outgoingPayments.edges).toEqual([{ node: { id: payment.id } }])
    })

    it('that are completed take no more', async () => {
      const { payment } = await createIncoming()
      const complete = `mutation ($input: CompleteReceiverInput!) {
        completeReceiver(input: $input) { receiver { id completed } } }`
      expect(await ok(complete, { incomingPaymentUrl: payment.url })).toEqual({
        receiver: { id: payment.url, completed: true }
      })
      expect(await refused(complete, { incomingPaymentUrl: payment.url })).toMatchObject(
        asError('BAD_USER_INPUT', 'invalid remote incoming payment request')
      )
      expect(
        await query(`query ($id: String!) { receiver(id: $id) { completed } }`, { id: payment.url })
      ).toEqual({
        receiver: { completed: true }
      })
    })

    it('that would deliver nothing say what would do', async () => {
      const { payment } = await createIncoming()
      const error = await refused(CREATE_QUOTE, {
        walletAddressId: payer,
        receiver: payment.url,
        debitAmount: amount('3')
      })
      expect(error).toMatchObject({
        message: 'non-positive receive amount',
        extensions: {
          code: 'BAD_USER_INPUT',
          failure: 'NonPositiveReceiveAmount',
          details: { minSendAmount: { value: '5', assetCode: 'USD', assetScale: 2 } }
        }
      })
    })

    it.each<[string, string, () => object, string, string]>([
      [
        'into an unknown wallet address',
        'CREATE_INCOMING',
        () => ({ walletAddressId: UNKNOWN_ID }),
        'NOT_FOUND',
        'unknown wallet address'
      ],
      [
        'of another asset',
        'CREATE_INCOMING',
        () => ({ walletAddressId: payee, incomingAmount: { ...amount('1'), assetCode: 'EUR' } }),
        'BAD_USER_INPUT',
        'invalid amount'
      ],
      [
        'that are over',
        'CREATE_INCOMING',
        () => ({ walletAddressId: payee, expiresAt: '2020-01-01T00:00:00Z' }),
        'BAD_USER_INPUT',
        'invalid expiresAt'
      ],
      [
        'at no time',
        'CREATE_INCOMING',
        () => ({ walletAddressId: payee, expiresAt: 'tomorrow' }),
        'BAD_USER_INPUT',
        'invalid expiresAt: a time in ISO 8601 is needed, such as 2030-01-31T12:00:00Z'
      ],
      [
        'to nobody',
        'CREATE_QUOTE',
        () => ({ walletAddressId: payer, receiver: 'https://localhost:1/x/incoming-payments/1' }),
        'BAD_USER_INPUT',
        'invalid receiver'
      ],
      [
        'from nobody',
        'CREATE_QUOTE',
        () => ({ walletAddressId: UNKNOWN_ID, receiver: 'https://localhost:1/x/incoming-payments/1' }),
        'NOT_FOUND',
        'unknown wallet address'
      ],
      [
        'from an unknown quote',
        'CREATE_OUTGOING',
        () => ({ walletAddressId: payer, quoteId: UNKNOWN_ID }),
        'NOT_FOUND',
        'unknown quote'
      ],
      [
        'from a quote id that is none',
        'CREATE_OUTGOING',
        () => ({ walletAddressId: payer, quoteId: 'x' }),
        'NOT_FOUND',
        'unknown quote'
      ]
    ])('are refused %s', async (_, mutation, input, code, message) => {
      const error = await refused(MUTATIONS[mutation]!, input())
      expect(error).toMatchObject(asError(code, message))
    })

    it.each([
      ['incomingPayment', 'payment does not exist'],
      ['outgoingPayment', 'payment does not exist'],
      ['quote', 'quote does not exist'],
      ['asset', 'Asset not found'],
      ['peer', 'unknown peer'],
      ['walletAddress', 'unknown wallet address'],
      ['receiver', 'receiver does not exist'],
      ['tenant', 'tenant does not exist']
    ])('an unknown %s is not found', async (operation, message) => {
      for (const unknown of [UNKNOWN_ID, 'x']) {
        const { errors } = await node.admin(`query ($id: String!) { ${operation}(id: $id) { id } }`, {
          id: unknown
        })
        expect(errors).toMatchObject([asError('NOT_FOUND', message)])
      }
    })
  })

  describe('tenants', () => {
    it('see themselves, with the settings in force', async () => {
      const { tenant } = await query<{ tenant: { settings: { key: string; value: string }[] } }>(
        `query ($id: String!) { tenant(id: $id) { id apiSecret settings { key value } } }`,
        { id: TENANT.tenantId },
        TENANT
      )
      expect(tenant).toMatchObject({ id: TENANT.tenantId, apiSecret: TENANT.secret })
      expect(Object.fromEntries(tenant.settings.map(({ key, value }) => [key, value]))).toMatchObject({
        WEBHOOK_TIMEOUT: '2000',
        WEBHOOK_MAX_RETRY: '10',
        ILP_ADDRESS: `test.acacia.${TENANT.tenantId}`
      })
    })

    it('see nothing of others; the operator sees all, or those of one', async () => {
      const own = await ok<{ asset: { id: string } }>(CREATE_ASSET, { code: 'CHF', scale: 2 }, TENANT)
      const list = `query ($tenantId: String) { assets(tenantId: $tenantId) { edges { node { id } } } }`
      const ids = async (variables: object, as?: typeof TENANT) =>
        (
          await query<{ assets: { edges: { node: { id: string } }[] } }>(list, variables, as)
        ).assets.edges.map((edge) => edge.node.id)
      expect(await ids({ tenantId: OPERATOR_ID }, TENANT)).toEqual([own.asset.id])
      expect(await ids({ tenantId: TENANT.tenantId })).toEqual([own.asset.id])
      expect(await ids({})).toEqual(expect.arrayContaining([own.asset.id, assetId]))
      expect(await ids({ tenantId: OPERATOR_ID })).not.toContain(own.asset.id)
      const { errors } = await node.admin(
        `query ($id: String!) { asset(id: $id) { id } }`,
        { id: assetId },
        TENANT
      )
      expect(errors).toMatchObject([asError('NOT_FOUND', 'Asset not found')])
      expect(
        (await node.admin(`query ($id: String!) { tenant(id: $id) { id } }`, { id: OPERATOR_ID }, TENANT))
          .errors
      ).toMatchObject([asError('NOT_FOUND', 'tenant does not exist')])
    })

    it('act for nobody else; the operator for anybody', async () => {
      expect(
        await refused(CREATE_ASSET, { code: 'NOK', scale: 2, tenantId: OPERATOR_ID }, TENANT)
      ).toMatchObject(asError('BAD_USER_INPUT', 'Assignment to the specified tenant is not permitted'))
      expect(
        await ok(
          `mutation ($input: CreateAssetInput!) { createAsset(input: $input) { asset { tenant { id } } } }`,
          { code: 'NOK', scale: 2, tenantId: TENANT.tenantId }
        )
      ).toEqual({ asset: { tenant: { id: TENANT.tenantId } } })
    })

    it('without a base URL have no wallet addresses', async () => {
      const { asset } = await ok<{ asset: { id: string } }>(CREATE_ASSET, { code: 'DKK', scale: 2 }, TENANT)
      expect(
        await refused(CREATE_WALLET_ADDRESS, { address: '/x', assetId: asset.id }, TENANT)
      ).toMatchObject(asError('NOT_FOUND', 'Setting for wallet address has not been found.'))
    })
  })

  it('lists webhook events by type', async () => {
    const listed = await query<{ webhookEvents: { edges: { node: { type: string; data: object } }[] } }>(
      `{ webhookEvents(filter: { type: { in: ["outgoing_payment.completed"] } }) {
           edges { node { id type data tenant { id } createdAt } } } }`
    )
    expect(listed.webhookEvents.edges).toHaveLength(1)
    expect(listed.webhookEvents.edges[0]?.node).toMatchObject({
      type: 'outgoing_payment.completed',
      data: { state: 'COMPLETED' },
      tenant: { id: OPERATOR_ID }
    })
  })

  it('gives the first result again for an idempotency key, and refuses other arguments', async () => {
    const key = id()
    const input = { code: 'JPY', scale: 0, liquidityThreshold: '18446744073709551615', idempotencyKey: key }
    const first = await ok(CREATE_ASSET, input)
    expect(first).toMatchObject({ asset: { code: 'JPY' } })
    expect(await ok(CREATE_ASSET, input)).toEqual(first)
    expect(await refused(CREATE_ASSET, { ...input, scale: 1 })).toMatchObject(
      asError(
        'BAD_USER_INPUT',
        `Incoming arguments are different than the original request for idempotencyKey: ${key}`
      )
    )
  })

  it('runs concurrent calls of one key once', async () => {
    const input = { code: 'HUF', scale: 0, idempotencyKey: id() }
    const answers = await Promise.all(
      Array.from({ length: 5 }, () => node.admin<Json>(CREATE_ASSET, { input }))
    )
    expect(answers.some(({ data, errors }) => data && !errors)).toBe(true)
    for (const { errors } of answers) {
      if (errors) {
        expect(errors).toMatchObject([
          asError('CONFLICT', `Concurrent request for idempotencyKey: ${input.idempotencyKey}`)
        ])
      }
    }
  })

  it('answers a list of many rows with a bounded number of statements', async () => {
    await Promise.all(Array.from({ length: 20 }, (_, n) => ok(CREATE_ASSET, { code: `L${n}`, scale: 2 })))
    const text = (first: number) =>
      `{ assets(first: ${first}) { edges { node { liquidity sendingFee { id } receivingFee { id } tenant { id } } } } }`
    const before = node.statementCount()
    await query(text(20))
    expect(node.statementCount() - before).toBeLessThanOrEqual(5)
  })

  it.each([
    ['a page of too many', '{ assets(first: 101) { edges { cursor } } }', 'Pagination index error'],
    [
      'a page from the end',
      '{ assets(last: 1) { edges { cursor } } }',
      "Can't paginate backwards from the start."
    ],
    [
      'a filter that would show what it is to leave out',
      '{ outgoingPayments(filter: { receiver: { notIn: ["x"] } }) { edges { cursor } } }',
      'filter.receiver.notIn is not supported: use filter.receiver.in'
    ]
  ])('refuses %s', async (_, text, message) => {
    expect((await node.admin(text)).errors).toMatchObject([asError('BAD_USER_INPUT', message)])
  })
})

const CREATE_ASSET = `mutation ($input: CreateAssetInput!) { createAsset(input: $input) { asset { id code } } }`
const UPDATE_ASSET = `mutation ($input: UpdateAssetInput!) {
  updateAsset(input: $input) { asset { withdrawalThreshold liquidityThreshold } } }`
const DELETE_ASSET = `mutation ($input: DeleteAssetInput!) { deleteAsset(input: $input) { asset { id } } }`
const SET_FEE = `mutation ($input: SetFeeInput!) { setFee(input: $input) { fee { id } } }`
const CREATE_PEER = `mutation ($input: CreatePeerInput!) { createPeer(input: $input) { peer { id } } }`
const DEPOSIT_ASSET = `mutation ($input: DepositAssetLiquidityInput!) { depositAssetLiquidity(input: $input) { success } }`
const DEPOSIT_PEER = `mutation ($input: DepositPeerLiquidityInput!) { depositPeerLiquidity(input: $input) { success } }`
const WITHDRAW_ASSET = `mutation ($input: CreateAssetLiquidityWithdrawalInput!) {
  createAssetLiquidityWithdrawal(input: $input) { success } }`
const POST = `mutation ($input: PostLiquidityWithdrawalInput!) { postLiquidityWithdrawal(input: $input) { success } }`
const VOID = `mutation ($input: VoidLiquidityWithdrawalInput!) { voidLiquidityWithdrawal(input: $input) { success } }`
const WITHDRAW_INCOMING = `mutation ($input: CreateIncomingPaymentWithdrawalInput!) {
  createIncomingPaymentWithdrawal(input: $input) { success } }`
const WITHDRAW_OUTGOING = `mutation ($input: CreateOutgoingPaymentWithdrawalInput!) {
  createOutgoingPaymentWithdrawal(input: $input) { success } }`
const FUND = `mutation ($input: DepositOutgoingPaymentLiquidityInput!) {
  depositOutgoingPaymentLiquidity(input: $input) { success } }`
const CREATE_WALLET_ADDRESS = `mutation ($input: CreateWalletAddressInput!) {
  createWalletAddress(input: $input) { walletAddress { id } } }`
const CREATE_INCOMING = `mutation ($input: CreateIncomingPaymentInput!) {
  createIncomingPayment(input: $input) { payment { id url } } }`
const CREATE_QUOTE = `mutation ($input: CreateQuoteInput!) { createQuote(input: $input) { quote { id } } }`
const CREATE_OUTGOING = `mutation ($input: CreateOutgoingPaymentInput!) {
  createOutgoingPayment(input: $input) { payment { id } } }`

const MUTATIONS: Record<string, string> = {
  CREATE_ASSET,
  UPDATE_ASSET,
  SET_FEE,
  DEPOSIT_ASSET,
  DEPOSIT_PEER,
  WITHDRAW_ASSET,
  POST,
  WITHDRAW_INCOMING,
  WITHDRAW_OUTGOING,
  FUND,
  CREATE_INCOMING,
  CREATE_QUOTE,
  CREATE_OUTGOING
}
