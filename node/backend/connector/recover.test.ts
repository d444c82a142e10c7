import { expect, it } from 'vitest'
import type { ManualClock } from '../../runtime/index.ts'
import { createManualClock } from '../../runtime/index.ts'
import { createTestNode, fulfillOf, prepareOf } from './connector.test-support.ts'
import type { TestNode } from './connector.test-support.ts'
import { LOOK_INTERVAL_MS } from './recover.ts'
import { createScriptedTransport } from './faults.test-support.ts'

const FORMER = 77n

/** A node whose former process left two reservations: to bob (one leg), to carol (two). */
async function afterCrash(
  clock: ManualClock
): Promise<{ node: TestNode; dead: Set<bigint>; asked: () => number }> {
  const transport = createScriptedTransport()
  const former = createTestNode({ name: 'acacia', clock, transport, incarnationId: FORMER })
  const usd = await former.addAsset('USD', 2, 0n)
  const eur = await former.addAsset('EUR', 2, 1_000n)
  const alice = await former.addPeer('alice', usd, { balance: 1_000n })
  await former.addPeer('bob', usd)
  await former.addPeer('carol', eur)
  former.rates.set('USD/2>EUR/2', { numerator: 1n, denominator: 1n })
  for (const [number, name, lifetimeMs] of [
    [1, 'bob', 11_000],
    [2, 'carol', 21_000]
  ] as const) {
    void former.connector.handle(
      alice,
      prepareOf(clock, number, { destination: `test.${name}`, expiresAtMs: clock.nowMs() + lifetimeMs })
    )
  }
  const account = await former.addAccount(usd, 50n)
  void former.connector.senderFor({
    tenantId: former.tenantId,
    asset: usd,
    account: { id: account, paymentId: former.random.uuid(), epoch: 1 }
  })({
    ...prepareOf(clock, 3, { destination: 'test.bob', amount: 50n, expiresAtMs: clock.nowMs() + 11_000 }),
    isProbe: false,
    minimumDelivered: 50n,
    readDelivered: () => 50n
  })
  await clock.advance(0)
  former.writer.fault = () => 'before' // it writes nothing any more
  expect(await former.pendingCount()).toBe(4)

  const dead = new Set<bigint>()
  let asked = 0
  const node = createTestNode({
    name: 'acacia',
    clock,
    transport: createScriptedTransport(),
    ledger: former.ledger,
    seed: 'second incarnation',
    deadIncarnations: {
      dead: async () => {
        asked += 1
        return [...dead]
      },
      forget: async (id) => void dead.delete(id)
    }
  })
  return { node, dead, asked: () => asked }
}

it('voids what a dead process reserved when its packets have expired, whole chains, and forgets it', async () => {
  const clock = createManualClock()
  const { node, dead } = await afterCrash(clock)
  dead.add(FORMER)
  await node.connector.start()
  expect(await node.pendingCount()).toBe(4) // nothing has expired yet
  await clock.advance(10_000 + 5_000)
  expect(await node.pendingCount()).toBe(3)
  await clock.advance(10_000)
  expect(dead.size).toBe(0)
  // The own payment's reservation stays: evidence decides it.
  const left = await node.ledger.queryTransfers({ pendingOnly: true, limit: 10 })
  expect(left.map(({ amount }) => amount)).toEqual([50n])
  await node.audit()
})

it('voids what has expired together: the ledger’s writer makes one batch of it', async () => {
  const clock = createManualClock()
  const { node, dead } = await afterCrash(clock)
  const batches: number[] = []
  const { createTransfers } = node.ledger
  Object.assign(node.ledger, {
    createTransfers: (transfers: never[]) => {
      batches.push(transfers.length)
      return createTransfers.call(node.ledger, transfers)
    }
  })
  // Both packets have expired; the ledger's timeouts, 60 s later, have not.
  await clock.advance(30_000)
  dead.add(FORMER)
  await node.connector.start()
  expect(await node.pendingCount()).toBe(1)
  expect(batches).toEqual([3]) // one leg to bob, two to carol
  expect(node.logs.find(({ event }) => event === 'reservations_recovered')).toMatchObject({ voided: 2 })
})

it('does not count what was posted after all, and says that it found it', async () => {
  const clock = createManualClock()
  const { node, dead } = await afterCrash(clock)
  const [toBob] = (
    await node.ledger.queryTransfers({ userData128: FORMER, pendingOnly: true, limit: 10 })
  ).filter(({ timeoutS }) => timeoutS > 0)
  await clock.advance(30_000)
  const { lookupTransfers } = node.ledger
  // The process that counts as dead posts between the sweep's look and its void.
  Object.assign(node.ledger, {
    lookupTransfers: async (ids: never) => {
      const post = { ...toBob!, id: 5n, pendingId: toBob!.id, timeoutS: 0, flags: { postPending: true } }
      await node.ledger.createTransfers([post])
      return lookupTransfers.call(node.ledger, ids)
    }
  })
  dead.add(FORMER)
  await node.connector.start()
  expect(node.logs.find(({ event }) => event === 'reservations_recovered')).toMatchObject({ voided: 1 })
  expect(node.logs.find(({ event }) => event === 'void_met_post')?.transferId).toBe(toBob!.id.toString(16))
  expect(await node.pendingCount()).toBe(1)
})

it('looks for processes that die as long as it lives, and voids what they left within an interval', async () => {
  const clock = createManualClock()
  const { node, asked } = await afterCrash(clock)
  await node.connector.start()
  await clock.advance(10 * LOOK_INTERVAL_MS)
  // One query an interval, and nothing else.
  expect(asked()).toBe(11)
  expect(await node.pendingCount()).toBe(1)
})

it('voids what another process left when it dies long after this one started', async () => {
  const clock = createManualClock()
  const { node, dead } = await afterCrash(clock)
  await node.connector.start()
  // The packets have expired, and the ledger's timeouts, 60 s later, have not.
  await clock.advance(2 * LOOK_INTERVAL_MS)
  expect(await node.pendingCount()).toBe(4)
  dead.add(FORMER)
  await clock.advance(LOOK_INTERVAL_MS)
  expect(await node.pendingCount()).toBe(1)
  expect(dead.size).toBe(0)
  await node.audit()
})

it('tries again when the list of processes cannot be read, and stops when told to', async () => {
  const clock = createManualClock()
  let asked = 0
  const node = createTestNode({
    name: 'acacia',
    clock,
    transport: createScriptedTransport(),
    deadIncarnations: {
      dead: async () => {
        asked += 1
        throw new Error('no database')
      },
      forget: async () => undefined
    }
  })
  await node.connector.start()
  await clock.advance(5_000)
  expect(asked).toBe(2)
  expect(node.logs.filter(({ level }) => level === 50)).toHaveLength(2)
  await node.connector.stop()
  await clock.advance(60_000)
  expect(asked).toBe(2)
})

it('does not touch reservations of processes that live', async () => {
  const clock = createManualClock()
  const transport = createScriptedTransport()
  const other = createTestNode({ name: 'acacia', clock, transport, incarnationId: 5n })
  const usd = await other.addAsset('USD', 2)
  const alice = await other.addPeer('alice', usd, { balance: 100n })
  const bob = await other.addPeer('bob', usd)
  void other.connector.handle(alice, prepareOf(clock, 1, { destination: 'test.bob' }))
  await clock.advance(0)
  const node = createTestNode({
    name: 'acacia',
    clock,
    transport,
    ledger: other.ledger,
    seed: 'b',
    deadIncarnations: { dead: async () => [6n], forget: async () => undefined }
  })
  await node.connector.start()
  transport.sent[0]!.answer(fulfillOf(1))
  await clock.advance(0)
  expect(await other.balance(bob.id)).toBe(100n)
})
