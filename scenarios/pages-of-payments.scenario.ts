import { scenario } from '../sim/scenarios/scenario.ts'
import { line } from '../sim/topology/builders.ts'

const COUNT = 20

export default scenario({
  title: 'A list is read page by page: what was created in the same millisecond is shown, too',
  topology: line({ nodes: { acacia: 'USD/2' } }),
  worlds: ['virtual', 'local'],
  async run({ net, random, always, does }) {
    const { admin, provisioned } = net.node('acacia')
    const assetId = provisioned.assets[0]!.id
    does(`${COUNT} wallet addresses are created at once`)
    const { openPayments } = net.node('acacia').urls
    await Promise.all(
      Array.from({ length: COUNT }, (_, index) =>
        admin.call(CREATE, { input: { address: `${openPayments}/customer-${index}`, assetId } })
      )
    )
    const size = random.integer(1, 5)
    does(`they are read in pages of ${size}`)
    const seen: string[] = []
    let after: string | undefined
    do {
      const { walletAddresses } = await admin.call<List>(LIST, { first: size, ...(after && { after }) })
      seen.push(...walletAddresses.edges.map(({ node }) => node.id))
      after = walletAddresses.pageInfo.hasNextPage ? walletAddresses.pageInfo.endCursor : undefined
    } while (after !== undefined && seen.length < 10 * COUNT)
    const known = provisioned.walletAddresses.length + COUNT
    const complete = new Set(seen).size === known && seen.length === known
    always('every page shows what the others do not, and together they show all', complete)
  }
})

interface List {
  walletAddresses: {
    edges: { node: { id: string } }[]
    pageInfo: { endCursor: string; hasNextPage: boolean }
  }
}

const CREATE = `mutation CreateWalletAddress($input: CreateWalletAddressInput!) {
  createWalletAddress(input: $input) { walletAddress { id } } }`
const LIST = `query WalletAddresses($first: Int, $after: String) {
  walletAddresses(first: $first, after: $after) { edges { node { id } } pageInfo { endCursor hasNextPage } } }`
