import { AdminApiError } from '../sim/actors/admin-client.ts'
import { scenario } from '../sim/scenarios/scenario.ts'
import { line } from '../sim/topology/builders.ts'

const DEPOSIT = `mutation ($input: DepositPeerLiquidityInput!) { depositPeerLiquidity(input: $input) { success } }`
const WITHDRAW = `mutation ($input: CreatePeerLiquidityWithdrawalInput!) {
  createPeerLiquidityWithdrawal(input: $input) { success } }`
const POST = `mutation ($input: PostLiquidityWithdrawalInput!) { postLiquidityWithdrawal(input: $input) { success } }`
const VOID = `mutation ($input: VoidLiquidityWithdrawalInput!) { voidLiquidityWithdrawal(input: $input) { success } }`
const FUND = `mutation ($input: DepositOutgoingPaymentLiquidityInput!) {
  depositOutgoingPaymentLiquidity(input: $input) { success } }`
const CANCEL = `mutation ($input: CancelOutgoingPaymentInput!) {
  cancelOutgoingPayment(input: $input) { payment { state } } }`

export default scenario({
  title:
    'Equal deposits, a withdrawal that is posted and voided, a payment that is funded and cancelled, all at the same moment: one of each is done',
  topology: line({ nodes: { acacia: 'USD/2', baobab: 'EUR/4' }, link: 'USD/2' }),
  worlds: ['virtual', 'interleave'],
  async run({ net, random, always, does }) {
    const yak = await net.packetPeer('acacia', { name: 'yak', asset: 'USD/2', liquidity: 0n })
    const { admin } = net.node('acacia')
    let keys = 0
    const ask = async (mutation: string, input: object): Promise<boolean> => {
      const idempotencyKey = `key-${++keys}`
      const keyed = mutation === CANCEL ? input : { idempotencyKey, ...input }
      try {
        await admin.call(mutation, { input: keyed })
        return true
      } catch (error) {
        if (!(error instanceof AdminApiError)) throw error
        return false
      }
    }
    const doneOf = (answers: boolean[]) => answers.filter((done) => done).length

    const amount = BigInt(random.integer(2, 1_000))
    const deposit = { id: '11111111-1111-4111-8111-111111111111', peerId: yak.id, amount: String(amount) }
    does('one deposit is asked four times at once')
    const deposits = await Promise.all([1, 2, 3, 4].map(() => ask(DEPOSIT, deposit)))
    always('one of equal deposits is told that it was made', doneOf(deposits) === 1)
    always('equal deposits are booked once', (await yak.liquidity()) === amount)

    const withdrawalId = '22222222-2222-4222-8222-222222222222'
    await ask(WITHDRAW, { id: withdrawalId, peerId: yak.id, amount: '1', timeoutSeconds: 60 })
    does('a withdrawal is posted and voided at once')
    const [posted, voided] = await Promise.all([POST, VOID].map((how) => ask(how, { withdrawalId })))
    always('a withdrawal is posted or voided', posted !== voided)
    always(
      'what is posted is gone, and what is voided is back',
      (await yak.liquidity()) === amount - (posted ? 1n : 0n)
    )

    const alice = net.wallet('alice@acacia')
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
    does('a payment is funded and cancelled at once')
    const [funded, cancelled] = await Promise.all([ask(FUND, { outgoingPaymentId: id }), ask(CANCEL, { id })])
    always('a payment is funded or cancelled', funded !== cancelled)
    const { state, sent } = await payment.ended(3_600_000)
    always('a cancelled payment stays so', !cancelled || (state === 'CANCELLED' && sent === 0n))
    always('a funded payment is paid', !funded || state === 'COMPLETED')
  }
})
