import { AdminApiError } from '../sim/actors/admin-client.ts'
import { scenario } from '../sim/scenarios/scenario.ts'
import { line } from '../sim/topology/builders.ts'

const DEPOSIT = `mutation ($input: DepositOutgoingPaymentLiquidityInput!) {
  depositOutgoingPaymentLiquidity(input: $input) { success } }`
const CANCEL = `mutation ($input: CancelOutgoingPaymentInput!) {
  cancelOutgoingPayment(input: $input) { payment { state } } }`

export default scenario({
  title:
    'A payment is funded several times, by several keys, before and after it was cancelled: money goes in once, or not at all',
  topology: line({ nodes: { acacia: 'USD/2', baobab: 'EUR/4' }, link: 'USD/2' }),
  worlds: ['virtual', 'interleave'],
  reaches: ['it was paid', 'it was cancelled'],
  async run({ net, random, always, sometimes }) {
    const alice = net.wallet('alice@acacia')
    const { admin } = net.node('acacia')
    const attempt = async (mutation: string, input: object): Promise<boolean> => {
      try {
        await admin.call(mutation, { input })
        return true
      } catch (error) {
        if (!(error instanceof AdminApiError)) throw error
        return false
      }
    }
    for (const cancels of random.pick([
      [true, false],
      [false, true]
    ])) {
      const incoming = await net.wallet('bob@baobab').openIncomingPayment({ amount: 50_000n })
      const quote = await alice.quote(incoming)
      const consent = await alice.consent(quote.debitAmount)
      // The wallet hears of nothing for a while: what happens meanwhile is between operator and node.
      net.fault({
        fault: 'partition',
        between: [
          { node: 'acacia', part: 'backend' },
          { node: 'acacia', part: 'wallet' }
        ],
        afterMs: 0,
        forMs: 20_000
      })
      const payment = alice.payQuoted(quote, consent, incoming)
      const { outgoingPaymentUrl } = await payment.created
      const id = outgoingPaymentUrl.slice(outgoingPaymentUrl.lastIndexOf('/') + 1)
      const deposit = (idempotencyKey: string) => ({ outgoingPaymentId: id, idempotencyKey })
      const keys = ['first', 'second', 'third'].map((key) => `${key} ${id}`)
      const cancelled = cancels && (await attempt(CANCEL, { id, reason: 'changed my mind' }))
      const deposits = await Promise.all([...keys, keys[0]!].map((key) => attempt(DEPOSIT, deposit(key))))
      const { state, sent, debit } = await payment.ended(3_600_000)
      // Two requests with one key at the same time: the later one may be told to wait. Asked again, it is told what was done.
      const again: boolean[] = []
      for (const key of keys) again.push(await attempt(DEPOSIT, deposit(key)))
      const done = [deposits[0] || deposits[3], deposits[1], deposits[2]]
      always('money goes in once', done.filter((went) => went).length <= 1)
      always('a key that is used again gets the same answer', done.join() === again.join())
      always('a cancelled payment takes no money', !cancelled || done.every((went) => !went))
      always('a cancelled payment stays so', !cancelled || (state === 'CANCELLED' && sent === 0n))
      always('it sent no more than was agreed', sent <= debit)
      sometimes('it was paid', state === 'COMPLETED')
      sometimes('it was cancelled', state === 'CANCELLED')
    }
  }
})
