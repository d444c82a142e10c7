import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, inject, it } from 'vitest'
import { createManualClock, createMemoryCache } from '../../runtime/index.ts'
import type { Cache, ManualClock } from '../../runtime/index.ts'
import type { IncomingPayment } from '../incoming-payments/model.ts'
import { createTransmitData } from '../secrets.ts'
import { createTestBackend, OPERATOR_ID, until } from '../testing.ts'
import type { TestBackend } from '../testing.ts'
import type { WebhookEventType } from '../webhooks/model.ts'
import { createOutbox } from '../webhooks/outbox.ts'
import { revealEventData } from './events.ts'
import { createPartialPayments } from './service.ts'
import type { RunningPartialPayments } from './service.ts'

const SECRET = Buffer.alloc(32, 5)

describe('partial payments', () => {
  let backend: TestBackend
  let clock: ManualClock
  let cache: Cache
  /** Holds the packet. */
  let receiving: RunningPartialPayments
  /** Hears the wallet: another process. */
  let hearing: RunningPartialPayments
  let payment: IncomingPayment

  beforeAll(async () => {
    backend = await createTestBackend(inject('postgresUrl'))
    const now = new Date(0)
    await backend.database
      .knex('tenants')
      .insert({ id: OPERATOR_ID, apiSecret: 's', createdAt: now, updatedAt: now })
  })
  afterAll(() => backend.close())

  beforeEach(async () => {
    clock = createManualClock()
    cache = createMemoryCache({ clock })
    payment = {
      id: backend.random.orderedUuid(),
      tenantId: OPERATOR_ID,
      walletAddressId: backend.random.orderedUuid(),
      asset: { id: '', tenantId: OPERATOR_ID, code: 'EUR', scale: 2, ledger: 1, createdAt: new Date(0) },
      state: 'PENDING',
      expiresAt: new Date(clock.nowMs() + 60_000),
      initiatedBy: 'ADMIN',
      needsApproval: false,
      createdAt: new Date(clock.nowMs())
    }
    receiving = createProcess()
    hearing = createProcess()
    await receiving.start()
    await hearing.start()
  })
  afterEach(async () => {
    await receiving.stop()
    await hearing.stop()
  })

  function createProcess(): RunningPartialPayments {
    return createPartialPayments({
      ...backend,
      database: backend.openDatabase(),
      clock,
      cache,
      outbox: createOutbox({ ...backend, clock }),
      incomingPayments: { get: async (id) => (id === payment.id ? payment : undefined) },
      transmitData: createTransmitData(SECRET, backend.random)
    })
  }

  const decide = (lifetimeMs = 30_000, incomingPaymentId = payment.id) =>
    receiving.decide({
      incomingPaymentId,
      dataFromSender: Buffer.from('{"name":"Älice"}'),
      expiresAtMs: clock.nowMs() + lifetimeMs
    })

  /** The event that the wallet gets, once it is stored. */
  async function told(): Promise<{ type: WebhookEventType; data: Record<string, unknown> }> {
    let row: { type: WebhookEventType; data: Record<string, unknown> } | undefined
    await until(async () => {
      row = await backend.database.knex('webhookEvents').where({ incomingPaymentId: payment.id }).first()
      return row !== undefined
    })
    return row!
  }

  it('tells the wallet what the sender says, which lies encrypted in the event’s row', async () => {
    const decision = decide()
    const { type, data } = await told()
    expect(type).toBe('incoming_payment.partial_payment_received')
    expect(data).toMatchObject({ id: payment.id, receivedAmount: { value: '0' }, completed: false })
    expect(JSON.stringify(data)).not.toContain('lice')
    const reveal = revealEventData(createTransmitData(SECRET, backend.random))
    expect(reveal(type, data)).toEqual({ ...data, dataFromSender: '{"name":"Älice"}' })
    expect(() => revealEventData(createTransmitData(undefined, backend.random))(type, data)).toThrow(
      'DB_ENCRYPTION_SECRET'
    )
    const other = { amount: 1 }
    expect(reveal('incoming_payment.completed', other)).toBe(other)
    await hearing.decided(payment, String(data.partialIncomingPaymentId), { isAccepted: true })
    expect(await decision).toEqual({ kind: 'accepted' })
  })

  it.each([
    ['with the wallet’s reason', { isAccepted: false, reason: 'not this one' }, 'not this one'],
    ['without one', { isAccepted: false }, 'Additional data rejected']
  ])('are declined by a rejection in another process, %s', async (_, word, reason) => {
    const decision = decide()
    const { data } = await told()
    // Somebody else's decision is none for this packet.
    await hearing.decided(payment, backend.random.uuid(), { isAccepted: true })
    await hearing.decided(payment, String(data.partialIncomingPaymentId).toUpperCase(), word)
    expect(await decision).toEqual({ kind: 'declined', reason })
  })

  it.each([
    ['PARTIAL_PAYMENT_DECISION_MAX_WAIT_MS', 30_000, 1_500],
    ['the packet’s expiry less PARTIAL_PAYMENT_DECISION_SAFETY_MARGIN_MS', 1_000, 900]
  ])('wait no longer than %s', async (_, lifetimeMs, waitMs) => {
    let ended = false
    const decision = decide(lifetimeMs).finally(() => (ended = true))
    const { data } = await told()
    await clock.advance(waitMs - 1)
    expect(ended).toBe(false)
    await clock.advance(1)
    expect(await decision).toEqual({ kind: 'declined', reason: 'No response from receiving ASE' })
    // The word that comes late is taken, and changes nothing.
    expect(
      await hearing.decided(payment, String(data.partialIncomingPaymentId), { isAccepted: true })
    ).toBeUndefined()
  })

  it('are declined where the wallet cannot be asked', async () => {
    const reason = 'Error processing partial payment'
    expect(await decide(30_000, backend.random.uuid())).toEqual({ kind: 'declined', reason })
  })

  it('are not decided for a payment that is over', async () => {
    payment = { ...payment, state: 'COMPLETED' }
    expect(await hearing.decided(payment, backend.random.uuid(), { isAccepted: true })).toMatchObject({
      failure: 'InvalidState'
    })
  })
})
