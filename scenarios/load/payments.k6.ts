import { sleep } from 'k6'
import { callAdmin } from './k6/admin.ts'
import { counted } from './k6/outcome.ts'
import { optionsOf, readSetting } from './k6/setting.ts'
import type { PaymentTarget } from './k6/targets.ts'

/** k6 hears no webhooks: it asks for the payment's state, first after this time, then again and again. */
const FIRST_LOOK_S = 0.1
const LOOK_EVERY_S = 0.05
/** Later looks come this much later each: a node that is behind is not asked all the more. */
const GROWTH = 1.5
const PAYMENT_TIMEOUT_MS = 60_000

const setting = readSetting<PaymentTarget>()
export const options = optionsOf(setting)

const { admin, payerWalletAddressId: walletAddressId, receiverUrl, receiveAmount } = setting.target

export default function (): void {
  counted('COMPLETED', () => {
    const startMs = Date.now()
    const id = `${setting.stageId}-${__VU}-${__ITER}`
    const { createReceiver } = callAdmin<{ createReceiver: { receiver: { id: string } } }>(
      admin,
      CREATE_RECEIVER,
      {
        input: {
          walletAddressUrl: receiverUrl,
          incomingAmount: receiveAmount,
          idempotencyKey: `${id}-receiver`
        }
      }
    )
    const { createQuote } = callAdmin<{ createQuote: { quote: { id: string } } }>(admin, CREATE_QUOTE, {
      input: { walletAddressId, receiver: createReceiver.receiver.id, idempotencyKey: `${id}-quote` }
    })
    const { createOutgoingPayment } = callAdmin<{ createOutgoingPayment: { payment: { id: string } } }>(
      admin,
      CREATE_PAYMENT,
      { input: { walletAddressId, quoteId: createQuote.quote.id, idempotencyKey: `${id}-payment` } }
    )
    let waitS = FIRST_LOOK_S
    for (
      ;
      Date.now() - startMs < PAYMENT_TIMEOUT_MS;
      waitS = waitS === FIRST_LOOK_S ? LOOK_EVERY_S : waitS * GROWTH
    ) {
      sleep(waitS)
      const { outgoingPayment } = callAdmin<{ outgoingPayment: { state: string } }>(admin, PAYMENT_STATE, {
        id: createOutgoingPayment.payment.id
      })
      if (outgoingPayment.state !== 'FUNDING' && outgoingPayment.state !== 'SENDING')
        return outgoingPayment.state
    }
    return 'no end was told'
  })
}

const CREATE_RECEIVER = `mutation CreateReceiver($input: CreateReceiverInput!) {
  createReceiver(input: $input) { receiver { id } } }`
const CREATE_QUOTE = `mutation CreateQuote($input: CreateQuoteInput!) {
  createQuote(input: $input) { quote { id } } }`
const CREATE_PAYMENT = `mutation CreateOutgoingPayment($input: CreateOutgoingPaymentInput!) {
  createOutgoingPayment(input: $input) { payment { id } } }`
const PAYMENT_STATE = `query PaymentState($id: String!) { outgoingPayment(id: $id) { state } }`
