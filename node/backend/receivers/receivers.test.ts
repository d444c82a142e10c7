import { createPrivateKey } from 'node:crypto'
import { describe, expect, it } from 'vitest'
import { toJwk, verifyRequest } from '../../http-signatures/index.ts'
import { createManualClock, HttpClientError } from '../../runtime/index.ts'
import type { HttpClient, HttpRequest } from '../../runtime/index.ts'
import type { IncomingPayment, IncomingPayments } from '../incoming-payments/model.ts'
import { failure } from '../model.ts'
import type { Tenant } from '../tenants/model.ts'
import type { WalletAddress } from '../wallet-addresses/model.ts'
import { loadAnswerSchemas } from './answer-schemas.ts'
import { RemoteUnavailableError } from './index.ts'
import { createOpenPaymentsClient, MAX_KNOWN_AUTH_SERVERS } from './open-payments-client.ts'
import { RECENT_READ_MS } from './model.ts'
import { createRecentReads } from './recent-reads.ts'
import { createReceiversService } from './service.ts'
import { createSignedHttp } from './signed-http.ts'

const prefix = Buffer.from('302e020100300506032b657004220420', 'hex')
const instanceKey = createPrivateKey({
  key: Buffer.concat([prefix, Buffer.alloc(32, 7)]),
  format: 'der',
  type: 'pkcs8'
})
const jwk = toJwk(instanceKey, 'instance-key')
const schemas = loadAnswerSchemas()

const TENANT = '11111111-1111-4111-8111-111111111111'
const OTHER_TENANT = '22222222-2222-4222-8222-222222222222'
const LOCAL_ID = '33333333-3333-4333-8333-333333333333'
const REMOTE = 'https://remote.example/9/incoming-payments/44444444-4444-4444-8444-444444444444'
const SECRET = Buffer.alloc(32, 9)

const remotePayment = {
  id: REMOTE,
  walletAddress: 'https://remote.example/bob',
  completed: false,
  incomingAmount: { value: '500', assetCode: 'EUR', assetScale: 2 },
  receivedAmount: { value: '18446744073709551615', assetCode: 'EUR', assetScale: 2 },
  expiresAt: '2026-02-01T00:00:00.000Z',
  createdAt: '2026-01-01T00:00:00.000Z',
  metadata: { invoice: 1 },
  methods: [{ type: 'ilp', ilpAddress: 'test.remote.x', sharedSecret: SECRET.toString('base64url') }]
}
const grant = (value: string) => ({
  access_token: {
    value,
    manage: 'https://auth.remote.example/token/1',
    expires_in: 600,
    access: [{ type: 'incoming-payment', actions: ['read-all'] }]
  },
  continue: { access_token: { value: 'C' }, uri: 'https://auth.remote.example/continue/1' }
})
const publicView = {
  receivedAmount: remotePayment.receivedAmount,
  authServer: 'https://auth.remote.example/9'
}
const walletAddressDocument = {
  id: 'https://remote.example/bob',
  assetCode: 'EUR',
  assetScale: 2,
  authServer: 'https://auth.remote.example/9',
  resourceServer: 'https://remote.example/9'
}

type Reply = [status: number, body?: unknown] | Error
/** What the other node answers, by `METHOD path` (a request with a token: `METHOD path +token`). */
type Replies = Record<string, Reply | Reply[]>

const usual: Replies = {
  'GET /bob': [200, walletAddressDocument],
  [`GET ${new URL(REMOTE).pathname}`]: [200, publicView],
  [`GET ${new URL(REMOTE).pathname} +T1`]: [200, remotePayment],
  'POST /9': [200, grant('T1')],
  'POST /9/incoming-payments +T1': [
    201,
    { ...remotePayment, receivedAmount: { ...remotePayment.receivedAmount, value: '0' } }
  ],
  [`POST ${new URL(REMOTE).pathname}/complete +T1`]: [
    200,
    { ...remotePayment, completed: true, methods: undefined }
  ]
}

function world(replies: Replies = {}, { scheme = 'https' as 'http' | 'https' } = {}) {
  const clock = createManualClock()
  const all = { ...usual, ...replies }
  const requests: HttpRequest[] = []
  const turns = new Map<string, number>()
  const http = {
    async request(request: HttpRequest) {
      requests.push(request)
      const token = request.headers?.authorization?.replace('GNAP ', ' +') ?? ''
      const key = `${request.method} ${new URL(request.url).pathname}${token}`
      const reply = all[key]
      if (reply === undefined) throw new Error(`unexpected request: ${key}`)
      const turn = turns.get(key) ?? 0
      turns.set(key, turn + 1)
      const list = (Array.isArray(reply) && Array.isArray(reply[0]) ? reply : [reply]) as Reply[]
      const answer = list[Math.min(turn, list.length - 1)]!
      if (answer instanceof Error) throw answer
      return { status: answer[0], headers: {}, body: Buffer.from(JSON.stringify(answer[1] ?? null)) }
    }
  } as unknown as HttpClient

  const asset = {
    id: 'asset',
    tenantId: OTHER_TENANT,
    code: 'USD',
    scale: 2,
    ledger: 1,
    createdAt: new Date(0)
  }
  const localPayment: IncomingPayment = {
    id: LOCAL_ID,
    tenantId: OTHER_TENANT,
    walletAddressId: 'w',
    asset,
    state: 'PENDING',
    incomingAmount: 700n,
    expiresAt: new Date(clock.nowMs() + 60_000),
    initiatedBy: 'ADMIN',
    needsApproval: false,
    createdAt: new Date(clock.nowMs())
  }
  const walletAddress = {
    id: 'w',
    tenantId: OTHER_TENANT,
    address: 'https://localhost:3003/alice',
    asset,
    isActive: true
  } as WalletAddress
  const created: unknown[] = []
  const incomingPayments = {
    async create(input) {
      created.push(input)
      return input.incomingAmount?.assetCode === 'EUR' ? failure('InvalidAmount', 'not in EUR') : localPayment
    },
    get: async (id, tenantId) => (id === LOCAL_ID && tenantId === OTHER_TENANT ? localPayment : undefined),
    complete: async () => ({ ...localPayment, state: 'COMPLETED' as const }),
    receivedAmounts: async () => [42n],
    paymentMethods: ({ state }) =>
      state === 'COMPLETED' ? [] : [{ type: 'ilp', ilpAddress: 'test.local.x', sharedSecret: SECRET }],
    url: ({ id, tenantId }) => `https://localhost:3003/${tenantId}/incoming-payments/${id}`
  } satisfies Partial<IncomingPayments> as unknown as IncomingPayments

  const client = createOpenPaymentsClient({
    http: createSignedHttp({ http, clock, scheme, keyId: jwk.kid, privateKey: instanceKey }),
    schemas: () => schemas,
    clock,
    clientWalletAddress: 'https://localhost:3003/.well-known/pay'
  })
  const deleted = new Set<string>()
  const receivers = createReceiversService({
    openPaymentsUrl: 'https://localhost:3003',
    tenants: { get: (id) => (deleted.has(id) ? ({ deletedAt: new Date(0) } as Tenant) : undefined) },
    walletAddresses: {
      byUrl: async (url) => (url.toLowerCase() === walletAddress.address ? walletAddress : undefined),
      get: async () => walletAddress
    },
    incomingPayments,
    client,
    recentReads: createRecentReads(clock)
  })
  return { receivers, requests, created, clock, localPayment, deleted }
}

const seen = (requests: HttpRequest[]) =>
  requests.map(({ method, url, headers }) => `${method} ${url} ${headers?.authorization ?? '-'}`)

describe("receivers of this node's own", () => {
  const url = `https://localhost:3003/${OTHER_TENANT}/incoming-payments/${LOCAL_ID}`

  it('are read without HTTP, whatever their tenant', async () => {
    const { receivers, requests, localPayment } = world()
    expect(await receivers.get(TENANT, url)).toEqual({
      incomingPaymentUrl: url,
      walletAddressUrl: 'https://localhost:3003/alice',
      asset: { code: 'USD', scale: 2 },
      incomingAmount: { value: 700n, assetCode: 'USD', assetScale: 2 },
      receivedAmount: { value: 42n, assetCode: 'USD', assetScale: 2 },
      completed: false,
      expiresAt: localPayment.expiresAt,
      createdAt: localPayment.createdAt,
      credentials: { destination: 'test.local.x', sharedSecret: SECRET },
      localPaymentId: LOCAL_ID
    })
    expect(requests).toEqual([])
  })

  it('are found by http and https alike, and by no other tenant', async () => {
    const { receivers } = world()
    expect(await receivers.get(TENANT, url.replace('https:', 'http:'))).toMatchObject({
      localPaymentId: LOCAL_ID
    })
    expect(await receivers.get(TENANT, url.replace(OTHER_TENANT, TENANT))).toMatchObject({
      failure: 'NotFound'
    })
  })

  it('are created into wallet addresses of any tenant', async () => {
    const { receivers, created } = world()
    const receiver = await receivers.create({
      tenantId: TENANT,
      walletAddressUrl: 'https://localhost:3003/ALICE',
      metadata: { a: 1 }
    })
    expect(receiver).toMatchObject({ localPaymentId: LOCAL_ID })
    expect(created).toEqual([
      {
        tenantId: OTHER_TENANT,
        walletAddressId: 'w',
        creatorTenantId: TENANT,
        metadata: { a: 1 },
        initiatedBy: 'ADMIN'
      }
    ])
  })

  it('are refused with the reason', async () => {
    const { receivers } = world()
    const incomingAmount = { value: 1n, assetCode: 'EUR', assetScale: 2 }
    expect(
      await receivers.create({
        tenantId: TENANT,
        walletAddressUrl: 'https://localhost:3003/alice',
        incomingAmount
      })
    ).toEqual({ failure: 'InvalidRequest', message: 'not in EUR' })
  })

  it('do not exist under unknown wallet addresses, nobody is asked', async () => {
    const { receivers, requests } = world()
    expect(
      await receivers.create({ tenantId: TENANT, walletAddressUrl: 'https://localhost:3003/carol' })
    ).toMatchObject({ failure: 'UnknownWalletAddress' })
    expect(requests).toEqual([])
  })

  it('can be completed by their tenant, by the one that had them created, and by the operator', async () => {
    const { receivers, localPayment } = world()
    expect(await receivers.complete(TENANT, url)).toMatchObject({ failure: 'NotFound' })
    for (const tenantId of [OTHER_TENANT, undefined]) {
      const receiver = await receivers.complete(tenantId, url)
      expect(receiver).toMatchObject({ completed: true })
      expect(receiver).not.toHaveProperty('credentials')
    }
    localPayment.creatorTenantId = TENANT
    expect(await receivers.complete(TENANT, url)).toMatchObject({ completed: true })
  })

  it('are gone with their tenant', async () => {
    const { receivers, requests, deleted } = world()
    deleted.add(OTHER_TENANT)
    expect(await receivers.get(TENANT, url)).toMatchObject({ failure: 'NotFound' })
    // The operator ends what is left of it.
    expect(await receivers.complete(undefined, url)).toMatchObject({ completed: true })
    expect(
      await receivers.create({ tenantId: TENANT, walletAddressUrl: 'https://localhost:3003/alice' })
    ).toMatchObject({ failure: 'UnknownWalletAddress' })
    expect(requests).toEqual([])
  })
})

describe('receivers of other nodes', () => {
  it('are read with a token of the authorization server that their public view names', async () => {
    const { receivers, requests } = world()
    expect(await receivers.get(TENANT, REMOTE)).toEqual({
      incomingPaymentUrl: REMOTE,
      walletAddressUrl: 'https://remote.example/bob',
      asset: { code: 'EUR', scale: 2 },
      incomingAmount: { value: 500n, assetCode: 'EUR', assetScale: 2 },
      receivedAmount: { value: 2n ** 64n - 1n, assetCode: 'EUR', assetScale: 2 },
      completed: false,
      expiresAt: new Date('2026-02-01'),
      metadata: { invoice: 1 },
      createdAt: new Date('2026-01-01'),
      credentials: { destination: 'test.remote.x', sharedSecret: SECRET }
    })
    expect(seen(requests)).toEqual([
      `GET ${REMOTE} -`,
      'POST https://auth.remote.example/9 -',
      `GET ${REMOTE} GNAP T1`
    ])
    // The next read needs neither the public view nor a new grant.
    await receivers.get(TENANT, REMOTE)
    expect(seen(requests).slice(3)).toEqual([`GET ${REMOTE} GNAP T1`])
  })

  it('have their authorization servers remembered, so many at most: who was asked first is asked anew', async () => {
    const { receivers, requests } = world(
      Object.fromEntries(
        Array.from({ length: MAX_KNOWN_AUTH_SERVERS + 1 }, (_, number): [string, Reply][] => {
          const path = `/${number}/incoming-payments/${new URL(REMOTE).pathname.slice(-36)}`
          return [
            [`GET ${path}`, [200, publicView]],
            [`GET ${path} +T1`, [200, { ...remotePayment, id: `https://remote.example${path}` }]]
          ]
        }).flat()
      )
    )
    const read = async (number: number) => {
      const before = requests.length
      await receivers.get(TENANT, REMOTE.replace('/9/', `/${number}/`))
      return requests.length - before
    }
    // The public view, a token, the payment; later ones share the token.
    expect(await read(0)).toBe(3)
    for (let number = 1; number < MAX_KNOWN_AUTH_SERVERS; number++) await read(number)
    expect([await read(0), await read(1)]).toEqual([1, 1])
    expect(await read(MAX_KNOWN_AUTH_SERVERS)).toBe(2)
    expect([await read(0), await read(2)]).toEqual([2, 1])
  })

  it('are asked for with signed requests, in the name of this instance', async () => {
    const { receivers, requests, clock } = world()
    await receivers.get(TENANT, REMOTE)
    const [publicRead, grantRequest, read] = requests
    expect(publicRead?.headers).not.toHaveProperty('signature')
    for (const { method, url, headers = {}, body } of [grantRequest!, read!]) {
      const verified = verifyRequest({
        method,
        targetUri: url,
        headers,
        rawBody: Buffer.from(body ?? ''),
        key: jwk,
        nowMs: clock.nowMs()
      })
      expect(verified).toMatchObject({ ok: true, keyId: 'instance-key' })
    }
    expect(JSON.parse(String(grantRequest?.body))).toEqual({
      access_token: { access: [{ type: 'incoming-payment', actions: ['read-all'] }] },
      client: 'https://localhost:3003/.well-known/pay',
      interact: { start: ['redirect'] }
    })
  })

  it('are called as http on a local network', async () => {
    const { receivers, requests } = world({}, { scheme: 'http' })
    expect(await receivers.get(TENANT, REMOTE)).toMatchObject({ incomingPaymentUrl: REMOTE })
    expect(requests.map(({ url }) => new URL(url).protocol)).toEqual(['http:', 'http:', 'http:'])
  })

  it('are created through the wallet address', async () => {
    const { receivers, requests } = world()
    const receiver = await receivers.create({
      tenantId: TENANT,
      walletAddressUrl: 'https://remote.example/bob',
      incomingAmount: { value: 500n, assetCode: 'EUR', assetScale: 2 },
      expiresAt: new Date('2026-02-01'),
      metadata: { invoice: 1 }
    })
    expect(receiver).toMatchObject({ incomingPaymentUrl: REMOTE, receivedAmount: { value: 0n } })
    expect(JSON.parse(String(requests.at(-1)?.body))).toEqual({
      walletAddress: 'https://remote.example/bob',
      incomingAmount: { value: '500', assetCode: 'EUR', assetScale: 2 },
      expiresAt: '2026-02-01T00:00:00.000Z',
      metadata: { invoice: 1 }
    })
    // The authorization server is known from now on.
    requests.length = 0
    await receivers.get(TENANT, REMOTE)
    expect(seen(requests)).toEqual([`GET ${REMOTE} GNAP T1`])
  })

  it.each([
    [
      'lies on another node',
      { id: 'https://bank.example/9/incoming-payments/44444444-4444-4444-8444-444444444444' }
    ],
    ['lies below another resource server', { id: REMOTE.replace('/9/', '/10/') }],
    ['climbs out of its resource server', { id: REMOTE.replace('/9/', '/9/../10/') }],
    ['pays another wallet address', { walletAddress: 'https://remote.example/eve' }],
    ['asks for another amount', { incomingAmount: { value: '501', assetCode: 'EUR', assetScale: 2 } }],
    ['asks for no amount', { incomingAmount: undefined }]
  ] as const)('are not taken for created where the answer %s', async (_what, changed) => {
    const { receivers, requests } = world({
      'POST /9/incoming-payments +T1': [201, { ...remotePayment, ...changed }]
    })
    await expect(
      receivers.create({
        tenantId: TENANT,
        walletAddressUrl: 'https://remote.example/bob',
        incomingAmount: { value: 500n, assetCode: 'EUR', assetScale: 2 }
      })
    ).rejects.toThrow(RemoteUnavailableError)
    // Nothing of it is remembered: a quote asks the payment's own node, from its public view on.
    requests.length = 0
    await receivers.get(TENANT, REMOTE, { maxAgeMs: RECENT_READ_MS, ownCredentials: true })
    expect(seen(requests)[0]).toBe(`GET ${REMOTE} -`)
  })

  it('whose remembered authorization server refuses are asked for at the one that they name now', async () => {
    const { receivers } = world({
      [`GET ${new URL(REMOTE).pathname}`]: [
        [200, publicView],
        [200, { ...publicView, authServer: 'https://auth.new.example/10' }]
      ],
      [`GET ${new URL(REMOTE).pathname} +T1`]: [[200, remotePayment], [401]],
      'POST /9': [[200, grant('T1')], [400]],
      'POST /10': [200, grant('T9')],
      [`GET ${new URL(REMOTE).pathname} +T9`]: [200, remotePayment]
    })
    await receivers.get(TENANT, REMOTE)
    expect(await receivers.get(TENANT, REMOTE)).toMatchObject({ incomingPaymentUrl: REMOTE })
  })

  it('are read again for everyone who does not say how old an answer may be', async () => {
    const { receivers, requests } = world()
    await receivers.get(TENANT, REMOTE)
    requests.length = 0
    await receivers.get(TENANT, REMOTE)
    await receivers.get(TENANT, REMOTE)
    expect(requests).toHaveLength(2)
  })

  it('that were read a moment ago are looked at without asking, until that is too long ago', async () => {
    const { receivers, requests, clock } = world()
    const look = () => receivers.get(TENANT, REMOTE, { maxAgeMs: RECENT_READ_MS })
    const read = await look()
    requests.length = 0
    await clock.advance(RECENT_READ_MS - 1)
    expect(await look()).toEqual(read)
    expect(requests).toEqual([])
    await clock.advance(1)
    await look()
    expect(requests).toHaveLength(1)
  })

  it('give the credentials of their creation to one caller, and fresh ones to the next', async () => {
    const { receivers, requests } = world()
    await receivers.create({ tenantId: TENANT, walletAddressUrl: 'https://remote.example/bob' })
    requests.length = 0
    const pay = () => receivers.get(TENANT, REMOTE, { maxAgeMs: RECENT_READ_MS, ownCredentials: true })
    expect(await pay()).toMatchObject({ receivedAmount: { value: 0n } })
    expect(requests).toEqual([])
    await pay()
    await pay()
    expect(requests).toHaveLength(2)
  })

  it('that this node completed are not taken for open', async () => {
    const { receivers, requests } = world()
    await receivers.create({ tenantId: TENANT, walletAddressUrl: 'https://remote.example/bob' })
    await receivers.complete(TENANT, REMOTE)
    requests.length = 0
    await receivers.get(TENANT, REMOTE, { maxAgeMs: RECENT_READ_MS })
    expect(requests).toHaveLength(1)
  })

  it('are completed', async () => {
    const { receivers } = world()
    const receiver = await receivers.complete(TENANT, REMOTE)
    expect(receiver).toMatchObject({ completed: true })
    expect(receiver).not.toHaveProperty('credentials')
  })

  it.each([401, 403])('are asked for once more with a new token after a %i', async (status) => {
    const { receivers, requests } = world({
      'POST /9': [
        [200, grant('T1')],
        [200, grant('T2')]
      ],
      [`GET ${new URL(REMOTE).pathname} +T1`]: [status],
      [`GET ${new URL(REMOTE).pathname} +T2`]: [200, remotePayment]
    })
    expect(await receivers.get(TENANT, REMOTE)).toMatchObject({ incomingPaymentUrl: REMOTE })
    expect(seen(requests).at(-1)).toBe(`GET ${REMOTE} GNAP T2`)
  })

  it('whose node moved to another authorization server are asked for there', async () => {
    const { receivers } = world({
      [`GET ${new URL(REMOTE).pathname}`]: [
        [200, publicView],
        [200, { ...publicView, authServer: 'https://auth.new.example/10' }]
      ],
      [`GET ${new URL(REMOTE).pathname} +T1`]: [[200, remotePayment], [401]],
      'POST /10': [200, grant('T9')],
      [`GET ${new URL(REMOTE).pathname} +T9`]: [200, remotePayment]
    })
    await receivers.get(TENANT, REMOTE)
    expect(await receivers.get(TENANT, REMOTE)).toMatchObject({ incomingPaymentUrl: REMOTE })
  })

  it('that take no token at all are no matter of the payment: the grant is invalid', async () => {
    const { receivers } = world({ [`GET ${new URL(REMOTE).pathname} +T1`]: [401] })
    expect(await receivers.get(TENANT, REMOTE)).toMatchObject({ failure: 'InvalidGrant' })
  })

  it('which a person would have to allow are refused', async () => {
    const { receivers } = world({
      'POST /9': [
        200,
        {
          interact: { redirect: 'https://auth.remote.example/interact/1', finish: 'F' },
          continue: { access_token: { value: 'C' }, uri: 'https://auth.remote.example/continue/1' }
        }
      ]
    })
    expect(await receivers.get(TENANT, REMOTE)).toMatchObject({ failure: 'InvalidGrant' })
  })

  it.each<[string, Replies, string]>([
    ['unknown (404)', { [`GET ${new URL(REMOTE).pathname}`]: [404] }, 'NotFound'],
    ['unknown (401)', { [`GET ${new URL(REMOTE).pathname}`]: [401] }, 'NotFound'],
    ['unknown to their owner', { [`GET ${new URL(REMOTE).pathname} +T1`]: [404] }, 'NotFound'],
    ['refused a grant', { 'POST /9': [400, { error: { code: 'invalid_client' } }] }, 'InvalidGrant']
  ])('are %s', async (_, replies, code) => {
    const { receivers } = world(replies)
    expect(await receivers.get(TENANT, REMOTE)).toMatchObject({ failure: code })
  })

  it.each<[string, Replies]>([
    [
      'does not answer',
      { [`GET ${new URL(REMOTE).pathname}`]: new HttpClientError('ECONNREFUSED', 'refused') }
    ],
    ['fails', { [`GET ${new URL(REMOTE).pathname} +T1`]: [500] }],
    ['is busy', { [`GET ${new URL(REMOTE).pathname} +T1`]: [429] }],
    ['redirects', { [`GET ${new URL(REMOTE).pathname} +T1`]: [302] }],
    ['has no authorization server', { 'POST /9': [503] }],
    [
      'answers an amount above 64 bits',
      {
        [`GET ${new URL(REMOTE).pathname} +T1`]: [
          200,
          {
            ...remotePayment,
            receivedAmount: { value: '18446744073709551616', assetCode: 'EUR', assetScale: 2 }
          }
        ]
      }
    ],
    [
      'mixes assets',
      {
        [`GET ${new URL(REMOTE).pathname} +T1`]: [
          200,
          { ...remotePayment, incomingAmount: { value: '1', assetCode: 'USD', assetScale: 2 } }
        ]
      }
    ],
    ['answers the public view to a token', { [`GET ${new URL(REMOTE).pathname} +T1`]: [200, publicView] }],
    ['answers anything', { [`GET ${new URL(REMOTE).pathname} +T1`]: [200, { id: 7 }] }]
  ])('are left open while their node %s', async (_, replies) => {
    const { receivers } = world(replies)
    await expect(receivers.get(TENANT, REMOTE)).rejects.toThrow(RemoteUnavailableError)
  })

  it.each<[string, Replies, string]>([
    ['into nothing', { 'GET /bob': [404] }, 'UnknownWalletAddress'],
    ['that are refused', { 'POST /9/incoming-payments +T1': [400] }, 'InvalidRequest'],
    ['that are not allowed', { 'POST /9/incoming-payments +T1': [403] }, 'InvalidGrant']
  ])('%s are not created', async (_, replies, code) => {
    const { receivers } = world(replies)
    expect(
      await receivers.create({ tenantId: TENANT, walletAddressUrl: 'https://remote.example/bob' })
    ).toMatchObject({ failure: code })
  })

  it.each(['not a url', 'https://remote.example/bob', 'ftp://remote.example/1/incoming-payments/2'])(
    '%s names none',
    async (url) => {
      const { receivers, requests } = world()
      expect(await receivers.get(TENANT, url)).toMatchObject({ failure: 'NotFound' })
      expect(requests).toEqual([])
    }
  )

  it('without a usable way to pay have no credentials', async () => {
    const methods = [{ type: 'ilp', ilpAddress: 'test.remote.x', sharedSecret: 'c2hvcnQ' }]
    const { receivers } = world({
      [`GET ${new URL(REMOTE).pathname} +T1`]: [200, { ...remotePayment, methods }]
    })
    expect(await receivers.get(TENANT, REMOTE)).not.toHaveProperty('credentials')
  })
})
