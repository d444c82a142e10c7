import { scenario } from '../sim/scenarios/scenario.ts'
import { line } from '../sim/topology/builders.ts'

const MOST_WAIT_MS = 1_500

export default scenario({
  title:
    'A payment says something to the receiving wallet, which decides in time, too late, or says no: only the first is paid',
  topology: line({
    nodes: { acacia: 'USD/2', baobab: 'EUR/4' },
    link: 'USD/2',
    environment: {
      ENABLE_PARTIAL_PAYMENT_DECISION: 'true',
      PARTIAL_PAYMENT_DECISION_MAX_WAIT_MS: String(MOST_WAIT_MS),
      DB_ENCRYPTION_SECRET: Buffer.alloc(32, 5).toString('base64')
    }
  }),
  worlds: ['virtual'],
  async run({ net, random, always, does }) {
    const alice = net.wallet('alice@acacia')
    const heard: unknown[] = []
    const pay = async (takesMs: number, reason?: string) => {
      const said = `invoice ${random.integer(1, 1_000)}`
      net.node('acacia').policy.dataToTransmit = () => said
      net.node('baobab').policy.refusePartial = async ({ dataFromSender }) => {
        heard.push(dataFromSender)
        await net.sleep(takesMs)
        return reason
      }
      does(`bob's wallet says ${reason ?? 'yes'} after ${takesMs} ms`)
      const before = alice.balance()
      const incoming = await net.wallet('bob@baobab').openIncomingPayment()
      const outcome = await alice.pay(incoming, { send: 1_000n }).ended(3_600_000)
      always('the wallet hears what was said', heard.includes(said))
      // What was decided too late is decided by now.
      await net.sleep(Math.max(0, takesMs))
      const { received } = await incoming.read()
      if (outcome.state !== 'COMPLETED') {
        always('what was not agreed to is not paid', outcome.sent === 0n && received === 0n)
        await net.until('alice has her money again', () => alice.balance() === before)
      }
      return { ...outcome, received }
    }
    const inTime = await pay(random.integer(0, MOST_WAIT_MS - 200))
    always('a decision in time is taken', inTime.state === 'COMPLETED' && inTime.received >= inTime.promised)
    const late = await pay(random.integer(MOST_WAIT_MS + 1, 20_000))
    always('a decision that comes late changes nothing', late.error === 'No response from receiving ASE')
    const refused = await pay(random.integer(0, MOST_WAIT_MS - 200), 'no such invoice')
    always('a reason is told to the payer', refused.error === 'no such invoice')
    const again = await pay(0)
    always('after that payments go on', again.state === 'COMPLETED')
  }
})
