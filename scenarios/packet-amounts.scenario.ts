import { floorTimes, parseRatio, scaleRatio } from '../node/ilp/index.ts'
import { scenario } from '../sim/scenarios/scenario.ts'
import { line } from '../sim/topology/builders.ts'

const RICH = 18_000_000_000_000_000_000n

export default scenario({
  title: 'Amounts of packets: small ones, nearly 2^64, and none at all',
  topology: line({ nodes: { acacia: 'USD/2' }, moreAssets: ['EUR/4'] }),
  worlds: ['virtual'],
  async run({ net, random, always, does }) {
    const yak = await net.packetPeer('acacia', { name: 'yak', asset: 'EUR/4', liquidity: RICH })
    const zebra = await net.packetPeer('acacia', { name: 'zebra', asset: 'USD/2', liquidity: 1_000n })
    const acacia = net.node('acacia')
    await acacia.depositAssetLiquidity('USD/2', RICH)
    acacia.changeRate('EUR', 'USD', 1_001)
    const rate = scaleRatio(parseRatio('1.09109')!, 4, 2)

    for (const amount of [
      BigInt(random.integer(100, 99_999)),
      RICH - BigInt(random.integer(0, 999_999_999))
    ]) {
      does(`yak sends ${amount} to zebra`)
      const { type } = await yak.send({ destination: zebra.address, amount })
      always('an honest peer is paid', type === 'fulfill')
      const converted = floorTimes(amount, rate)
      const arrived = zebra.arrived.at(-1)!.prepare.amount
      always('a conversion is rounded down, to the unit', arrived === converted)
    }

    does('yak sends a packet of amount 0 to zebra')
    await yak.send({ destination: zebra.address, amount: 0n })
    const transfers = await acacia.transfers(zebra.id)
    always(
      'a packet of amount 0 is not booked',
      transfers.every(({ amount }) => amount > 0n)
    )
  }
})
