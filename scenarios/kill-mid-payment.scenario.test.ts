import { describe, expect, it } from 'vitest'
import { uuidToId } from '../node/runtime/index.ts'
import { audit, pay, payingNetworkOf } from '../sim/networks/network.ts'
import type { PaymentOutcome } from '../sim/networks/network.ts'
import { startLocalNetwork } from '../sim/worlds/local/world.ts'
import type { LocalNetwork } from '../sim/worlds/local/world.ts'
import { testCount } from '../test-counts.ts'
import { maxPacketAmountFor, topology } from './network-fixture.ts'

const DEBIT = 10_000n
const PACKETS = 360n
const REPEATS = testCount('killsPerBackend')
const SEED = Number(process.env.RAFIKI_LAB_SEED ?? 1)

/** Numbers in [low, high] from a seed, so that a failing moment can be tried again. */
function moments(seed: number, low: number, high: number): () => number {
  let state = seed >>> 0
  return () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0
    return low + Math.floor((state / 2 ** 32) * (high - low + 1))
  }
}

describe('kill -9 of a backend in the middle of a payment', () => {
  it.concurrent.each([
    { victim: 'sending', node: 'acacia' },
    { victim: 'receiving', node: 'baobab' }
  ])(
    'of the $victim one: it completes, and pays once',
    async ({ node }) => {
      const network = await startLocalNetwork(
        topology('pair', (pair) => {
          pair.links[0]!.maxPacketAmount = maxPacketAmountFor(DEBIT, PACKETS)
        })
      )
      try {
        const nextMoment = moments(SEED, 10, 150)
        const fulfilled = countFulfilled(network)
        for (let repeat = 1; repeat <= REPEATS; repeat++) {
          await payThroughKill(network, node, fulfilled, nextMoment())
        }
      } finally {
        await network.stop()
      }
    },
    REPEATS * 180_000
  )
})

async function payThroughKill(
  network: LocalNetwork,
  node: string,
  fulfilled: () => Promise<number>,
  moment: number
): Promise<void> {
  const before = await fulfilled()
  const paying = pay(payingNetworkOf(network), {
    from: { walletAddress: 'alice', node: 'acacia' },
    to: { walletAddress: 'bob', node: 'baobab' },
    amount: { kind: 'send', value: DEBIT }
  })
  const killedAt = await killWhen(network, node, fulfilled, before + moment)
  expect(killedAt - before).toBeGreaterThanOrEqual(10)
  expect(killedAt - before).toBeLessThanOrEqual(190)
  const killedAtMs = performance.now()
  await network.restart(node, 'backend')

  const outcome: PaymentOutcome = await paying
  expect(outcome).toMatchObject({ state: 'COMPLETED' })
  expect(BigInt(outcome.receivedAmount.value)).toBeGreaterThanOrEqual(BigInt(outcome.receiveAmount.value))
  expect(BigInt(outcome.sentAmount.value)).toBeLessThanOrEqual(BigInt(outcome.debitAmount.value))
  const endedAfterMs = Math.round(performance.now() - killedAtMs)
  const payer = network.wallets.get('acacia')!
  await payer.until(() => payer.accounts.get('alice')!.held === 0n)
  const { nodes } = await audit(network)
  expect(nodes.map(({ difference, pending, overdrawn }) => ({ difference, pending, overdrawn }))).toEqual(
    nodes.map(() => ({ difference: 0n, pending: 0n, overdrawn: [] }))
  )
  const packets = (await fulfilled()) - before
  expect(packets).toBeGreaterThanOrEqual(200)
  process.stdout.write(
    `${JSON.stringify({ killed: node, fulfilledAtKill: killedAt - before, endedAfterMs, packets, sent: outcome.sentAmount.value, received: outcome.receivedAmount.value })}\n`
  )
}

/** Counts the packets posted to the peer, as the sender's own ledger shows them. Each call reads what is new. */
function countFulfilled(network: LocalNetwork): () => Promise<number> {
  const peer = network.nodes.find(({ name }) => name === 'acacia')!.peers[0]!
  const ledger = network.ledgerOf('acacia')
  let count = 0
  let after: bigint | undefined
  return async () => {
    for (;;) {
      const page = await ledger.queryTransfers({
        accountId: uuidToId(peer.id),
        side: 'credit',
        code: 1,
        limit: 1_000,
        order: 'oldestFirst',
        ...(after !== undefined && { after })
      })
      count += page.filter(({ flags }) => flags.postPending).length
      after = page.at(-1)?.timestamp ?? after
      if (page.length < 1_000) return count
    }
  }
}

/** Ends the backend as soon as `count` packets are booked; tells how many were when it was gone. */
async function killWhen(
  network: LocalNetwork,
  node: string,
  fulfilled: () => Promise<number>,
  count: number
): Promise<number> {
  while ((await fulfilled()) < count);
  await network.kill(node, 'backend')
  return fulfilled()
}
