import { AdminApiError } from '../sim/actors/admin-client.ts'
import { scenario } from '../sim/scenarios/scenario.ts'
import { line } from '../sim/topology/builders.ts'

export default scenario({
  title:
    'Deposits and withdrawals asked twice: what is done happens once, what was refused can be asked again',
  topology: line({ nodes: { acacia: 'USD/2' } }),
  worlds: ['virtual'],
  async run({ net, random, always, does }) {
    const yak = await net.packetPeer('acacia', { name: 'yak', asset: 'USD/2', liquidity: 0n })
    const { admin } = net.node('acacia')
    let keys = 0
    const ask = async (mutation: string, input: Record<string, unknown>) => {
      const idempotencyKey = `key-${++keys}`
      try {
        await admin.call(mutation, { input: { peerId: yak.id, idempotencyKey, ...input } })
        return true
      } catch (error) {
        if (!(error instanceof AdminApiError)) throw error
        return false
      }
    }
    const amount = random.integer(1, 1_000)
    const deposit = { id: '11111111-1111-4111-8111-111111111111', amount: String(amount) }
    does(`${amount} are deposited for yak, and the same deposit is asked again`)
    always('a deposit is booked', await ask(DEPOSIT, deposit))
    await ask(DEPOSIT, deposit)
    always('a repeated deposit is booked once', (await yak.liquidity()) === BigInt(amount))

    const withdrawal = {
      id: '22222222-2222-4222-8222-222222222222',
      amount: String(amount + 1),
      timeoutSeconds: 0
    }
    does('one more than that is to be withdrawn')
    always('nobody withdraws more than there is', !(await ask(WITHDRAW, withdrawal)))
    does('one is deposited')
    await ask(DEPOSIT, { id: '33333333-3333-4333-8333-333333333333', amount: '1' })
    does('the withdrawal is asked again')
    always('a refused withdrawal can be asked again', await ask(WITHDRAW, withdrawal))
    always('what was withdrawn is gone', (await yak.liquidity()) === 0n)
  }
})

const DEPOSIT = `mutation DepositPeerLiquidity($input: DepositPeerLiquidityInput!) {
  depositPeerLiquidity(input: $input) { success } }`
const WITHDRAW = `mutation CreatePeerLiquidityWithdrawal($input: CreatePeerLiquidityWithdrawalInput!) {
  createPeerLiquidityWithdrawal(input: $input) { success } }`
