import { AdminApiError } from '../sim/actors/admin-client.ts'
import { scenario } from '../sim/scenarios/scenario.ts'
import { line } from '../sim/topology/builders.ts'

const PLENTY = 1_000_000_000n

export default scenario({
  title:
    "The operator's customer pays a tenant's customer on the same node, who pays it back; each keeps its own books",
  topology: line({ nodes: { acacia: 'USD/2' } }),
  worlds: ['virtual'],
  async run({ net, random, always, does }) {
    const acacia = net.node('acacia')
    const otter = await acacia.createTenant('otter')
    const olga = await otter.createWalletAddress('olga', await otter.createAsset('USD', 2, PLENTY))
    const amount = BigInt(random.integer(1_000, 10_000))
    const incoming = await otter.openIncomingPayment(olga.url, { amount })
    const alice = net.wallet('alice@acacia')
    const before = alice.balance()
    await alice.pay(incoming).completed()
    always('olga has what she asked for', (await incoming.read()).received === amount)
    await net.until('alice paid that', () => before - alice.balance() === amount)

    does('olga pays half of it to adam')
    const back = await net.wallet('adam@acacia').openIncomingPayment({ amount: amount / 2n })
    await net.until('her wallet has it', () => otter.accounts.get('olga')!.balance === amount)
    const returned = await pay(olga.id, back.url)
    always('it arrives', returned === 'COMPLETED' && (await back.read()).received === amount / 2n)
    const foreign = await acacia.admin
      .call<{ incomingPayment: { id: string } }>('query ($id: String!) { incomingPayment(id: $id) { id } }', {
        id: back.url.slice(back.url.lastIndexOf('/') + 1)
      })
      .then(({ incomingPayment }) => incomingPayment.id)
    always('its receiver sees it', back.url.endsWith(foreign))
    const hidden = await otter.admin
      .call('query ($id: String!) { incomingPayment(id: $id) { id } }', { id: foreign })
      .then(JSON.stringify, unlessTold)
    always('its payer sees nothing of the receiver’s books', !hidden.includes(foreign))

    /** Over the Admin API, as an account servicing entity does that has its customer's word; its wallet funds it. */
    async function pay(walletAddressId: string, receiver: string): Promise<string> {
      const { admin } = otter
      const { createQuote } = await admin.call<{ createQuote: { quote: { id: string } } }>(
        'mutation ($input: CreateQuoteInput!) { createQuote(input: $input) { quote { id } } }',
        { input: { walletAddressId, receiver } }
      )
      const { createOutgoingPayment } = await admin.call<{
        createOutgoingPayment: { payment: { id: string } }
      }>(
        'mutation ($input: CreateOutgoingPaymentInput!) { createOutgoingPayment(input: $input) { payment { id } } }',
        { input: { walletAddressId, quoteId: createQuote.quote.id } }
      )
      const { id } = createOutgoingPayment.payment
      let state = ''
      await net.until('the payment ends', async () => {
        const { outgoingPayment } = await admin.call<{ outgoingPayment: { state: string } }>(
          'query ($id: String!) { outgoingPayment(id: $id) { state } }',
          { id }
        )
        state = outgoingPayment.state
        return ['COMPLETED', 'FAILED', 'CANCELLED'].includes(state)
      })
      return state
    }
  }
})

function unlessTold(error: unknown): string {
  if (!(error instanceof AdminApiError)) throw error
  return error.message
}
