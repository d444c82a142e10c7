import { describe, expect, it } from 'vitest'
import { toJwk } from '../../http-signatures/index.ts'
import { privateKeyFromSeed } from '../instance-key.ts'
import { useAdminApi } from './admin-api.test-support.ts'
import {
  CREATE_ASSET,
  CREATE_INCOMING,
  CREATE_KEY,
  CREATE_OUTGOING,
  CREATE_PEER,
  CREATE_QUOTE,
  CREATE_RECEIVER,
  CREATE_WALLET_ADDRESS,
  SET_FEE
} from './operations.test-support.ts'

const FROM_INCOMING = `mutation ($input: CreateOutgoingPaymentFromIncomingPaymentInput!) {
  createOutgoingPaymentFromIncomingPayment(input: $input) { payment { id } } }`

/** Rows that an operation makes. */
const TABLES = [
  'assets',
  'fees',
  'peers',
  'walletAddresses',
  'walletAddressKeys',
  'incomingPayments',
  'quotes',
  'outgoingPayments',
  'webhookEvents'
]

/** Less than a signature lives: clocks are moved by it. */
const KEY_LIFETIME_MS = 25_000

type Made = Record<string, { id: string }>

describe('what makes something new, where its answer is never kept', () => {
  const { desk, id, ok, refused } = useAdminApi(() => ({
    GRAPHQL_IDEMPOTENCY_KEY_TTL_MS: String(KEY_LIFETIME_MS)
  }))
  let drawn = 0

  const amount = (value: string) => ({ value, assetCode: 'USD', assetScale: 2 })

  async function payee(): Promise<{ id: string; url: string }> {
    drawn += 1
    return desk.node.createWalletAddress(`payee-${drawn}`, desk.assetId, drawn)
  }

  async function incoming() {
    const { id: walletAddressId } = await payee()
    return ok<{ payment: { id: string; url: string } }>(CREATE_INCOMING, {
      walletAddressId,
      incomingAmount: amount('10')
    })
  }

  const INPUTS: Record<string, [operation: string, input: () => Promise<object>]> = {
    createAsset: [CREATE_ASSET, async () => ({ code: 'EUR', scale: 3 })],
    setFee: [
      SET_FEE,
      async () => ({ assetId: desk.assetId, type: 'SENDING', fee: { fixed: '1', basisPoints: 2 } })
    ],
    createPeer: [
      CREATE_PEER,
      async () => ({
        assetId: desk.assetId,
        staticIlpAddress: 'test.peer',
        http: {
          incoming: { authTokens: ['token of the peer'] },
          outgoing: { endpoint: 'http://127.0.0.1:1/', authToken: 'token at the peer' }
        },
        initialLiquidity: '100'
      })
    ],
    createWalletAddress: [
      CREATE_WALLET_ADDRESS,
      async () => ({ assetId: desk.assetId, address: `${desk.node.openPaymentsUrl}/made` })
    ],
    createWalletAddressKey: [
      CREATE_KEY,
      async () => {
        const { kid, x, alg, kty, crv } = toJwk(privateKeyFromSeed(Buffer.alloc(32, 99)), 'another key')
        return { walletAddressId: (await payee()).id, jwk: { kid, x, alg, kty, crv } }
      }
    ],
    createIncomingPayment: [
      CREATE_INCOMING,
      async () => ({ walletAddressId: (await payee()).id, incomingAmount: amount('10') })
    ],
    createReceiver: [
      CREATE_RECEIVER,
      async () => ({ walletAddressUrl: (await payee()).url, incomingAmount: amount('10') })
    ],
    createQuote: [
      CREATE_QUOTE,
      async () => ({ walletAddressId: (await payee()).id, receiver: (await incoming()).payment.url })
    ],
    createOutgoingPayment: [
      CREATE_OUTGOING,
      async () => {
        const walletAddressId = (await payee()).id
        const receiver = (await incoming()).payment.url
        const { quote } = await ok<Made>(CREATE_QUOTE, { walletAddressId, receiver })
        return { walletAddressId, quoteId: quote!.id }
      }
    ],
    createOutgoingPaymentFromIncomingPayment: [
      FROM_INCOMING,
      async () => ({
        walletAddressId: (await payee()).id,
        incomingPayment: (await incoming()).payment.url
      })
    ]
  }

  const rows = async () =>
    Object.fromEntries(
      await Promise.all(
        TABLES.map(async (table) => {
          const [{ count }] = (await desk.node.database.knex(table).count()) as [{ count: bigint }]
          return [table, Number(count)] as const
        })
      )
    )

  it.each(Object.entries(INPUTS))(
    'answers, and makes it once under a key: %s',
    async (name, [operation, inputOf]) => {
      const input = { ...(await inputOf()), idempotencyKey: id() }
      const before = await rows()
      desk.node.refuseCacheWrites('idempotency-result')
      try {
        const first = await ok<Made>(operation, input)
        const after = await rows()
        expect(after).not.toEqual(before)
        expect(await ok<Made>(operation, input)).toEqual(first)
        expect(await rows()).toEqual(after)
        const otherKey = { ...input, idempotencyKey: id() }
        // What has no name of its own may be made again, under another key.
        const { data } = await desk.node.admin<Record<string, Made>>(operation, { input: otherKey })
        if (data?.[name]) expect(data[name]).not.toEqual(first)
      } finally {
        desk.node.refuseCacheWrites(undefined)
      }
    }
  )

  it('two at once, whose locks were not kept either, make it once', async () => {
    const input = {
      walletAddressId: (await payee()).id,
      incomingPayment: (await incoming()).payment.url,
      idempotencyKey: id()
    }
    desk.node.refuseCacheWrites('idempotency-')
    try {
      const asked = Array.from({ length: 5 }, () =>
        desk.node.admin<{ createOutgoingPaymentFromIncomingPayment: Made }>(FROM_INCOMING, { input })
      )
      const answers = await Promise.all(asked)
      const made = answers.flatMap(({ data }) =>
        data ? [data.createOutgoingPaymentFromIncomingPayment.payment!.id] : []
      )
      expect(new Set(made).size).toBe(1)
      for (const { errors } of answers) {
        if (errors) expect(['CONFLICT', 'BAD_USER_INPUT']).toContain(errors[0]!.extensions.code)
      }
      const [{ count }] = (await desk.node.database
        .knex('outgoingPayments')
        .where({ walletAddressId: input.walletAddressId })
        .count()) as [{ count: bigint }]
      expect(Number(count)).toBe(1)
    } finally {
      desk.node.refuseCacheWrites(undefined)
    }
  })

  it('refuses other arguments under the key, but for a call that was refused', async () => {
    const { payment } = await incoming()
    const walletAddressId = (await payee()).id
    desk.node.refuseCacheWrites('idempotency-result')
    try {
      const idempotencyKey = id()
      const wrong = { walletAddressId, receiver: payment.url, debitAmount: amount('0'), idempotencyKey }
      expect((await refused(CREATE_QUOTE, wrong)).extensions.code).toBe('BAD_USER_INPUT')
      await ok(CREATE_QUOTE, { walletAddressId, receiver: payment.url, idempotencyKey })
      expect(await refused(CREATE_QUOTE, wrong)).toMatchObject({
        message: expect.stringContaining('Incoming arguments are different') as string
      })
    } finally {
      desk.node.refuseCacheWrites(undefined)
    }
  })

  it('makes another once the lifetime of the key is over, and forgets keys whose time is over', async () => {
    const input = { walletAddressId: (await payee()).id, incomingAmount: amount('1'), idempotencyKey: id() }
    desk.node.refuseCacheWrites('idempotency-result')
    const first = await ok<Made>(CREATE_INCOMING, input)
    desk.node.shift(KEY_LIFETIME_MS + 1)
    try {
      const again = await ok<Made>(CREATE_INCOMING, input)
      expect(again).not.toEqual(first)
      const endedClaims = async () => {
        const nowMs = desk.node.runtime.clock.nowMs() + KEY_LIFETIME_MS + 1
        const ended = desk.node.database.knex('creationClaims').where('expiresAt', '<=', new Date(nowMs))
        return (await ended.select('id')).length
      }
      const before = await endedClaims()
      expect(before).toBeGreaterThan(2)
      for (let each = 0; each < before; each += 1) {
        await ok(CREATE_INCOMING, { ...input, idempotencyKey: id() })
      }
      expect(await endedClaims()).toBe(0)
    } finally {
      desk.node.shift(-KEY_LIFETIME_MS - 1)
      desk.node.refuseCacheWrites(undefined)
    }
  })
})
