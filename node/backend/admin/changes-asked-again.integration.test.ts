import { beforeAll, describe, expect, it } from 'vitest'
import { useAdminApi } from './admin-api.test-support.ts'
import { INTROSPECTION } from './every-argument.test-support.ts'
import type { IntrospectedSchema } from './every-argument.test-support.ts'
import * as operations from './operations.test-support.ts'

/** What is held to once elsewhere: what makes something new, by creations.integration.test.ts. */
const ELSEWHERE: Record<string, string> = {
  createAsset: 'creations',
  setFee: 'creations',
  createPeer: 'creations',
  createOrUpdatePeerByUrl: 'auto-peering: “asked again under one key, …”',
  createWalletAddress: 'creations',
  createWalletAddressKey: 'creations',
  createIncomingPayment: 'creations',
  createReceiver: 'creations',
  createQuote: 'creations',
  createOutgoingPayment: 'creations',
  createOutgoingPaymentFromIncomingPayment: 'creations',
  createWalletAddressWithdrawal:
    'spsp: “pays the wallet address itself, …, and its wallet withdraws all of it”',
  resendWebhookEvent:
    'webhooks: an event that is delivered already is refused; its receiver knows it by its id'
}

const TRIGGER = `mutation ($input: TriggerWalletAddressEventsInput!) { triggerWalletAddressEvents(input: $input) { count } }`
const DEPOSIT_EVENT = `mutation ($input: DepositEventLiquidityInput!) { depositEventLiquidity(input: $input) { success } }`
const WITHDRAW_EVENT = `mutation ($input: WithdrawEventLiquidityInput!) { withdrawEventLiquidity(input: $input) { success } }`

/** What is asked, and what a repeat is answered whose first answer was not kept: `undefined` where the same. */
interface Change {
  operation: string
  input: () => Promise<object>
  again?: { code: string; message: string }
  /** Until what it set going is over. */
  settled?: () => Promise<unknown>
}

const EXISTS = { code: 'DUPLICATE', message: 'Transfer already exists' }
const FUNDED = { code: 'CONFLICT', message: 'wrong state' }

// Of the mutations with a key, those of creations.integration.test.ts make something new. All others are here.
describe('a change that is asked again under its key, whose answer was not kept', () => {
  const { desk, id, ok, query } = useAdminApi(() => ({ LEDGER: 'postgres' }))
  let payer: string
  let payee: string
  let drawn = 0
  let last: { incoming: string; outgoing: string; created: string }

  beforeAll(async () => {
    const { node, assetId } = desk
    payer = (await node.createWalletAddress('payer', assetId, 1)).id
    payee = (await node.createWalletAddress('payee', assetId, 2)).id
    // What was paid costs a fee, which its wallet withdraws.
    await ok(operations.SET_FEE, { assetId, type: 'SENDING', fee: { fixed: '4', basisPoints: 0 } })
  })

  const made = async (operation: string, input: object): Promise<string> =>
    Object.values(await ok<Record<string, { id: string }>>(operation, input))[0]!.id

  async function asset(): Promise<string> {
    drawn += 1
    return made(operations.CREATE_ASSET, { code: `A${drawn}`, scale: 2 })
  }
  const peer = () =>
    made(operations.CREATE_PEER, {
      assetId: desk.assetId,
      staticIlpAddress: `test.peer-${id()}`,
      http: {
        incoming: { authTokens: [id()] },
        outgoing: { endpoint: 'http://127.0.0.1:1/', authToken: 'token' }
      },
      initialLiquidity: '100'
    })
  const deposit = () => ({ amount: '7', id: id() })
  const withdrawal = (timeoutSeconds = '0') => ({ ...deposit(), timeoutSeconds })

  /** A payment on this node, and the event that asks for its money. */
  async function payment() {
    const { payment: incoming } = await ok<{ payment: { id: string; url: string } }>(
      operations.CREATE_INCOMING,
      { walletAddressId: payee, incomingAmount: { value: '10', assetCode: 'USD', assetScale: 2 } }
    )
    const quoteId = await made(operations.CREATE_QUOTE, { walletAddressId: payer, receiver: incoming.url })
    const outgoing = await made(operations.CREATE_OUTGOING, { walletAddressId: payer, quoteId })
    const created = await desk.node.told('outgoing_payment.created', outgoing)
    last = { incoming: incoming.id, outgoing, created: created.id }
    return last
  }
  const paymentMade = async () => {
    await desk.node.told('incoming_payment.completed', last.incoming)
    return desk.node.told('outgoing_payment.completed', last.outgoing)
  }
  /** A payment that was made, and the events that announced what each side may withdraw. */
  async function paid() {
    const { incoming, outgoing } = await payment()
    await ok(operations.FUND, { outgoingPaymentId: outgoing, idempotencyKey: id() })
    return { incoming, outgoing, sent: (await paymentMade()).id }
  }
  async function reserved(): Promise<string> {
    const input = { assetId: desk.assetId, ...withdrawal('60') }
    await ok(operations.WITHDRAW_ASSET, { ...input, idempotencyKey: id() })
    return input.id
  }

  const CHANGES: Record<string, Change> = {
    updateAsset: {
      operation: operations.UPDATE_ASSET,
      input: async () => ({ id: await asset(), liquidityThreshold: '5' })
    },
    deleteAsset: {
      operation: operations.DELETE_ASSET,
      input: async () => ({ id: await asset() }),
      again: { code: 'NOT_FOUND', message: 'Asset not found' }
    },
    updatePeer: {
      operation: operations.UPDATE_PEER,
      input: async () => ({ id: await peer(), maxPacketAmount: '5' })
    },
    deletePeer: {
      operation: operations.DELETE_PEER,
      input: async () => ({ id: await peer() }),
      again: { code: 'NOT_FOUND', message: 'unknown peer' }
    },
    updateWalletAddress: {
      operation: operations.UPDATE_ADDRESS,
      input: async () => ({ id: payer, publicName: 'Payer' })
    },
    revokeWalletAddressKey: {
      operation: operations.REVOKE_KEY,
      input: async () => {
        const { id: walletAddressId } = await desk.node.createWalletAddress(`of-${id()}`, desk.assetId, 3)
        const [{ id: key }] = (await desk.node.database
          .knex('walletAddressKeys')
          .where({ walletAddressId })
          .select('id')) as [{ id: string }]
        return { id: key }
      }
    },
    triggerWalletAddressEvents: { operation: TRIGGER, input: async () => ({ limit: 5 }) },
    depositAssetLiquidity: {
      operation: operations.DEPOSIT_ASSET,
      input: async () => ({ assetId: desk.assetId, ...deposit() }),
      again: EXISTS
    },
    depositPeerLiquidity: {
      operation: operations.DEPOSIT_PEER,
      input: async () => ({ peerId: await peer(), ...deposit() }),
      again: EXISTS
    },
    createAssetLiquidityWithdrawal: {
      operation: operations.WITHDRAW_ASSET,
      input: async () => ({ assetId: desk.assetId, ...withdrawal() }),
      again: EXISTS
    },
    createPeerLiquidityWithdrawal: {
      operation: operations.WITHDRAW_PEER,
      input: async () => ({ peerId: await peer(), ...withdrawal('60') }),
      again: EXISTS
    },
    postLiquidityWithdrawal: {
      operation: operations.POST,
      input: async () => ({ withdrawalId: await reserved() }),
      again: { code: 'CONFLICT', message: 'Transfer already posted' }
    },
    voidLiquidityWithdrawal: {
      operation: operations.VOID,
      input: async () => ({ withdrawalId: await reserved() }),
      again: { code: 'CONFLICT', message: 'Transfer already voided' }
    },
    depositOutgoingPaymentLiquidity: {
      operation: operations.FUND,
      input: async () => ({ outgoingPaymentId: (await payment()).outgoing }),
      settled: paymentMade,
      again: FUNDED
    },
    depositEventLiquidity: {
      operation: DEPOSIT_EVENT,
      input: async () => ({ eventId: (await payment()).created }),
      settled: paymentMade,
      again: FUNDED
    },
    withdrawEventLiquidity: {
      operation: WITHDRAW_EVENT,
      input: async () => ({ eventId: (await paid()).sent }),
      again: EXISTS
    },
    createIncomingPaymentWithdrawal: {
      operation: operations.WITHDRAW_INCOMING,
      input: async () => ({ incomingPaymentId: (await paid()).incoming, timeoutSeconds: '0' }),
      again: EXISTS
    },
    createOutgoingPaymentWithdrawal: {
      operation: operations.WITHDRAW_OUTGOING,
      input: async () => ({ outgoingPaymentId: (await paid()).outgoing, timeoutSeconds: '60' }),
      again: EXISTS
    }
  }

  /** Whose money is where, and how many rows there are of what mutations make. */
  async function books(): Promise<unknown> {
    const { knex } = desk.node.database
    const accounts: unknown[] = await knex('ledgerAccounts')
      .select('id', 'debitsPending', 'debitsPosted', 'creditsPending', 'creditsPosted')
      .orderBy('id')
    const counts = await Promise.all(
      ['liquidityTransfers', 'ledgerTransfers', 'webhookEvents', 'assets', 'peers', 'walletAddressKeys'].map(
        (table) => knex(table).count<{ count: bigint }[]>()
      )
    )
    return { accounts, counts: counts.map(([row]) => row?.count) }
  }

  it.each(Object.entries(CHANGES))(
    'is not done twice: %s',
    async (_, { operation, input, again, settled }) => {
      const asked = { ...(await input()), idempotencyKey: id() }
      desk.node.refuseCacheWrites('idempotency-result')
      try {
        const first = await ok(operation, asked)
        await settled?.()
        const before = await books()
        const { data, errors } = await desk.node.admin<Record<string, unknown>>(operation, { input: asked })
        if (again) {
          expect(errors).toMatchObject([{ message: again.message, extensions: { code: again.code } }])
        } else {
          expect(data && Object.values(data)[0]).toEqual(first)
        }
        expect(await books()).toEqual(before)
      } finally {
        desk.node.refuseCacheWrites(undefined)
      }
    }
  )

  it('is tried here or elsewhere: every mutation with a key', async () => {
    const {
      __schema: { types }
    } = await query<IntrospectedSchema>(INTROSPECTION)
    const keyed = new Set(
      types
        .filter(({ inputFields }) => inputFields?.some(({ name }) => name === 'idempotencyKey'))
        .map(({ name }) => name)
    )
    const withKeys = types
      .find(({ name }) => name === 'Mutation')!
      .fields!.filter(({ args }) => args.some(({ type }) => keyed.has(type.name ?? type.ofType?.name ?? '')))
      .map(({ name }) => name)
    expect(withKeys.toSorted()).toEqual([...Object.keys(ELSEWHERE), ...Object.keys(CHANGES)].toSorted())
  })
})
