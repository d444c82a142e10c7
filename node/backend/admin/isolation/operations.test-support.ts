/** Kinds of what a tenant has, by whose id an operation of the Admin API names it. */
export const KINDS = [
  'asset',
  'peer',
  'walletAddress',
  'walletAddressUrl',
  'key',
  'incomingPayment',
  'incomingPaymentUrl',
  'quote',
  'outgoingPayment',
  'payment',
  'withdrawal',
  'event',
  'tenant'
] as const
export type Kind = (typeof KINDS)[number]

/** What a tenant has, newest last. */
export type Resources = Record<Kind, string[]>

/** What an operation needs besides the id that it is about. */
export interface Draw {
  /** A new UUID. */
  id(): string
  /** What the caller itself has. */
  own: Resources
}

/** An operation that names something by its id. */
export interface Operation {
  /** The field of the schema. */
  field: string
  kind: Kind
  /** Who may, besides the tenant that has it. */
  scope: 'operator' | 'nobody'
  type: 'query' | 'mutation'
  /** The field with its arguments and selection; its input is `$input`, its id `$id`. */
  document: string
  variables(id: string, draw: Draw): object
  /** What answers for nothing, where that is no error. */
  nothing?: unknown
  /** Not run by who may: it would change more than its own tenant, or take too long. */
  onlyRefused?: true
}

const USD = (value: string) => ({ value, assetCode: 'USD', assetScale: 2 })
const RANDOM_KEY = Buffer.alloc(32, 7).toString('base64url')

function read(field: string, kind: Kind, scope: Operation['scope'], selection = '{ id }'): Operation {
  return {
    field,
    kind,
    scope,
    type: 'query',
    document: `query ($id: String!) { answer: ${field}(id: $id) ${selection} }`,
    variables: (id) => ({ id })
  }
}

function change(
  field: string,
  kind: Kind,
  scope: Operation['scope'],
  selection: string,
  input: (id: string, draw: Draw) => object,
  extra: Partial<Operation> = {}
): Operation {
  const inputType = `${field[0]!.toUpperCase()}${field.slice(1)}Input`
  return {
    field,
    kind,
    scope,
    type: 'mutation',
    document: `mutation ($input: ${inputType}!) { answer: ${field}(input: $input) ${selection} }`,
    variables: (id, draw) => ({ input: input(id, draw) }),
    ...extra
  }
}

const SUCCESS = '{ success }'
const withdrawal = { amount: '1', timeoutSeconds: '600' }
const http = (token: string) => ({
  incoming: { authTokens: [token] },
  outgoing: { endpoint: 'http://127.0.0.1:1/', authToken: 'x' }
})

/** Every operation that names a resource. */
export const OPERATIONS: readonly Operation[] = [
  read('asset', 'asset', 'operator'),
  read('peer', 'peer', 'operator'),
  read('walletAddress', 'walletAddress', 'operator'),
  read('incomingPayment', 'incomingPayment', 'operator', '{ id timeline { kind title detail id } }'),
  read('outgoingPayment', 'outgoingPayment', 'operator', '{ id timeline { kind title detail id } }'),
  read('quote', 'quote', 'nobody'),
  read('tenant', 'tenant', 'operator', '{ id apiSecret }'),
  {
    field: 'walletAddressByUrl',
    kind: 'walletAddressUrl',
    scope: 'operator',
    type: 'query',
    document: 'query ($url: String!) { answer: walletAddressByUrl(url: $url) { id } }',
    variables: (url) => ({ url }),
    nothing: null
  },
  {
    field: 'peerByAddressAndAsset',
    kind: 'asset',
    scope: 'nobody',
    type: 'query',
    document:
      'query ($id: String!) { answer: peerByAddressAndAsset(staticIlpAddress: "test.peer", assetId: $id) { id } }',
    variables: (id) => ({ id }),
    nothing: null
  },
  ...(['asset', 'peer', 'incomingPayment', 'outgoingPayment', 'walletAddress'] as const).map(
    (kind): Operation => ({
      field: 'accountingTransfers',
      kind,
      scope: 'operator',
      type: 'query',
      document:
        'query ($id: String!) { answer: accountingTransfers(id: $id) { debits { id } credits { id } } }',
      variables: (id) => ({ id }),
      nothing: { debits: [], credits: [] }
    })
  ),

  change('updateAsset', 'asset', 'nobody', '{ asset { id } }', (id) => ({ id, liquidityThreshold: '7' })),
  change('deleteAsset', 'asset', 'nobody', '{ asset { id } }', (id) => ({ id })),
  change('setFee', 'asset', 'operator', '{ fee { id } }', (assetId) => ({
    assetId,
    type: 'RECEIVING',
    fee: { fixed: '1', basisPoints: 1 }
  })),
  change('depositAssetLiquidity', 'asset', 'operator', SUCCESS, (assetId, { id }) => ({
    assetId,
    amount: '5',
    id: id(),
    idempotencyKey: id()
  })),
  change('createAssetLiquidityWithdrawal', 'asset', 'operator', SUCCESS, (assetId, { id }) => ({
    assetId,
    ...withdrawal,
    id: id(),
    idempotencyKey: id()
  })),
  change('createPeer', 'asset', 'operator', '{ peer { id } }', (assetId, { id }) => ({
    assetId,
    staticIlpAddress: `test.peer.${id()}`,
    http: http(id())
  })),
  change('updatePeer', 'peer', 'operator', '{ peer { id } }', (id, draw) => ({ id, name: draw.id() })),
  change('deletePeer', 'peer', 'nobody', SUCCESS, (id) => ({ id })),
  change('depositPeerLiquidity', 'peer', 'operator', SUCCESS, (peerId, { id }) => ({
    peerId,
    amount: '5',
    id: id(),
    idempotencyKey: id()
  })),
  change('createPeerLiquidityWithdrawal', 'peer', 'operator', SUCCESS, (peerId, { id }) => ({
    peerId,
    ...withdrawal,
    id: id(),
    idempotencyKey: id()
  })),
  change('createOrUpdatePeerByUrl', 'asset', 'nobody', '{ peer { id } }', (assetId) => ({
    assetId,
    peerUrl: 'http://127.0.0.1:1/'
  })),
  change('createWalletAddress', 'asset', 'nobody', '{ walletAddress { id } }', (assetId, { id }) => ({
    assetId,
    address: `/${id()}`
  })),
  change(
    'createWalletAddress',
    'tenant',
    'operator',
    '{ walletAddress { id } }',
    (tenantId, { id, own }) => ({
      tenantId,
      assetId: own.asset[0] ?? id(),
      address: `/${id()}`
    })
  ),
  change('createAsset', 'tenant', 'operator', '{ asset { id } }', (tenantId, { id }) => ({
    tenantId,
    code: id().slice(0, 8),
    scale: 2
  })),
  change('updateWalletAddress', 'walletAddress', 'nobody', '{ walletAddress { id } }', (id, draw) => ({
    id,
    publicName: draw.id(),
    additionalProperties: [{ key: 'k', value: draw.id(), visibleInOpenPayments: true }]
  })),
  change(
    'createWalletAddressKey',
    'walletAddress',
    'operator',
    '{ walletAddressKey { id } }',
    (walletAddressId, { id }) => ({
      walletAddressId,
      jwk: { kid: id(), x: RANDOM_KEY, alg: 'EdDSA', kty: 'OKP', crv: 'Ed25519' }
    })
  ),
  change('revokeWalletAddressKey', 'key', 'operator', '{ walletAddressKey { id } }', (id) => ({ id })),
  change(
    'createWalletAddressWithdrawal',
    'walletAddress',
    'operator',
    '{ withdrawal { id } }',
    (walletAddressId, { id }) => ({ walletAddressId, id: id(), idempotencyKey: id(), timeoutSeconds: '0' })
  ),
  {
    ...change(
      'createIncomingPayment',
      'walletAddress',
      'nobody',
      '{ payment { id } }',
      (walletAddressId) => ({
        walletAddressId,
        incomingAmount: USD('100')
      })
    )
  },
  change('updateIncomingPayment', 'incomingPayment', 'operator', '{ payment { id } }', (id, draw) => ({
    id,
    metadata: { note: draw.id() }
  })),
  change('createQuote', 'walletAddress', 'nobody', '{ quote { id } }', (walletAddressId, { own }) => ({
    walletAddressId,
    receiver: own.incomingPaymentUrl[0] ?? 'https://nobody.test/incoming-payments/1'
  })),
  change('createOutgoingPayment', 'quote', 'nobody', '{ payment { id } }', (quoteId, { id, own }) => ({
    walletAddressId: own.walletAddress[0] ?? id(),
    quoteId
  })),
  change(
    'createOutgoingPayment',
    'walletAddress',
    'nobody',
    '{ payment { id } }',
    (walletAddressId, draw) => ({
      walletAddressId,
      quoteId: draw.own.quote.at(-1) ?? draw.id()
    })
  ),
  change(
    'createOutgoingPaymentFromIncomingPayment',
    'walletAddress',
    'nobody',
    '{ payment { id } }',
    (walletAddressId, { own }) => ({
      walletAddressId,
      incomingPayment: own.incomingPaymentUrl[0] ?? 'https://nobody.test/incoming-payments/1'
    })
  ),
  change('cancelOutgoingPayment', 'outgoingPayment', 'nobody', '{ payment { id } }', (id) => ({ id })),
  change(
    'depositOutgoingPaymentLiquidity',
    'outgoingPayment',
    'nobody',
    SUCCESS,
    (outgoingPaymentId, { id }) => ({ outgoingPaymentId, idempotencyKey: id() }),
    { onlyRefused: true }
  ),
  change(
    'createIncomingPaymentWithdrawal',
    'incomingPayment',
    'operator',
    SUCCESS,
    (incomingPaymentId, { id }) => ({ incomingPaymentId, idempotencyKey: id(), timeoutSeconds: '0' })
  ),
  change(
    'createOutgoingPaymentWithdrawal',
    'outgoingPayment',
    'operator',
    SUCCESS,
    (outgoingPaymentId, { id }) => ({ outgoingPaymentId, idempotencyKey: id(), timeoutSeconds: '0' })
  ),
  change('postLiquidityWithdrawal', 'withdrawal', 'operator', SUCCESS, (withdrawalId, { id }) => ({
    withdrawalId,
    idempotencyKey: id()
  })),
  change('voidLiquidityWithdrawal', 'withdrawal', 'operator', SUCCESS, (withdrawalId, { id }) => ({
    withdrawalId,
    idempotencyKey: id()
  })),
  change('approveIncomingPayment', 'incomingPayment', 'nobody', '{ payment { id } }', (id) => ({ id })),
  change('cancelIncomingPayment', 'incomingPayment', 'nobody', '{ payment { id } }', (id) => ({ id }), {
    onlyRefused: true
  }),
  ...['depositEventLiquidity', 'withdrawEventLiquidity'].map((field) =>
    change(field, 'event', 'operator', SUCCESS, (eventId, { id }) => ({ eventId, idempotencyKey: id() }), {
      onlyRefused: true
    })
  ),
  change('confirmPartialIncomingPayment', 'incomingPayment', 'operator', SUCCESS, (id, draw) => ({
    incomingPaymentId: id,
    partialIncomingPaymentId: draw.id()
  })),
  change('rejectPartialIncomingPayment', 'incomingPayment', 'operator', SUCCESS, (id, draw) => ({
    incomingPaymentId: id,
    partialIncomingPaymentId: draw.id()
  })),
  // Completing sets a timer that writes an event: it would look like a change by whoever comes next.
  change(
    'completeReceiver',
    'incomingPaymentUrl',
    'operator',
    '{ receiver { id } }',
    (incomingPaymentUrl) => ({ incomingPaymentUrl }),
    { onlyRefused: true }
  ),
  change('resendWebhookEvent', 'event', 'operator', '{ webhookEvent { id } }', (id) => ({ id })),
  change('updateTenant', 'tenant', 'operator', '{ tenant { id } }', (id, draw) => ({
    id,
    publicName: draw.id()
  })),
  {
    field: 'deleteTenant',
    kind: 'tenant',
    scope: 'operator',
    type: 'mutation',
    document: 'mutation ($id: String!) { answer: deleteTenant(id: $id) { success } }',
    variables: (id) => ({ id }),
    onlyRefused: true
  }
]

/** Lists, by what they hold; all take `tenantId`, and pages. */
export const LISTS = [
  { field: 'assets', kind: 'asset', tenantIdType: 'String' },
  { field: 'peers', kind: 'peer', tenantIdType: 'ID' },
  { field: 'walletAddresses', kind: 'walletAddress', tenantIdType: 'String' },
  { field: 'incomingPayments', kind: 'incomingPayment', tenantIdType: 'String' },
  { field: 'outgoingPayments', kind: 'outgoingPayment', tenantIdType: 'String' },
  { field: 'payments', kind: 'payment', tenantIdType: 'String' },
  { field: 'webhookEvents', kind: 'event', tenantIdType: 'String' }
] as const satisfies { field: string; kind: Kind; tenantIdType: string }[]

/** Lists of a resource's own, which take pages: of one's own wallet address or asset, with anybody's cursor. */
export const NESTED_LISTS = [
  { of: 'walletAddress', field: 'incomingPayments', kind: 'incomingPayment' },
  { of: 'walletAddress', field: 'quotes', kind: 'quote' },
  { of: 'walletAddress', field: 'outgoingPayments', kind: 'outgoingPayment' },
  { of: 'walletAddress', field: 'walletAddressKeys', kind: 'key' }
] as const satisfies { of: Kind; field: string; kind: Kind }[]

/** Fields of the schema that name nobody's resource, or are open to all on purpose. */
export const OTHERS: Record<string, string> = {
  whoami: 'says who asks',
  paymentStates: 'counts the caller’s own: a step of the histories',
  assetByCodeAndScale: 'looks among the caller’s own: a step of the histories',
  tenants: 'for the operator alone: a step of the histories',
  createTenant: 'for the operator alone: a step of the histories',
  createTenantSettings: 'of the caller itself: a step of the histories',
  triggerWalletAddressEvents: 'counts the caller’s own: a step of the histories',
  autoPeeringRequests: 'for the operator alone: a step of the histories',
  receiver: 'open to every payer, as over Open Payments',
  createReceiver: 'makes an incoming payment at anybody’s wallet address, as over Open Payments'
}
