import type { AuditableLedger } from '../../ledger/index.ts'
import { idToUuid, uuidToId } from '../../runtime/index.ts'
import type { Database, ManualClock } from '../../runtime/index.ts'
import type { Asset } from '../assets/model.ts'
import type { BackendConfig } from '../config.ts'
import type { Fee } from '../fees/model.ts'
import type { IncomingPayment } from '../incoming-payments/index.ts'
import type { createLiquidity } from '../liquidity/service.ts'
import { isFailure } from '../model.ts'
import type { Quote } from '../quotes/index.ts'
import { until } from '../testing.ts'
import type { TestBackend } from '../testing.ts'
import type { WalletAddress } from '../wallet-addresses/model.ts'
import type { OutgoingPayment } from './index.ts'
import { createTestNode } from './node-process.test-support.ts'
import type { TestNode } from './node-process.test-support.ts'
import { createPaymentsGround, TENANT_ID } from './payments-ground.test-support.ts'
import type { RemoteNode } from './remote-node.test-support.ts'

/** A node whose processes can be killed, a remote one behind its only peer, and time that a test moves. */
export interface PaymentsLab {
  test: TestBackend
  clock: ManualClock
  database: Database
  ledger: AuditableLedger
  liquidity: ReturnType<typeof createLiquidity>
  remote: RemoteNode
  usd: Asset
  eur: Asset
  payer: WalletAddress
  payee: WalletAddress
  fee: { current: Fee | undefined }
  /** A process of the service, configured otherwise where that is said. */
  createNode(config?: Partial<BackendConfig>): TestNode
  /** A quote to a remote payment, and the payment. */
  create(
    node: TestNode,
    url: string,
    amounts?: { debit?: bigint; receive?: bigint }
  ): Promise<OutgoingPayment>
  fund(node: TestNode, payment: OutgoingPayment): Promise<OutgoingPayment>
  /** Both. */
  pay(node: TestNode, url: string, amounts?: { debit?: bigint; receive?: bigint }): Promise<OutgoingPayment>
  quote(node: TestNode, url: string, amounts?: { debit?: bigint; receive?: bigint }): Promise<Quote>
  createLocalPayment(node: TestNode, incomingAmount?: bigint): Promise<IncomingPayment>
  /** Moves time on by little, and lets what became due talk to the database before it moves again. */
  passTime(): Promise<void>
  /** What the peer is owed for the packets that it carried. */
  peerBalance(): Promise<bigint>
  /** Ends all processes. */
  stopNodes(): Promise<void>
  /** Waits for a payment's end; with `advance`, time moves on meanwhile. */
  ended(id: string, options?: { advance: boolean }): Promise<PaymentRow>
  row(id: string): Promise<PaymentRow>
  events(
    id: string
  ): Promise<{ type: string; data: Record<string, never>; withdrawalAmount: bigint | null }[]>
  /** Nothing pending, every ledger zero-sum, nothing overdrawn. */
  audit(): Promise<string[]>
  close(): Promise<void>
}

export interface PaymentRow {
  state: string
  error: string | null
  stateAttempts: number
  leaseEpoch: number
  leaseOwner: string | null
  processAt: Date | null
  sentAmountValue: bigint | null
  deliveredAmountValue: bigint | null
}

export async function createPaymentsLab(
  adminUrl: string,
  environment: Record<string, string> = {}
): Promise<PaymentsLab> {
  const ground = await createPaymentsGround(adminUrl, environment)
  const { test, clock, ledger, sharedWriter, liquidity, remote, usd, eur, payer, payee, peer, fee } = ground
  const { database } = test
  const nodes: TestNode[] = []

  async function stopNodes(): Promise<void> {
    for (const node of nodes) await node.stop()
  }

  async function passTime(): Promise<void> {
    await clock.advance(500)
    for (let statement = 0; statement < 3; statement++) await database.ping()
  }

  async function row(id: string): Promise<PaymentRow> {
    const found = await database.knex('outgoingPayments').where({ id }).first<PaymentRow | undefined>()
    if (!found) throw new Error(`there is no payment ${id}`)
    return found
  }

  async function quote(node: TestNode, url: string, amounts: { debit?: bigint; receive?: bigint } = {}) {
    const quoted = await node.quotes.create({
      tenantId: TENANT_ID,
      walletAddressId: payer.id,
      receiver: url,
      ...(amounts.debit !== undefined && {
        debitAmount: { value: amounts.debit, assetCode: 'USD', assetScale: 2 }
      }),
      ...(amounts.receive !== undefined && {
        receiveAmount: { value: amounts.receive, assetCode: 'EUR', assetScale: 2 }
      })
    })
    if (isFailure(quoted)) throw new Error(`${quoted.failure}: ${quoted.message}`)
    return quoted
  }

  async function create(node: TestNode, url: string, amounts?: { debit?: bigint; receive?: bigint }) {
    const { id } = await quote(node, url, amounts)
    const created = await node.outgoingPayments.create({
      tenantId: TENANT_ID,
      walletAddressId: payer.id,
      quoteId: id,
      initiatedBy: 'ADMIN'
    })
    if (isFailure(created)) throw new Error(`${created.failure}: ${created.message}`)
    return created.payment
  }

  async function fund(node: TestNode, { id }: OutgoingPayment) {
    const funded = await node.outgoingPayments.fund({ id, tenantId: TENANT_ID })
    if (isFailure(funded)) throw new Error(`${funded.failure}: ${funded.message}`)
    return funded
  }

  return {
    test,
    clock,
    database,
    ledger,
    liquidity,
    remote,
    usd,
    eur,
    payer,
    payee,
    fee,
    createNode(config = {}) {
      const { test } = ground
      const node = createTestNode({ ...ground, test: { ...test, config: { ...test.config, ...config } } })
      nodes.push(node)
      return node
    },
    passTime,
    row,
    quote,
    create,
    fund,
    async pay(node, url, amounts) {
      return fund(node, await create(node, url, amounts))
    },
    async createLocalPayment(node, incomingAmount) {
      const payment = await node.incomingPayments.create({
        tenantId: TENANT_ID,
        walletAddressId: payee.id,
        initiatedBy: 'ADMIN',
        ...(incomingAmount !== undefined && {
          incomingAmount: { value: incomingAmount, assetCode: 'EUR', assetScale: 2 }
        })
      })
      if (isFailure(payment)) throw new Error(`${payment.failure}: ${payment.message}`)
      return payment
    },
    async ended(id, { advance } = { advance: false }) {
      await until(async () => {
        if ((await row(id)).state !== 'SENDING') return true
        if (advance) await passTime()
        return false
      })
      return row(id)
    },
    async events(id) {
      return database
        .knex<{ type: string; data: Record<string, never>; withdrawalAmount: bigint | null }>('webhookEvents')
        .whereRaw('? IN ("outgoingPaymentId", "incomingPaymentId")', [id])
        .orderByRaw('sequence')
        .select('type', 'data', 'withdrawalAmount')
    },
    async audit() {
      const problems: string[] = []
      for (const totals of await ledger.totals()) {
        if (totals.debitsPosted !== totals.creditsPosted)
          problems.push(`ledger ${totals.ledger} is not zero-sum`)
        if (totals.debitsPending !== 0n || totals.creditsPending !== 0n) {
          problems.push(`ledger ${totals.ledger} has ${totals.debitsPending} pending`)
        }
        for (const id of totals.overdrawnAccountIds) problems.push(`account ${idToUuid(id)} is overdrawn`)
      }
      return problems
    },
    stopNodes,
    peerBalance: async () => (await liquidity.balance(peer.id)) ?? 0n,
    async close() {
      await stopNodes()
      await sharedWriter.close()
      await test.close()
    }
  }
}

/** The balance of a payment's own account. */
export async function accountBalance(lab: PaymentsLab, id: string): Promise<bigint> {
  const [account] = await lab.ledger.lookupAccounts([uuidToId(id)])
  return account ? account.creditsPosted - account.debitsPosted - account.debitsPending : 0n
}
