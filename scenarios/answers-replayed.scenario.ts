import type { IlpReply } from '../node/ilp/index.ts'
import { scenario } from '../sim/scenarios/scenario.ts'
import { line } from '../sim/topology/builders.ts'

export default scenario({
  title:
    'Who carries packets between two nodes answers with what was answered before: nobody is paid by that, nothing counts twice',
  topology: {
    ...line({ nodes: { acacia: 'USD/2', baobab: 'EUR/4' }, link: 'USD/2', maxPacketAmount: 50n }),
    links: []
  },
  worlds: ['virtual'],
  reaches: ['an old Fulfill was replayed', 'old words of the receiver were replayed'],
  async run({ net, random, always, sometimes, does }) {
    const common = { asset: 'USD/2', liquidity: 1_000_000n, maxPacketAmount: 50n }
    // One carrier, which is a peer of both: by the first name to acacia, by the second to baobab.
    const yak = await net.packetPeer('acacia', { ...common, name: 'yak', routes: ['test.baobab'] })
    const zebra = await net.packetPeer('baobab', { ...common, name: 'zebra', routes: ['test.acacia'] })
    const old: IlpReply[] = []
    let lie: (honest: IlpReply) => IlpReply = (honest) => honest
    yak.answer = async ({ prepare: { amount, destination, data, executionCondition, expiresAtMs } }) => {
      const expiresInMs = expiresAtMs - 1_000 - Date.now()
      const honest = await zebra.send({
        amount,
        destination,
        data,
        condition: executionCondition,
        expiresInMs
      })
      const answer = lie(honest)
      old.push(honest)
      return answer
    }
    const alice = net.wallet('alice@acacia')
    const pay = async () => {
      const incoming = await net.wallet('bob@baobab').openIncomingPayment()
      const payment = alice.pay(incoming, { send: BigInt(random.integer(300, 2_000)) })
      const outcome = await payment.ended(3_600_000)
      const { received } = await incoming.read()
      always('it sent no more than was agreed', outcome.sent <= outcome.debit)
      always(
        'a payment that is complete has arrived',
        outcome.state !== 'COMPLETED' || received >= outcome.promised
      )
      return outcome
    }
    does('the carrier is honest')
    always('then it is paid', (await pay()).state === 'COMPLETED')

    const one = (of: readonly IlpReply[]): IlpReply => of[random.integer(0, of.length - 1)]!
    does('the carrier replays the data of old answers under right fulfillments')
    lie = (honest) => {
      if (honest.type !== 'fulfill' || random.integer(0, 1) === 0) return honest
      sometimes('old words of the receiver were replayed')
      return { ...honest, data: one(old).data }
    }
    await pay()

    does('the carrier replays old Fulfills, whole')
    const fulfills = old.filter(({ type }) => type === 'fulfill')
    const before = await yak.liquidity()
    lie = (honest) => {
      if (honest.type !== 'fulfill') return honest
      sometimes('an old Fulfill was replayed')
      return one(fulfills)
    }
    const { sent } = await pay()
    always('an old fulfillment pays nothing', sent === 0n && (await yak.liquidity()) === before)

    does('the carrier is honest again')
    lie = (honest) => honest
    always('then it is paid', (await pay()).state === 'COMPLETED')
  }
})
