import { describe, expect, it } from 'vitest'
import { createManualClock } from '../../runtime/index.ts'
import type { Database } from '../../runtime/index.ts'
import { hold, idsAt, useDeliveryGround } from './deliveries-ground.test-support.ts'
import { createWebhookDeliveries } from './deliveries.ts'
import { LEASE_MARGIN_MS } from './delivery.ts'
import { MAX_WEBHOOK_TIMEOUT_MS } from './sending.ts'

describe('leases of deliveries', () => {
  const ground = useDeliveryGround()
  const { receiverOf, startDelivery, add, until, rowOf, isInState } = ground

  /** A database where something is done to what writes the outcome of a delivery. */
  function withOutcomes(write: (run: () => Promise<unknown>) => Promise<unknown>): Database {
    const database = ground.backend.openDatabase()
    const knex = new Proxy(database.knex, {
      get(target, name) {
        if (name !== 'raw') return Reflect.get(target, name) as unknown
        return (sql: string, bindings: never) => {
          const run = async () => target.raw(sql, bindings)
          return sql.includes('attempts = attempts + 1') ? write(run) : run()
        }
      }
    })
    return new Proxy(database, {
      get: (target, name) => (name === 'knex' ? knex : (Reflect.get(target, name) as unknown))
    })
  }

  it('who lost one writes nothing, while the next holder still waits for its answer', async () => {
    const [first, second] = [hold(), hold()]
    const answers = [first.held, second.held]
    const receiver = await receiverOf({ status: () => answers.shift() ?? 200, webhookTimeoutMs: 60_000 })
    const eventId = await add(receiver, 'a')
    const paused = await startDelivery()
    await until(() => receiver.arrivals.length === 1)
    const late = createManualClock(ground.clock.nowMs() + 60_000 + LEASE_MARGIN_MS)
    await startDelivery({ clock: late })
    await until(() => receiver.arrivals.length === 2)
    const held = await rowOf(eventId)
    first.release(500)
    await paused.stop()
    expect(await rowOf(eventId)).toEqual(held)
    expect(held).toMatchObject({ state: 'PENDING', attempts: 0, leaseEpoch: 2 })
    second.release(200)
    await until(isInState(eventId, 'DELIVERED'))
    expect(await rowOf(eventId)).toMatchObject({ attempts: 1, statusCode: 200 })
  })

  it.each([20_000, 600_000])(
    'last as long as the tenant’s timeout of %i ms, a minute at most, and a margin',
    async (webhookTimeoutMs) => {
      const { held, release } = hold()
      const receiver = await receiverOf({ status: () => held, webhookTimeoutMs })
      const eventId = await add(receiver, 'a')
      await startDelivery()
      await until(() => receiver.arrivals.length === 1)
      const { leaseDeadline } = await rowOf(eventId)
      const longestMs = Math.min(webhookTimeoutMs, MAX_WEBHOOK_TIMEOUT_MS)
      expect(leaseDeadline!.getTime() - ground.clock.nowMs()).toBe(longestMs + LEASE_MARGIN_MS)
      release(200)
      await until(isInState(eventId, 'DELIVERED'))
    }
  )

  it('an attempt that begins late in its lease ends before it', async () => {
    const receiver = await receiverOf({ status: () => 0, webhookTimeoutMs: 60_000 })
    ground.tenants.delete(receiver.tenant.id)
    const eventId = await add(receiver, 'a')
    const known = Promise.withResolvers<void>()
    let isAsked = false
    await startDelivery({
      directory: {
        refresh() {
          isAsked = true
          return known.promise
        }
      }
    })
    await until(() => isAsked)
    await ground.clock.advance(LEASE_MARGIN_MS)
    ground.tenants.set(receiver.tenant.id, receiver.tenant)
    known.resolve()
    await until(async () => (await rowOf(eventId)).attempts === 1)
    // The lease was taken by the configuration's timeout of 2 s: none of it is left but the margin of the writing.
    expect(await rowOf(eventId)).toMatchObject({
      lastError: `no answer from ${receiver.tenant.settings.webhookUrl} within 1 ms`
    })
  })

  it('an outcome that the database did not take is written again', async () => {
    let failures = 2
    const receiver = await receiverOf({})
    const [first, second] = [await add(receiver, 'a'), await add(receiver, 'a')]
    const database = withOutcomes((run) => {
      if (failures-- > 0) return Promise.reject(new Error('the database is away'))
      return run()
    })
    await startDelivery({ database })
    for (const pauseMs of [500, 1_000]) {
      await until(() => ground.clock.nextTimerMs() === ground.clock.nowMs() + pauseMs)
      await ground.clock.advance(pauseMs)
    }
    await until(isInState(second, 'DELIVERED'))
    expect(idsAt(receiver)).toEqual([first, second])
    expect(await rowOf(first)).toMatchObject({ state: 'DELIVERED', attempts: 1 })
  })

  it('an outcome whose commit was not answered counts once, and what waits behind it goes on', async () => {
    let lost = 1
    const receiver = await receiverOf({})
    const [first, second] = [await add(receiver, 'a'), await add(receiver, 'a')]
    const database = withOutcomes(async (run) => {
      const answer = await run()
      if (lost-- > 0) throw new Error('the answer was lost')
      return answer
    })
    await startDelivery({ database })
    await until(isInState(first, 'DELIVERED'))
    await until(() => ground.clock.nextTimerMs() === ground.clock.nowMs() + 500)
    await ground.clock.advance(500)
    await until(isInState(second, 'DELIVERED'))
    expect(await rowOf(first)).toMatchObject({ state: 'DELIVERED', attempts: 1 })
    expect(idsAt(receiver)).toEqual([first, second])
  })

  it('an outcome that is written again is none of a delivery that was sent again by hand meanwhile', async () => {
    const { held, release } = hold()
    let isAgain = false
    const receiver = await receiverOf({ status: () => (isAgain ? held : 200) })
    const eventId = await add(receiver, 'a')
    let lost = 1
    const database = withOutcomes(async (run) => {
      const answer = await run()
      if (lost-- > 0) throw new Error('the answer was lost')
      return answer
    })
    const first = await startDelivery({ database })
    await until(isInState(eventId, 'DELIVERED'))
    // It only writes its outcome once more.
    const stopping = first.stop()
    isAgain = true
    const deliveries = createWebhookDeliveries({ ...ground.backend, clock: ground.clock })
    const [ofEvent] = await deliveries.ofEvents([eventId])
    const deliveryId = ofEvent![0]!.id
    expect(await deliveries.resend({ eventId, deliveryId })).toBeUndefined()
    await until(() => ground.clock.nextTimerMs() !== undefined)
    await ground.clock.advance(500)
    await stopping
    expect(await rowOf(eventId)).toMatchObject({ state: 'PENDING', attempts: 0 })
    release(200)
    await startDelivery()
    await until(isInState(eventId, 'DELIVERED'))
    expect(idsAt(receiver)).toEqual([eventId, eventId])
  })

  it('what this node itself cannot send is a failed attempt: it waits, and comes to an end', async () => {
    const receiver = await receiverOf({})
    ground.tenants.delete(receiver.tenant.id)
    const eventId = await add(receiver, 'a')
    await startDelivery({
      config: { WEBHOOK_MAX_RETRY: 2 },
      directory: { refresh: () => Promise.reject(new Error('the database is away')) }
    })
    await until(async () => (await rowOf(eventId)).attempts === 1)
    expect(await rowOf(eventId)).toMatchObject({
      state: 'PENDING',
      lastError: 'this node could not send it'
    })
    await ground.clock.advance(11_000)
    await until(isInState(eventId, 'FAILED'))
    expect(receiver.arrivals).toEqual([])
  })

  it('a stop waits for the outcome of what is in flight, and begins nothing', async () => {
    const { held, release } = hold()
    const receiver = await receiverOf({ status: () => held })
    const eventId = await add(receiver, 'a')
    const delivery = await startDelivery()
    await until(() => receiver.arrivals.length === 1)
    const stopped = delivery.stop()
    const next = await add(receiver, 'b')
    release(200)
    await stopped
    expect(await rowOf(eventId)).toMatchObject({ state: 'DELIVERED', leaseDeadline: null })
    expect(await rowOf(next)).toMatchObject({ state: 'PENDING', leaseEpoch: 0 })
  })

  it('with WEBHOOK_WORKERS=0 a process takes none', async () => {
    const receiver = await receiverOf({})
    const eventId = await add(receiver, 'a')
    const database = ground.backend.openDatabase()
    const before = database.statementCount()
    const idle = await startDelivery({ config: { WEBHOOK_WORKERS: 0 }, database })
    await ground.clock.advance(120_000)
    await idle.stop()
    expect(database.statementCount()).toBe(before)
    await startDelivery()
    await until(isInState(eventId, 'DELIVERED'))
    expect(idsAt(receiver)).toEqual([eventId])
  })
})
