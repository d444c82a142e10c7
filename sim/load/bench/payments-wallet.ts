import type { Wallet } from '../../actors/wallet/wallet.ts'

interface WireAmount {
  value: string
  assetCode: string
  assetScale: number
}

/** Who pays whom how much, each payment the same. */
export interface PaymentTerms {
  payerWalletAddressId: string
  receiverUrl: string
  /** What the receiver gets. */
  receiveAmount: WireAmount
}

/** Payments as a wallet makes them: over the Admin API of its node, funded and heard of by webhooks. */
export interface WalletPayments {
  /**
   * One payment from its receiver's creation until the wallet has honoured the webhook of its end.
   *
   * @throws Error when it did not end COMPLETED
   */
  pay(): Promise<void>
  /** Ids of those that were COMPLETED. */
  completed(): ReadonlySet<string>
}

type Ending = 'outgoing_payment.completed' | 'outgoing_payment.failed'

export function createWalletPayments(
  wallet: Pick<Wallet, 'admin' | 'onEvent'>,
  terms: PaymentTerms
): WalletPayments {
  const { admin } = wallet
  const waiting = new Map<string, (ending: Ending) => void>()
  /** Ends that were told before the answer to the payment's creation had arrived. */
  const early = new Map<string, Ending>()
  const completed = new Set<string>()

  wallet.onEvent(({ type, data }) => {
    if (type !== 'outgoing_payment.completed' && type !== 'outgoing_payment.failed') return
    const id = String(data.id)
    const tell = waiting.get(id)
    if (tell) tell(type)
    else if (!completed.has(id)) early.set(id, type)
  })

  async function ending(id: string): Promise<Ending> {
    const told = early.get(id)
    if (told !== undefined) {
      early.delete(id)
      return told
    }
    const end = await new Promise<Ending>((resolve) => waiting.set(id, resolve))
    waiting.delete(id)
    return end
  }

  return {
    async pay() {
      const { payerWalletAddressId: walletAddressId, receiverUrl: walletAddressUrl, receiveAmount } = terms
      const { createReceiver } = await admin.call<{ createReceiver: { receiver: { id: string } } }>(
        CREATE_RECEIVER,
        { input: { walletAddressUrl, incomingAmount: receiveAmount } }
      )
      const { createQuote } = await admin.call<{ createQuote: { quote: { id: string } } }>(CREATE_QUOTE, {
        input: { walletAddressId, receiver: createReceiver.receiver.id }
      })
      const { createOutgoingPayment } = await admin.call<{
        createOutgoingPayment: { payment: { id: string } }
      }>(CREATE_PAYMENT, { input: { walletAddressId, quoteId: createQuote.quote.id } })
      const { id } = createOutgoingPayment.payment
      const end = await ending(id)
      if (end !== 'outgoing_payment.completed') throw new Error(`payment ${id} failed`)
      completed.add(id)
    },
    completed: () => completed
  }
}

const CREATE_RECEIVER = `mutation CreateReceiver($input: CreateReceiverInput!) {
  createReceiver(input: $input) { receiver { id } } }`
const CREATE_QUOTE = `mutation CreateQuote($input: CreateQuoteInput!) {
  createQuote(input: $input) { quote { id debitAmount { value } receiveAmount { value } } } }`
const CREATE_PAYMENT = `mutation CreateOutgoingPayment($input: CreateOutgoingPaymentInput!) {
  createOutgoingPayment(input: $input) { payment { id state } } }`
