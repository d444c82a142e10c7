import { scenario } from '../sim/scenarios/scenario.ts'
import { line } from '../sim/topology/builders.ts'

export default scenario({
  title: "A payer's key is revoked: the payment that it began goes on, nothing is begun with it any more",
  topology: line({ nodes: { acacia: 'USD/2', baobab: 'EUR/4' }, link: 'USD/2', maxPacketAmount: 20n }),
  worlds: ['virtual', 'local'],
  async run({ net, always }) {
    const alice = net.wallet('alice@acacia')
    const incoming = await net.wallet('bob@baobab').openIncomingPayment()
    const [quote, second] = [
      await alice.quote(incoming, { send: 20_000n }),
      await alice.quote(incoming, { send: 1_000n })
    ]
    const consent = await alice.consent({ ...quote.debitAmount, value: '100000' })
    const payment = alice.payQuoted(quote, consent, incoming)
    await payment.until('SENDING')
    const { admin } = net.node('acacia')
    const { walletAddresses } = await admin.call<{
      walletAddresses: {
        edges: {
          node: { address: string; walletAddressKeys: { edges: { node: { id: string } }[] } }
        }[]
      }
    }>('{ walletAddresses { edges { node { address walletAddressKeys { edges { node { id } } } } } } }', {})
    const [{ node: own }] = walletAddresses.edges.filter(({ node }) => node.address.endsWith('/alice')) as [
      (typeof walletAddresses.edges)[number]
    ]
    for (const { node: key } of own.walletAddressKeys.edges) {
      await admin.call(
        'mutation ($input: RevokeWalletAddressKeyInput!) { revokeWalletAddressKey(input: $input) { walletAddressKey { revoked } } }',
        { input: { id: key.id } }
      )
    }
    const late = await alice.payQuoted(second, consent, incoming).ended()
    always('a revoked key begins no payment', late.state === 'REFUSED')
    await payment.completed()
  }
})
