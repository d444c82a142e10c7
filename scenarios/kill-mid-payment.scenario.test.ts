import { describe, expect, it } from 'vitest'
import type { PayerStep } from '../sim/actors/payer.ts'
import { audit, pay, payingNetworkOf } from '../sim/networks/network.ts'
import type { PaymentOutcome } from '../sim/networks/network.ts'
import { startLocalNetwork } from '../sim/worlds/local/world.ts'
import type { LocalNetwork } from '../sim/worlds/local/world.ts'
import { findTigerBeetle } from '../sim/services/tigerbeetle.ts'
import { testCount } from '../test-counts.ts'
import { countFulfilled, maxPacketAmountFor, topology } from './network-fixture.ts'

const DEBIT = 10_000n
const PACKETS = 360n
/** The latest moment, in packets of alice's two payments: the rest is what passes while the kill is on its way. */
const LAST_MOMENT = 596
/** A kill that came when all had ended proves as much, and does not count: this many times as many are tried at most. */
const TRIES_PER_KILL = 2
const LEDGERS = [
  { ledger: 'postgres', repeats: testCount('killsPerBackend') },
  { ledger: 'tigerbeetle', repeats: findTigerBeetle() === undefined ? 0 : testCount('killsOnTigerBeetle') }
] as const
const SEED = Number(process.env.RAFIKI_LAB_SEED ?? 1)

/** Numbers in [low, high] from a seed (splitmix32), so that a failing moment can be tried again. */
function moments(seed: number, low: number, high: number): () => number {
  let state = seed >>> 0
  return () => {
    state = (state + 0x9e3779b9) >>> 0
    let mixed = Math.imul(state ^ (state >>> 16), 0x21f0aaad)
    mixed = Math.imul(mixed ^ (mixed >>> 15), 0x735a2d97)
    mixed = (mixed ^ (mixed >>> 15)) >>> 0
    return low + Math.floor((mixed / 2 ** 32) * (high - low + 1))
  }
}

const VICTIMS = [
  { victim: 'sending', node: 'acacia' },
  { victim: 'receiving', node: 'baobab' }
]

describe('kill -9 of a backend in the middle of payments, in both directions', () => {
  it.concurrent.each(VICTIMS)(
    'of the $victim one: they complete, and pay once',
    ({ node }) => killAndPay(node, LEDGERS[0]),
    LEDGERS[0].repeats * 180_000
  )

  // In the long form, where a server is found: one at a time, for each node has a cluster of its own.
  it.skipIf(LEDGERS[1].repeats === 0).each(VICTIMS)(
    'of the $victim one with its books in TigerBeetle: they complete, and pay once',
    ({ node }) => killAndPay(node, LEDGERS[1]),
    LEDGERS[1].repeats * 180_000
  )
})

async function killAndPay(node: string, { ledger, repeats }: (typeof LEDGERS)[number]): Promise<void> {
  const network = await startLocalNetwork(
    topology('pair', (pair) => {
      pair.links[0]!.maxPacketAmount = maxPacketAmountFor(DEBIT, PACKETS)
    }),
    undefined,
    { ledger }
  )
  try {
    const nextMoment = moments(SEED * 2 + (node === 'acacia' ? 0 : 1), 0, LAST_MOMENT)
    const fulfilled = countFulfilled(network, 'acacia')
    let kills = 0
    for (let tries = 0; kills < repeats && tries < TRIES_PER_KILL * repeats; tries++) {
      if (await payThroughKill(network, node, fulfilled, nextMoment())) kills += 1
    }
    expect(kills).toBe(repeats)
  } finally {
    await network.stop()
  }
}

/** Three payments, and a kill when so many packets are booked. @returns whether that was in the middle of them */
async function payThroughKill(
  network: LocalNetwork,
  node: string,
  fulfilled: () => Promise<number>,
  moment: number
): Promise<boolean> {
  const before = await fulfilled()
  const alice = { walletAddress: 'alice', node: 'acacia' }
  const bob = { walletAddress: 'bob', node: 'baobab' }
  const paying = payingNetworkOf(network)
  // All that leads to a payment is there before the first one begins: who loses a grant or a quote begins anew.
  const begin = Promise.withResolvers<void>()
  let consents = 0
  const onStep = (step: PayerStep) => {
    if (step !== 'consent') return
    if ((consents += 1) === 3) begin.resolve()
    return begin.promise
  }
  const payments = Promise.all([
    pay(paying, { from: alice, to: bob, amount: { kind: 'send', value: DEBIT } }, onStep),
    pay(paying, { from: alice, to: bob, amount: { kind: 'send', value: DEBIT } }, onStep),
    pay(paying, { from: bob, to: alice, amount: { kind: 'send', value: DEBIT * 100n } }, onStep)
  ])
  await Promise.race([begin.promise, payments])
  const killedAt = await Promise.race([
    killWhen(network, node, fulfilled, before + moment),
    // Who fails before that has the last word.
    payments.then(() => new Promise<never>(() => undefined))
  ])
  const killedAtMs = performance.now()
  await network.restart(node, 'backend')

  const outcomes: PaymentOutcome[] = await payments
  for (const { state, receivedAmount, receiveAmount, sentAmount, debitAmount } of outcomes) {
    expect(state).toBe('COMPLETED')
    expect(BigInt(receivedAmount.value)).toBeGreaterThanOrEqual(BigInt(receiveAmount.value))
    expect(BigInt(sentAmount.value)).toBeLessThanOrEqual(BigInt(debitAmount.value))
  }
  const endedAfterMs = Math.round(performance.now() - killedAtMs)
  for (const { walletAddress, node: home } of [alice, bob]) {
    const wallet = network.wallets.get(home)!
    await wallet.until(() => wallet.accounts.get(walletAddress)!.held === 0n)
  }
  const { nodes } = await audit(network)
  expect(nodes.map(({ difference, pending, overdrawn }) => ({ difference, pending, overdrawn }))).toEqual(
    nodes.map(() => ({ difference: 0n, pending: 0n, overdrawn: [] }))
  )
  const packets = (await fulfilled()) - before
  expect(packets).toBeGreaterThanOrEqual(2 * Number(PACKETS))
  process.stdout.write(
    `${JSON.stringify({ killed: node, moment, fulfilledAtKill: killedAt - before, endedAfterMs, packets, sent: outcomes.map(({ sentAmount }) => sentAmount.value), received: outcomes.map(({ receivedAmount }) => receivedAmount.value) })}\n`
  )
  const wasUnderWay = killedAt - before < packets
  // Packets that are booked at acacia are of payments that it sends: it was killed while it sent one.
  const { sending, webhooksOpen } = network.kills.at(-1)!
  if (wasUnderWay && node === 'acacia') expect(sending + webhooksOpen).toBeGreaterThan(0)
  return wasUnderWay
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
