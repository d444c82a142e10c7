import { scenario } from '../sim/scenarios/scenario.ts'
import { line } from '../sim/topology/builders.ts'

/** Shorter than tokens live. */
const REPETITION_MS = 180_000

export default scenario({
  title: 'A grant’s limit counts for each repetition of its interval: from its first moment, to the last one',
  topology: line({ nodes: { acacia: 'USD/2' } }),
  worlds: ['virtual'],
  async run({ net, random, always }) {
    const alice = net.wallet('alice@acacia')
    const incoming = await net.wallet('adam@acacia').openIncomingPayment()
    const startMs = Math.ceil(Date.now() / 1_000) * 1_000
    const start = new Date(startMs).toISOString()
    const limit = { value: '1000', assetCode: 'USD', assetScale: 2 }
    // The interval itself and one repetition of it.
    const consent = await alice.consent(limit, `R1/${start}/PT3M`)
    const pay = async (atMs: number) => {
      await net.sleep(Math.max(0, atMs - Date.now()))
      const quote = await alice.quote(incoming, { send: 1_000n })
      return (await alice.payQuoted(quote, consent, incoming).ended()).state
    }
    always('each repetition has its limit', (await pay(startMs + REPETITION_MS - 70_000)) === 'COMPLETED')
    const intoMs = random.integer(0, 20_000)
    always('each repetition has its limit', (await pay(startMs + REPETITION_MS + intoMs)) === 'COMPLETED')
    always(
      'after the last repetition nothing is paid',
      (await pay(startMs + 2 * REPETITION_MS)) === 'REFUSED'
    )
  }
})
