import { describe, expect, it } from 'vitest'
import { loadBackendConfig } from '../config.ts'
import { TEST_ENVIRONMENT } from '../testing.ts'
import { hold, idsAt, useDeliveryGround } from './deliveries-ground.test-support.ts'
import { createWebhookDeliveries } from './deliveries.ts'
import { createOutbox } from './outbox.ts'
import { PLACES_PER_LANE } from './places.ts'

describe('deliveries of webhooks', () => {
  const ground = useDeliveryGround()
  const { receiverOf, startDelivery, add, until, rowOf, isInState } = ground

  it('go on with an event that was written while the outcome of the one before it was', async () => {
    const { held, release } = hold()
    const receiver = await receiverOf({ status: () => held })
    const first = await add(receiver, 'a')
    const { database } = await startDelivery()
    await until(() => receiver.arrivals.length === 1)
    let second = ''
    await ground.backend.database.transaction(async (trx) => {
      // The outcome waits for this lock; what it sees of other rows is of before.
      await trx.raw('SELECT 1 FROM webhooks WHERE "eventId" = ? FOR UPDATE', [first])
      release(200)
      await until(async () => (await running('%UPDATE webhooks%', 'Lock')) > 0)
      const before = database.statementCount()
      second = await add(receiver, 'a')
      // The round that the new event woke finds it behind the first, which is not over yet.
      await until(
        async () => database.statementCount() >= before + 2 && (await running('%SKIP LOCKED%')) === 0
      )
    })
    await until(isInState(second, 'DELIVERED'))
    expect(idsAt(receiver)).toEqual([first, second])
  })

  /** Statements like this that run now, of those that wait for something where it is named. */
  async function running(like: string, waitsFor?: string): Promise<number> {
    const { rows } = await ground.backend.database.knex.raw<{ rows: unknown[] }>(
      `SELECT 1 FROM pg_stat_activity
       WHERE datname = current_database() AND pid <> pg_backend_pid() AND state = 'active' AND query LIKE ?
         AND (?::text IS NULL OR wait_event_type = ?)`,
      [like, waitsFor ?? null, waitsFor ?? null]
    )
    return rows.length
  }

  it('hold no lock and no transaction while a receiver is waited for', async () => {
    const { held, release } = hold()
    const receiver = await receiverOf({ status: () => held })
    const eventId = await add(receiver, 'a')
    await startDelivery()
    await until(() => receiver.arrivals.length === 1)
    await ground.backend.database.transaction((trx) =>
      trx.raw('SELECT 1 FROM webhooks WHERE "eventId" = ? FOR UPDATE NOWAIT', [eventId])
    )
    const { rows } = await ground.backend.database.knex.raw<{ rows: unknown[] }>(
      `SELECT query FROM pg_stat_activity WHERE datname = current_database() AND state LIKE 'idle in transaction%'`
    )
    expect(rows).toEqual([])
    release(200)
    await until(isInState(eventId, 'DELIVERED'))
  })

  it('wait at most the timeout of their tenant, and have its number of attempts', async () => {
    const receiver = await receiverOf({ status: () => 0, webhookTimeoutMs: 20, webhookMaxRetry: 2 })
    const eventId = await add(receiver, 'a')
    await startDelivery()
    await until(async () => (await rowOf(eventId)).attempts === 1)
    const problem = `no answer from ${receiver.tenant.settings.webhookUrl} within 20 ms`
    expect(await rowOf(eventId)).toMatchObject({ state: 'PENDING', statusCode: null, lastError: problem })
    await ground.clock.advance(11_000)
    await until(isInState(eventId, 'FAILED'))
    expect(await rowOf(eventId)).toMatchObject({ attempts: 2, lastError: problem })
  })

  it('are repeated after a status other than 200, which is kept, and hold back what follows them alone', async () => {
    let answer = 204
    const receiver = await receiverOf({ status: () => answer })
    const [first, second] = [await add(receiver, 'a'), await add(receiver, 'a')]
    await startDelivery()
    await until(async () => (await rowOf(first)).attempts === 1)
    expect(await rowOf(first)).toMatchObject({ state: 'PENDING', statusCode: 204, lastError: null })
    answer = 200
    const other = await add(receiver, 'b')
    await until(isInState(other, 'DELIVERED'))
    expect(idsAt(receiver)).toEqual([first, other])
    await ground.clock.advance(11_000)
    await until(isInState(second, 'DELIVERED'))
    expect(idsAt(receiver)).toEqual([first, other, first, second])
  })

  it('are delivered by status 200, whatever its body is', async () => {
    const receiver = await receiverOf({ answerBody: 'x'.repeat(200_000) })
    const [first, second] = [await add(receiver, 'a'), await add(receiver, 'a')]
    await startDelivery()
    await until(isInState(second, 'DELIVERED'))
    expect(await rowOf(first)).toMatchObject({ state: 'DELIVERED', attempts: 1 })
    expect(idsAt(receiver)).toEqual([first, second])
  })

  it('sent again by hand neither wait for others nor hold them back, and have all their attempts again', async () => {
    const { held, release } = hold()
    let lost = ''
    let answer: (id: string) => number | Promise<number> = () => 500
    const receiver = await receiverOf({
      status: ({ id }) => answer(id),
      webhookMaxRetry: 2,
      webhookTimeoutMs: 60_000
    })
    lost = await add(receiver, 'a')
    await startDelivery()
    await until(async () => (await rowOf(lost)).attempts === 1)
    await ground.clock.advance(11_000)
    await until(isInState(lost, 'FAILED'))
    // The next one of the resource is refused and waits for its second attempt.
    const waiting = await add(receiver, 'a')
    await until(async () => (await rowOf(waiting)).attempts === 1)
    const deliveries = createWebhookDeliveries({ ...ground.backend, clock: ground.clock })
    expect(await deliveries.resend({ eventId: lost })).toBeUndefined()
    await until(async () => receiver.arrivals.length === 4 && (await rowOf(lost)).attempts === 1)
    expect(await rowOf(lost)).toMatchObject({ state: 'PENDING', statusCode: 500 })
    expect(await deliveries.resend({ eventId: lost })).toMatchObject({ failure: 'NothingToSendAgain' })
    // While it is not answered, the one that came after it is delivered.
    answer = (id) => (id === lost ? held : 200)
    await ground.clock.advance(11_000)
    await until(isInState(waiting, 'DELIVERED'))
    expect(await rowOf(lost)).toMatchObject({ state: 'PENDING', attempts: 1 })
    release(200)
    await until(isInState(lost, 'DELIVERED'))
    expect(idsAt(receiver).filter((one) => one === lost)).toHaveLength(4)
  })

  it.each([1, 2])(
    'begin with the oldest where there are more than the places of WEBHOOK_WORKERS=%i',
    async (workers) => {
      const { held, release } = hold()
      const places = PLACES_PER_LANE * workers
      const receiver = await receiverOf({ status: () => held, webhookTimeoutMs: 60_000 })
      const ids: string[] = []
      for (let index = 0; index < places + 4; index++) ids.push(await add(receiver, `r${index}`))
      const { WEBHOOK_WORKERS } = loadBackendConfig({ ...TEST_ENVIRONMENT, WEBHOOK_WORKERS: `${workers}` })
      await startDelivery({ config: { WEBHOOK_WORKERS } })
      await until(() => receiver.arrivals.length === places)
      expect(idsAt(receiver).sort()).toEqual(ids.slice(0, places).sort())
      release(200)
      await until(isInState(ids.at(-1)!, 'DELIVERED'))
    }
  )

  it('that wait behind one on its way are not looked at before its lease ends', async () => {
    const { held, release } = hold()
    const receiver = await receiverOf({ status: () => held, webhookTimeoutMs: 60_000 })
    const [first, second, third] = [
      await add(receiver, 'a'),
      await add(receiver, 'a'),
      await add(receiver, 'a')
    ]
    await startDelivery()
    await until(() => receiver.arrivals.length === 1)
    const { leaseDeadline } = await rowOf(first)
    for (const id of [second, third]) {
      expect(await rowOf(id)).toMatchObject({ processAt: leaseDeadline, leaseEpoch: 0 })
    }
    release(200)
    await until(isInState(third, 'DELIVERED'))
    expect(idsAt(receiver)).toEqual([first, second, third])
  })

  it('are signed with SIGNATURE_SECRET, and carry no signature where it is not set', async () => {
    const receiver = await receiverOf({})
    for (const secret of ['hush', undefined]) {
      const { SIGNATURE_SECRET } = loadBackendConfig({ ...TEST_ENVIRONMENT, SIGNATURE_SECRET: secret })
      const delivery = await startDelivery({ config: { SIGNATURE_SECRET } })
      const eventId = await add(receiver, `secret-${secret}`)
      await until(isInState(eventId, 'DELIVERED'))
      await delivery.stop()
    }
    expect(receiver.arrivals.map(({ signature }) => signature)).toEqual([
      expect.stringMatching(/^t=\d{13}, v1=[0-9a-f]{64}$/),
      undefined
    ])
  })

  it('to one receiver wait for none to another, though they tell of the same', async () => {
    const refusing = await receiverOf({ status: () => 500 })
    const receiver = await receiverOf({})
    const config = { SEND_TENANT_WEBHOOKS_TO_OPERATOR: true, OPERATOR_TENANT_ID: receiver.tenant.id }
    const [first, second] = [await add(refusing, 'a', config), await add(refusing, 'a', config)]
    await startDelivery()
    await until(async () => (await rowOf(second, receiver.tenant.id)).state === 'DELIVERED')
    await until(async () => (await rowOf(first, refusing.tenant.id)).attempts === 1)
    const third = await add(refusing, 'a', config)
    await until(async () => (await rowOf(third, receiver.tenant.id)).state === 'DELIVERED')
    expect(idsAt(receiver)).toEqual([first, second, third])
    expect(idsAt(refusing)).toEqual([first])
  })

  it('that wait behind a refused one are not looked at again before it is due, and follow it then', async () => {
    let answer = 500
    const receiver = await receiverOf({ status: () => answer })
    const first = await add(receiver, 'a')
    await startDelivery()
    await until(async () => (await rowOf(first)).attempts === 1)
    const followers = [await add(receiver, 'a'), await add(receiver, 'a')]
    await ground.clock.advance(2_000)
    const other = await add(receiver, 'b')
    const deferred = async () => {
      const { processAt } = await rowOf(first)
      const rows = await Promise.all(followers.map((id) => rowOf(id)))
      return rows.every((row) => row.processAt?.getTime() === processAt?.getTime())
    }
    await until(deferred)
    answer = 200
    await ground.clock.advance(11_000)
    await until(isInState(followers[1]!, 'DELIVERED'))
    expect(idsAt(receiver).filter((one) => one !== other)).toEqual([first, first, ...followers])
  })

  it('that are repeated take no place from first attempts', async () => {
    const { held, release } = hold()
    let status: number | Promise<number> = 500
    const receiver = await receiverOf({ status: () => status, webhookTimeoutMs: 60_000 })
    await startDelivery()
    const ids = await Promise.all(
      Array.from({ length: PLACES_PER_LANE + 8 }, (_, index) => add(receiver, `refused-${index}`))
    )
    await until(async () =>
      (await Promise.all(ids.map((id) => rowOf(id)))).every(({ attempts }) => attempts === 1)
    )
    // It answers none of the repeats for now: they fill their places.
    status = held
    await ground.clock.advance(11_000)
    await until(() => receiver.arrivals.length === ids.length + PLACES_PER_LANE)
    status = 200
    const fresh = await add(receiver, 'fresh')
    await until(isInState(fresh, 'DELIVERED'))
    expect(receiver.arrivals).toHaveLength(ids.length + PLACES_PER_LANE + 1)
    release(200)
    await until(async () =>
      (await Promise.all(ids.map((id) => rowOf(id)))).every(({ state }) => state === 'DELIVERED')
    )
  })

  it('are made by the next process where the one that wrote the event died before it sent it', async () => {
    const receiver = await receiverOf({})
    const eventId = await add(receiver, 'a')
    await startDelivery({ config: { SIGNATURE_SECRET: 'hush', SIGNATURE_VERSION: 2 } })
    await until(isInState(eventId, 'DELIVERED'))
    expect(idsAt(receiver)).toEqual([eventId])
    expect(receiver.arrivals[0]!.signature).toMatch(/^t=\d{13}, v2=[0-9a-f]{64}$/)
  })

  it('of a tenant that another process just made are sent as its settings say', async () => {
    const receiver = await receiverOf({})
    ground.tenants.delete(receiver.tenant.id)
    const eventId = await add(receiver, 'a')
    const asked: string[] = []
    await startDelivery({
      directory: {
        refresh(tenantId) {
          asked.push(tenantId)
          ground.tenants.set(tenantId, receiver.tenant)
          return Promise.resolve()
        }
      }
    })
    await until(isInState(eventId, 'DELIVERED'))
    expect(asked).toEqual([receiver.tenant.id])
  })

  it('to a service whose URL is gone are repeated, and say why', async () => {
    const receiver = await receiverOf({})
    const outbox = createOutbox({
      ...ground.backend,
      clock: ground.clock,
      config: { ...ground.backend.config, POS_WEBHOOK_SERVICE_URL: receiver.tenant.settings.webhookUrl }
    })
    const url = 'https://wallet.example/a'
    const eventId = await ground.backend.database.transaction((trx) =>
      outbox.add(trx, {
        type: 'wallet_address.not_found',
        tenantId: receiver.tenant.id,
        data: { walletAddressUrl: url },
        resource: { kind: 'walletAddressUrl', id: url },
        alsoToPointOfSale: true
      })
    )
    await startDelivery()
    await until(async () => (await rowOf(eventId, 'point-of-sale')).attempts === 1)
    expect(await rowOf(eventId, 'point-of-sale')).toMatchObject({
      state: 'PENDING',
      lastError: 'no URL is known of point-of-sale'
    })
    expect(idsAt(receiver)).toEqual([eventId])
  })
})
