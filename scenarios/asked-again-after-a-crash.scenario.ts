import { HttpClientError } from '../node/runtime/index.ts'
import { AdminApiError } from '../sim/actors/admin-client.ts'
import { scenario } from '../sim/scenarios/scenario.ts'
import { line } from '../sim/topology/builders.ts'

const PAY = `mutation Pay($input: CreateOutgoingPaymentFromIncomingPaymentInput!) {
  createOutgoingPaymentFromIncomingPayment(input: $input) { payment { id } } }`
const WALLET_ADDRESS = `query WalletAddress($url: String!) { walletAddressByUrl(url: $url) { id } }`
const PAYMENTS = `query Payments($of: String!) { outgoingPayments(filter: { walletAddressId: { in: [$of] } }) {
  edges { node { id state } } } }`

interface Paid {
  createOutgoingPaymentFromIncomingPayment: { payment: { id: string } }
}
interface Payments {
  outgoingPayments: { edges: { node: { id: string; state: string } }[] }
}

const AMOUNT = { value: '5000', assetCode: 'USD', assetScale: 2 }
const ASK_AGAIN_AFTER_MS = 3_000
const LAST_CALLS = 2
const PAYMENTS_END_WITHIN_MS = 3_600_000

export default scenario({
  title:
    'The operator’s request to pay is lost in a crash of its node, which forgets its answers: asked again under its key, it pays once',
  topology: line({ nodes: { acacia: 'USD/2', baobab: 'EUR/4' }, link: 'USD/2' }),
  worlds: ['virtual'],
  reaches: ['the answer was lost, though the payment was made'],
  async run({ net, random, always, sometimes, does }) {
    const { admin } = net.node('acacia')
    const bob = net.wallet('bob@baobab')
    const { walletAddressByUrl } = await admin.call<{ walletAddressByUrl: { id: string } }>(WALLET_ADDRESS, {
      url: net.wallet('alice@acacia').url
    })
    const walletAddressId = walletAddressByUrl.id
    /** What came of it; undefined where no answer came. */
    const ask = async (input: object): Promise<string | undefined> => {
      try {
        const { createOutgoingPaymentFromIncomingPayment } = await admin.call<Paid>(PAY, { input })
        return createOutgoingPaymentFromIncomingPayment.payment.id
      } catch (error) {
        if (!(error instanceof HttpClientError || error instanceof AdminApiError)) throw error
        return undefined
      }
    }
    const payments = async () => {
      const { outgoingPayments } = await admin.call<Payments>(PAYMENTS, { of: walletAddressId })
      return outgoingPayments.edges.map(({ node }) => node)
    }
    const request = async (idempotencyKey: string) => {
      // It takes any amount: nothing but the key keeps a second payment off.
      const { url } = await bob.openIncomingPayment()
      return { walletAddressId, incomingPayment: url, debitAmount: AMOUNT, idempotencyKey }
    }

    // A quiet one first: the crash falls on something that the same request really sends.
    const quiet = await request('quiet')
    const calls = net.count({ node: 'acacia', service: 'backend' })
    const first = await ask(quiet)
    if (first === undefined) throw new Error('the operator was refused a payment')
    const within = calls()
    // From the payment's transaction to the answer there are few.
    const late = Math.max(1, within - LAST_CALLS)
    const earliest = random.pick([1, late, late])

    const asked = await request('crashed')
    const crash = net.fault({
      fault: 'crash',
      node: 'acacia',
      service: 'backend',
      at: { call: random.integer(earliest, within), side: random.pick(['before', 'after']) },
      downMs: 1_000
    })
    does('the operator asks to pay, and the backend crashes')
    const heard = await ask(asked)
    await net.faultsOver()
    const lost = heard === undefined && (await payments()).length === 2
    let answered = heard
    for (let again = 0; again < 5 && answered === undefined; again += 1) {
      await net.sleep(ASK_AGAIN_AFTER_MS)
      does('the operator asks again, under the same key')
      answered = await ask(asked)
    }
    await net.until(
      'the payments end',
      async () => (await payments()).every(({ state }) => state === 'COMPLETED' || state === 'FAILED'),
      PAYMENTS_END_WITHIN_MS
    )
    const made = (await payments()).map(({ id }) => id).filter((id) => id !== first)
    always('a key that is asked again pays once', made.length === 1)
    always('a key that is asked again is told what was made', made[0] === answered)
    sometimes('the answer was lost, though the payment was made', crash.struck() && lost)
  }
})
