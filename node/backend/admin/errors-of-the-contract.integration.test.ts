import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { serveHttp } from '../../runtime/index.ts'
import type { HttpServer } from '../../runtime/index.ts'
import * as registries from '../failures.ts'
import type { AdminError } from '../open-payments/testing.ts'
import { OPERATOR_ID } from '../testing.ts'
import { TENANT, UNKNOWN_ID, useAdminApi } from './admin-api.test-support.ts'
import { NOT_HERE, NOT_RAISED } from './errors-of-the-contract.test-support.ts'
import type { Name } from './errors-of-the-contract.test-support.ts'
import * as operations from './operations.test-support.ts'

// Every error of the contract (section 1.6 of the facts, whose codes and messages failures.test.ts holds the
// registries to), reached by an operation; or the reason why none does.

describe('errors of the contract', () => {
  const { desk, id, ok, refused } = useAdminApi()
  /** Another node that answers what it is told to. */
  let stranger: HttpServer
  let says: { status: number; body: object }
  let eur: string
  let payer: { id: string; url: string }
  let payee: { id: string; url: string }
  let dozing: { id: string; url: string }
  let euro: { id: string; url: string }

  beforeAll(async () => {
    const { node, assetId } = desk
    stranger = await serveHttp(node.runtime, { host: '127.0.0.1', port: 0 }, (_, response) => {
      response.writeHead(says.status, { 'content-type': 'application/json' })
      response.end(JSON.stringify(says.body))
    })
    eur = (await ok<{ asset: { id: string } }>(operations.CREATE_ASSET, { code: 'EUR', scale: 2 })).asset.id
    payer = await node.createWalletAddress('payer', assetId)
    payee = await node.createWalletAddress('payee', assetId, 2)
    dozing = await node.createWalletAddress('dozing', assetId, 3)
    euro = await node.createWalletAddress('euro', eur, 4)
    await ok(operations.SET_FEE, { assetId, type: 'SENDING', fee: { fixed: '3', basisPoints: 0 } })
    await ok(operations.CREATE_PEER, peer({ staticIlpAddress: 'test.one', http: http('one') }))
    await ok(operations.UPDATE_ADDRESS, { id: dozing.id, status: 'INACTIVE' })
  })
  afterAll(() => stranger.stop(0))

  const usd = (value: string, assetCode = 'USD') => ({ value, assetCode, assetScale: 2 })
  const http = (token: string, endpoint = 'http://127.0.0.1:1/') => ({
    incoming: { authTokens: [token] },
    outgoing: { endpoint, authToken: 'x' }
  })
  const peer = (more: object = {}) => ({
    assetId: desk.assetId,
    staticIlpAddress: `test.peer-${id()}`,
    http: http(id()),
    ...more
  })
  const key = (walletAddressId: string, kid: string) => ({
    walletAddressId,
    jwk: { kid, x: 'A'.repeat(43), alg: 'EdDSA', kty: 'OKP', crv: 'Ed25519' }
  })
  const transfer = (more: object = {}) => ({
    assetId: desk.assetId,
    amount: '1',
    id: id(),
    idempotencyKey: id(),
    ...more
  })
  const withdrawal = (more: object = {}) => transfer({ timeoutSeconds: '0', ...more })

  async function incoming(more: object = {}) {
    const input = { walletAddressId: payee.id, ...more }
    return (await ok<{ payment: { id: string; url: string } }>(operations.CREATE_INCOMING, input)).payment
  }
  async function quote(receiver: string, more: object = {}) {
    const input = { walletAddressId: payer.id, receiver, ...more }
    return (await ok<{ quote: { id: string } }>(operations.CREATE_QUOTE, input)).quote.id
  }
  async function outgoing() {
    const { url } = await incoming({ incomingAmount: usd('5') })
    const input = { walletAddressId: payer.id, quoteId: await quote(url) }
    return (await ok<{ payment: { id: string } }>(operations.CREATE_OUTGOING, input)).payment.id
  }
  /** A withdrawal in two phases, open. */
  async function open(timeoutSeconds = '60') {
    const input = withdrawal({ timeoutSeconds })
    await ok(operations.WITHDRAW_ASSET, input)
    return { withdrawalId: input.id, idempotencyKey: id() }
  }
  async function asked(query: string, variables: object, as?: typeof TENANT): Promise<AdminError> {
    const { errors } = await desk.node.admin(query, variables, as)
    if (!errors) throw new Error('it was not refused')
    return errors[0]!
  }
  /** What is answered where another node says something to the asset's peering. */
  function peering(status: number, body: object, peerUrl = `http://127.0.0.1:${stranger.address.port}/`) {
    says = { status, body }
    return refused(operations.PEER_BY_URL, { assetId: desk.assetId, peerUrl })
  }
  const one = (query: string) =>
    asked(`query ($id: String!) { ${query}(id: $id) { id } }`, { id: UNKNOWN_ID })
  const createOutgoing = (input: object) =>
    refused(operations.CREATE_OUTGOING, { walletAddressId: payer.id, ...input })
  const createQuote = (input: object) =>
    refused(operations.CREATE_QUOTE, { walletAddressId: payer.id, ...input })
  const createIncoming = (input: object) =>
    refused(operations.CREATE_INCOMING, { walletAddressId: payee.id, ...input })
  const createAddress = (input: object, as?: typeof TENANT) =>
    refused(operations.CREATE_WALLET_ADDRESS, { assetId: desk.assetId, ...input }, as)

  const CASES: Partial<Record<Name, () => Promise<AdminError>>> = {
    'assetFailures.UnknownAsset': () =>
      asked(`query ($id: String!) { asset(id: $id) { id } }`, { id: UNKNOWN_ID }),
    'assetFailures.DuplicateAsset': () => refused(operations.CREATE_ASSET, { code: 'USD', scale: 2 }),
    'assetFailures.CannotDeleteInUseAsset': () => refused(operations.DELETE_ASSET, { id: desk.assetId }),

    'feeFailures.UnknownAsset': () =>
      refused(operations.SET_FEE, {
        assetId: UNKNOWN_ID,
        type: 'SENDING',
        fee: { fixed: '1', basisPoints: 0 }
      }),
    'feeFailures.InvalidBasisPointFee': () =>
      refused(operations.SET_FEE, {
        assetId: desk.assetId,
        type: 'SENDING',
        fee: { fixed: '1', basisPoints: 10_001 }
      }),

    'peerFailures.DuplicateIncomingToken': () => refused(operations.CREATE_PEER, peer({ http: http('one') })),
    'peerFailures.DuplicatePeer': () =>
      refused(operations.CREATE_PEER, peer({ staticIlpAddress: 'test.one' })),
    'peerFailures.InvalidStaticIlpAddress': () =>
      refused(operations.CREATE_PEER, peer({ staticIlpAddress: 'no address' })),
    'peerFailures.InvalidHTTPEndpoint': () =>
      refused(operations.CREATE_PEER, peer({ http: http('two', 'ftp://x/') })),
    'peerFailures.UnknownAsset': () => refused(operations.CREATE_PEER, peer({ assetId: UNKNOWN_ID })),
    'peerFailures.UnknownPeer': () => refused(operations.UPDATE_PEER, { id: UNKNOWN_ID, name: 'x' }),

    'autoPeeringFailures.InvalidIlpConfiguration': () =>
      peering(400, { error: { type: 'InvalidPeerIlpConfiguration', message: 'not reached' } }),
    'autoPeeringFailures.InvalidPeerIlpConfiguration': () =>
      peering(200, {
        staticIlpAddress: 'no address',
        ilpConnectorUrl: 'http://127.0.0.1:1/',
        httpToken: 'a token of its own'.replaceAll(' ', '-')
      }),
    'autoPeeringFailures.UnknownAsset': () =>
      refused(operations.PEER_BY_URL, { assetId: UNKNOWN_ID, peerUrl: 'http://127.0.0.1:1/' }),
    'autoPeeringFailures.PeerUnsupportedAsset': () => peering(404, { error: { type: 'UnknownAsset' } }),
    'autoPeeringFailures.InvalidPeerUrl': () => peering(200, {}, 'ftp://127.0.0.1/'),
    'autoPeeringFailures.InvalidPeeringRequest': () =>
      peering(400, { error: { type: 'InvalidPeeringRequest' } }),

    'walletAddressFailures.InvalidUrl': () => createAddress({ address: '/' }),
    'walletAddressFailures.UnknownAsset': () => createAddress({ address: '/new', assetId: UNKNOWN_ID }),
    'walletAddressFailures.UnknownWalletAddress': () =>
      asked(`query ($id: String!) { walletAddress(id: $id) { id } }`, { id: UNKNOWN_ID }),
    'walletAddressFailures.DuplicateWalletAddress': () => createAddress({ address: '/payee' }),
    'walletAddressFailures.WalletAddressSettingNotFound': () => createAddress({ address: '/theirs' }, TENANT),

    'walletAddressKeyFailures.DuplicateKey': async () => {
      await ok(operations.CREATE_KEY, key(payee.id, 'twice'))
      return refused(operations.CREATE_KEY, key(payee.id, 'twice'))
    },
    'walletAddressKeyFailures.UnknownKey': () => refused(operations.REVOKE_KEY, { id: UNKNOWN_ID }),
    'walletAddressKeyFailures.UnknownWalletAddress': () =>
      refused(operations.CREATE_KEY, key(UNKNOWN_ID, 'none')),

    'incomingPaymentFailures.UnknownWalletAddress': () => createIncoming({ walletAddressId: UNKNOWN_ID }),
    'incomingPaymentFailures.UnknownPayment': () => refused(operations.APPROVE, { id: UNKNOWN_ID }),
    'incomingPaymentFailures.InvalidAmount': () => createIncoming({ incomingAmount: usd('0') }),
    'incomingPaymentFailures.InvalidState': async () => {
      const { id: incomingPaymentId, url } = await incoming()
      await ok(operations.COMPLETE_RECEIVER, { incomingPaymentUrl: url })
      return refused(operations.CONFIRM, { incomingPaymentId, partialIncomingPaymentId: id() })
    },
    'incomingPaymentFailures.InvalidExpiry': () => createIncoming({ expiresAt: '2000-01-01T00:00:00Z' }),
    'incomingPaymentFailures.WrongState': async () => {
      const { id: paymentId, url } = await incoming()
      await ok(operations.COMPLETE_RECEIVER, { incomingPaymentUrl: url })
      return refused(operations.APPROVE, { id: paymentId })
    },
    'incomingPaymentFailures.InactiveWalletAddress': () => createIncoming({ walletAddressId: dozing.id }),
    'incomingPaymentFailures.AlreadyActioned': async () => {
      const { id: paymentId } = await incoming()
      await ok(operations.APPROVE, { id: paymentId })
      return refused(operations.CANCEL_INCOMING, { id: paymentId })
    },

    'receiverFailures.NotFound': () =>
      refused(operations.COMPLETE_RECEIVER, {
        incomingPaymentUrl: `${desk.node.openPaymentsUrl}/${OPERATOR_ID}/incoming-payments/${UNKNOWN_ID}`
      }),
    'receiverFailures.UnknownWalletAddress': () =>
      refused(operations.CREATE_RECEIVER, { walletAddressUrl: `${desk.node.openPaymentsUrl}/nobody` }),
    'receiverFailures.InvalidRequest': () =>
      refused(operations.CREATE_RECEIVER, { walletAddressUrl: payee.url, incomingAmount: usd('1', 'EUR') }),
    'receiverFailures.InvalidGrant': () => {
      says = { status: 403, body: { error: { code: '403', description: 'no' } } }
      return refused(operations.CREATE_RECEIVER, {
        walletAddressUrl: `https://127.0.0.1:${stranger.address.port}/payee`
      })
    },

    'quoteFailures.UnknownWalletAddress': async () =>
      createQuote({ walletAddressId: UNKNOWN_ID, receiver: (await incoming()).url, debitAmount: usd('9') }),
    'quoteFailures.InvalidAmount': async () => createQuote({ receiver: (await incoming()).url }),
    'quoteFailures.InvalidReceiver': () => createQuote({ receiver: 'no URL', debitAmount: usd('9') }),
    'quoteFailures.InactiveWalletAddress': async () =>
      createQuote({ walletAddressId: dozing.id, receiver: (await incoming()).url, debitAmount: usd('9') }),
    'quoteFailures.NonPositiveReceiveAmount': async () =>
      createQuote({ receiver: (await incoming()).url, debitAmount: usd('1') }),
    'quoteFailures.CouldNotFetchRates': async () => {
      const { url } = await incoming({ walletAddressId: euro.id })
      return createQuote({ receiver: url, debitAmount: usd('9') })
    },

    'outgoingPaymentFailures.UnknownWalletAddress': () =>
      createOutgoing({ walletAddressId: UNKNOWN_ID, quoteId: UNKNOWN_ID }),
    'outgoingPaymentFailures.UnknownPayment': () => refused(operations.CANCEL_OUTGOING, { id: UNKNOWN_ID }),
    'outgoingPaymentFailures.UnknownQuote': () => createOutgoing({ quoteId: UNKNOWN_ID }),
    'outgoingPaymentFailures.WrongState': async () => {
      const paymentId = await outgoing()
      await ok(operations.CANCEL_OUTGOING, { id: paymentId })
      return refused(operations.CANCEL_OUTGOING, { id: paymentId })
    },
    'outgoingPaymentFailures.InvalidQuote': async () => createOutgoing({ quoteId: await outgoing() }),
    'outgoingPaymentFailures.InactiveWalletAddress': () =>
      createOutgoing({ walletAddressId: dozing.id, quoteId: UNKNOWN_ID }),
    'outgoingPaymentFailures.InvalidReceiver': async () => {
      const { url } = await incoming({ incomingAmount: usd('5') })
      const quoteId = await quote(url)
      await ok(operations.COMPLETE_RECEIVER, { incomingPaymentUrl: url })
      return createOutgoing({ quoteId })
    },
    'outgoingPaymentFailures.DataTooLong': async () =>
      refused(operations.FUND, {
        outgoingPaymentId: await outgoing(),
        idempotencyKey: id(),
        dataToTransmit: 'x'.repeat(40_000)
      }),

    'liquidityFailures.AlreadyPosted': async () => {
      const phase = await open()
      await ok(operations.POST, phase)
      return refused(operations.VOID, phase)
    },
    'liquidityFailures.AlreadyVoided': async () => {
      const phase = await open()
      await ok(operations.VOID, phase)
      return refused(operations.POST, phase)
    },
    'liquidityFailures.AmountZero': () => refused(operations.DEPOSIT_ASSET, transfer({ amount: '0' })),
    'liquidityFailures.InsufficientBalance': () =>
      refused(operations.WITHDRAW_ASSET, withdrawal({ amount: '99999' })),
    'liquidityFailures.InvalidId': () => refused(operations.DEPOSIT_ASSET, transfer({ id: 'x' })),
    'liquidityFailures.TransferExists': async () => {
      const twice = transfer()
      await ok(operations.DEPOSIT_ASSET, twice)
      return refused(operations.DEPOSIT_ASSET, { ...twice, idempotencyKey: id() })
    },
    'liquidityFailures.TransferExpired': async () => {
      const phase = await open('1')
      desk.node.shift(2_000)
      return refused(operations.POST, phase)
    },
    'liquidityFailures.UnknownTransfer': () =>
      refused(operations.POST, { withdrawalId: UNKNOWN_ID, idempotencyKey: id() }),

    'tenantFailures.InvalidTenantId': () => refused(operations.CREATE_TENANT, { id: 'x', apiSecret: 's' }),
    'tenantFailures.InvalidTenant': () => refused(operations.CREATE_TENANT, { apiSecret: '' }),
    'tenantFailures.DuplicateTenant': () =>
      refused(operations.CREATE_TENANT, { id: TENANT.tenantId, apiSecret: 'another' }),
    'tenantFailures.NotUpdated': () => refused(operations.UPDATE_TENANT, { id: UNKNOWN_ID, email: 'x' }),
    'tenantFailures.NotDeleted': () =>
      asked(`mutation ($id: String!) { deleteTenant(id: $id) { success } }`, { id: UNKNOWN_ID }),
    'tenantSettingFailures.InvalidSetting': () =>
      refused(operations.SETTINGS, { settings: [{ key: 'WEBHOOK_TIMEOUT', value: 'long' }] }),
    'tenantSettingFailures.DuplicateWalletAddressUrl': () =>
      refused(
        operations.SETTINGS,
        { settings: [{ key: 'WALLET_ADDRESS_URL', value: desk.node.openPaymentsUrl }] },
        TENANT
      ),

    'webhookFailures.UnknownEvent': () => refused(operations.RESEND, { id: UNKNOWN_ID }),
    'webhookFailures.UnknownDelivery': async () =>
      refused(operations.RESEND, { id: await eventId(), deliveryId: UNKNOWN_ID }),
    'webhookFailures.NothingToSendAgain': async () => refused(operations.RESEND, { id: await eventId() })
  }

  async function eventId(): Promise<string> {
    const { data } = await desk.node.admin<{ webhookEvents: { edges: { node: { id: string } }[] } }>(
      `{ webhookEvents(first: 1, filter: { type: { in: ["incoming_payment.created"] } }) { edges { node { id } } } }`
    )
    return data!.webhookEvents.edges[0]!.node.id
  }

  const EVERY = Object.entries(registries).flatMap(([registry, kinds]) =>
    Object.entries(kinds as registries.FailureRegistry<string>).map(
      ([failure, kind]) => [`${registry}.${failure}` as Name, kind] as const
    )
  )

  it('are each reached here, or say why not', () => {
    const names = EVERY.map(([name]) => name).sort()
    const told = [...Object.keys(CASES), ...Object.keys(NOT_HERE)]
    expect([...told].sort()).toEqual(names)
    for (const reason of Object.values({ ...NOT_HERE, ...NOT_RAISED })) expect(reason).not.toBe('')
  })

  it.each(EVERY.filter(([name]) => CASES[name]))('%s', async (name, { graphql, message }) => {
    const failure = name.split('.')[1]
    expect(await CASES[name]!()).toMatchObject({ message, extensions: { code: graphql, failure } })
  })

  it.each<[string, string, string, () => Promise<AdminError>]>([
    [
      'Wallet address, update of unknown',
      'NOT_FOUND',
      'Unknown wallet address',
      () => refused(operations.UPDATE_ADDRESS, { id: UNKNOWN_ID, publicName: 'x' })
    ],
    [
      'Wallet address, update of foreign',
      'NOT_FOUND',
      'Unknown wallet address',
      () => refused(operations.UPDATE_ADDRESS, { id: payee.id, publicName: 'x' }, TENANT)
    ],
    [
      'Liquidity, UnknownAsset',
      'NOT_FOUND',
      'Unknown asset',
      () => refused(operations.DEPOSIT_ASSET, transfer({ assetId: UNKNOWN_ID }))
    ],
    [
      'Liquidity, UnknownPeer',
      'NOT_FOUND',
      'Unknown peer',
      () =>
        refused(operations.DEPOSIT_PEER, { peerId: UNKNOWN_ID, amount: '1', id: id(), idempotencyKey: id() })
    ],
    [
      'Liquidity, UnknownWalletAddress',
      'NOT_FOUND',
      'Unknown wallet address',
      () =>
        refused(operations.WITHDRAW_ADDRESS, {
          walletAddressId: UNKNOWN_ID,
          id: id(),
          idempotencyKey: id(),
          timeoutSeconds: '0'
        })
    ],
    [
      'Liquidity, UnknownIncomingPayment',
      'NOT_FOUND',
      'Unknown incoming payment',
      () =>
        refused(operations.WITHDRAW_INCOMING, {
          incomingPaymentId: UNKNOWN_ID,
          idempotencyKey: id(),
          timeoutSeconds: '0'
        })
    ],
    [
      'Liquidity, UnknownOutgoingPayment',
      'NOT_FOUND',
      'Unknown outgoing payment',
      () =>
        refused(operations.WITHDRAW_OUTGOING, {
          outgoingPaymentId: UNKNOWN_ID,
          idempotencyKey: id(),
          timeoutSeconds: '0'
        })
    ],
    [
      'Transfer, InvalidTimeout',
      'BAD_USER_INPUT',
      'Invalid transfer timeout provided',
      () => refused(operations.WITHDRAW_ASSET, withdrawal({ timeoutSeconds: '4294967296' }))
    ],
    [
      'Tenant, another’s',
      'NOT_FOUND',
      'tenant does not exist',
      () => asked(`query ($id: String!) { tenant(id: $id) { id } }`, { id: OPERATOR_ID }, TENANT)
    ],
    [
      'Tenant, update of another’s',
      'NOT_FOUND',
      'tenant does not exist',
      () => refused(operations.UPDATE_TENANT, { id: OPERATOR_ID, email: 'x' }, TENANT)
    ],
    [
      'Tenant, list by a non-operator',
      'FORBIDDEN',
      'cannot get tenants page',
      () => asked('{ tenants { edges { cursor } } }', {}, TENANT)
    ],
    [
      'Tenant, creation by a non-operator',
      'FORBIDDEN',
      'permission denied',
      () => refused(operations.CREATE_TENANT, { apiSecret: 's' }, TENANT)
    ],
    [
      'Tenant, deletion by a non-operator',
      'FORBIDDEN',
      'permission denied',
      () => asked(`mutation { deleteTenant(id: "${UNKNOWN_ID}") { success } }`, {}, TENANT)
    ],
    [
      'Tenant, apiSecret by the operator',
      'BAD_USER_INPUT',
      'Operator cannot update apiSecret over admin api',
      () => refused(operations.UPDATE_TENANT, { id: OPERATOR_ID, apiSecret: 'x' })
    ],
    [
      'forTenantId',
      'BAD_USER_INPUT',
      'Assignment to the specified tenant is not permitted',
      () => refused(operations.CREATE_ASSET, { code: 'X', scale: 2, tenantId: OPERATOR_ID }, TENANT)
    ],
    ['Query, incomingPayment', 'NOT_FOUND', 'payment does not exist', () => one('incomingPayment')],
    ['Query, outgoingPayment', 'NOT_FOUND', 'payment does not exist', () => one('outgoingPayment')],
    ['Query, quote', 'NOT_FOUND', 'quote does not exist', () => one('quote')],
    ['Query, receiver', 'NOT_FOUND', 'receiver does not exist', () => one('receiver')],
    ['Query, peer', 'NOT_FOUND', 'unknown peer', () => one('peer')]
  ])('%s: %s, %s', async (_, code, message, ask) => {
    expect(await ask()).toMatchObject({ message, extensions: { code } })
  })

  it('are none where a thing is looked up by what it is called: null is answered', async () => {
    const text = `query ($id: String!) { assetByCodeAndScale(code: "XXX", scale: 1) { id }
      peerByAddressAndAsset(staticIlpAddress: "test.nobody", assetId: $id) { id }
      walletAddressByUrl(url: "https://nobody.example/x") { id } }`
    expect(await desk.node.admin(text, { id: UNKNOWN_ID })).toEqual({
      data: { assetByCodeAndScale: null, peerByAddressAndAsset: null, walletAddressByUrl: null }
    })
  })
})
