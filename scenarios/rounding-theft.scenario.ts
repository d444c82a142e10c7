import { parseRatio, scaleRatio } from '../node/ilp/index.ts'
import { scenario } from '../sim/scenarios/scenario.ts'
import { line, RATES } from '../sim/topology/builders.ts'

/** What each account of the thief starts with. */
const EACH = 1_000n

export default scenario({
  title:
    'A thief with accounts in two currencies sends money round in the smallest packets: rounding gives it nothing',
  topology: line({ nodes: { acacia: 'USD/2' }, moreAssets: ['EUR/2'] }),
  worlds: ['virtual'],
  async run({ net, random, always, does }) {
    const common = { liquidity: EACH }
    const yak = await net.packetPeer('acacia', { ...common, name: 'yak', asset: 'USD/2' })
    const zebra = await net.packetPeer('acacia', { ...common, name: 'zebra', asset: 'EUR/2' })
    const rates = {
      toEuro: scaleRatio(parseRatio(RATES.USD!.EUR!)!, 2, 2),
      toDollar: scaleRatio(parseRatio(RATES.EUR!.USD!)!, 2, 2)
    }
    const packets = random.integer(20, 60)
    does(`the thief sends ${packets} packets of 1 to 3 units, to and fro`)
    for (let index = 0; index < packets; index++) {
      const [from, to, rate] = random.pick([
        [yak, zebra, rates.toEuro] as const,
        [zebra, yak, rates.toDollar] as const
      ])
      const amount = BigInt(random.integer(1, 3))
      const before = [await from.liquidity(), await to.liquidity()] as const
      const { type } = await from.send({ destination: to.address, amount })
      const [paid, got] = [before[0] - (await from.liquidity()), (await to.liquidity()) - before[1]]
      always('a packet takes its amount or nothing', paid === (type === 'fulfill' ? amount : 0n))
      always('it brings no more than that is worth', got * rate.denominator <= paid * rate.numerator)
      always('nothing that is worth nothing is sent', got > 0n || paid === 0n)
    }
    const { numerator, denominator } = rates.toDollar
    const worth = (dollars: bigint, euros: bigint) => dollars * denominator + euros * numerator
    always(
      'all in all the thief has no more than before',
      worth(await yak.liquidity(), await zebra.liquidity()) <= worth(EACH, EACH)
    )
  }
})
