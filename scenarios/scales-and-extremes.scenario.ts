import { scenario } from '../sim/scenarios/scenario.ts'
import { line } from '../sim/topology/builders.ts'

const LARGEST = 2n ** 64n - 1n

export default scenario({
  title: 'A coarse asset pays a fine one, and the other way round; one unit, and the largest amount',
  topology: line({
    nodes: { acacia: 'USD/0', baobab: 'EUR/9' },
    link: 'USD/6',
    balance: 2n ** 62n,
    peerLiquidity: 2n ** 62n
  }),
  worlds: ['virtual'],
  reaches: ['an amount that is worth nothing at the other end was refused'],
  async run({ net, random, always, sometimes }) {
    const alice = net.wallet('alice@acacia')
    const bob = net.wallet('bob@baobab')
    const coarse = await alice.pay('bob@baobab', { send: BigInt(random.integer(1, 50)) }).completed()
    always('a unit of the coarse one is worth many of the fine', coarse.promised > 800_000_000n)
    // Worth less than one unit of the coarse one: it cannot be quoted, and is not rounded up.
    const dust = await bob.pay('alice@acacia', { send: BigInt(random.integer(1, 900_000_000)) }).ended()
    sometimes('an amount that is worth nothing at the other end was refused', dust.state === 'REFUSED')
    always('nothing is sent for nothing', dust.state === 'REFUSED' || dust.promised > 0n)
    const fine = await bob
      .pay('alice@acacia', { send: BigInt(random.integer(3, 40)) * 10n ** 9n })
      .completed()
    always('what is paid is not rounded up', fine.promised <= (fine.debit * 109n) / 10n ** 11n)
    // Far more than anybody has: refused, or waits for money that the wallet has not, and is never half done.
    for (const amount of [{ receive: LARGEST }, { send: LARGEST }]) {
      const { state, sent } = await bob.pay('alice@acacia', amount).ended()
      always('what nobody has is not paid', state !== 'COMPLETED' && sent === 0n)
    }
  }
})
