import type { Quote } from '../actors/payer.ts'
import type { Account } from '../networks/network.ts'
import type { LabIncomingPayment } from './lab-account.ts'
import type { LabParts } from './lab-network.ts'
import { PropertyViolation } from './scenario.ts'
import { isRefusal, reasonOf, unlessSilent } from './silence.ts'

/**
 * A payment as its payer follows it. `REFUSED`: it was not created, for the reason told, or what comes before it (a
 * grant, a quote, an incoming payment) was refused or its answer lost.
 *
 *   begun ──▶ REFUSED
 *     └────▶ FUNDING ──▶ SENDING ──▶ COMPLETED, FAILED
 *               └──▶ CANCELLED
 */
export type LabPaymentState = 'FUNDING' | 'SENDING' | 'COMPLETED' | 'FAILED' | 'CANCELLED'

export interface LabPaymentOutcome {
  state: 'REFUSED' | 'COMPLETED' | 'FAILED' | 'CANCELLED'
  error: string | undefined
  /** Minor units: of the payer's asset, and what was promised and limited when it was quoted. */
  sent: bigint
  debit: bigint
  promised: bigint
}

export interface LabPayment {
  readonly title: string
  readonly from: Account
  readonly to: Account
  /** Resolves when the payer was told that its payment exists; rejects with why it was refused. */
  readonly created: Promise<InitiatedLabPayment>
  /** What the payer's node says now. */
  state(): Promise<LabPaymentState>
  /**
   * Waits until the payer's node says so, or that it has ended.
   *
   * @returns the state that it is in then
   */
  until(state: LabPaymentState, withinMs?: number): Promise<LabPaymentState>
  ended(withinMs?: number): Promise<LabPaymentOutcome>
  /** @throws PropertyViolation where it ended otherwise */
  completed(withinMs?: number): Promise<LabPaymentOutcome>
}

export interface InitiatedLabPayment {
  incoming: LabIncomingPayment
  quote: Quote
  outgoingPaymentUrl: string
  /** The payer tells the receiver that nothing more will come, as it is the only one who pays and the amount is open. */
  closes: boolean
}

interface OutgoingPaymentAnswer {
  state: LabPaymentState
  error: string | null
  metadata: { cancellationReason?: string } | null
  sentAmount: { value: string }
}

const ENDED: readonly LabPaymentState[] = ['COMPLETED', 'FAILED', 'CANCELLED']

export function beginPayment(
  { adminOf, tell, begun, until }: LabParts,
  request: {
    from: Account
    to: Account
    title: string
    initiate(step: (name: string, detail: string) => void): Promise<InitiatedLabPayment>
  }
): LabPayment {
  const { from, to, title } = request
  const admin = adminOf(from.node)
  const created = request.initiate((step, detail) => tell(step, `${title}: ${detail}`))
  // Whoever waits for the payment hears of it; where nobody does, it is found at the end of the run.
  created.catch((error: unknown) => tell('refused', `${title}: ${reasonOf(error)}`))

  async function read(): Promise<OutgoingPaymentAnswer> {
    const { outgoingPaymentUrl } = await created
    const id = outgoingPaymentUrl.slice(outgoingPaymentUrl.lastIndexOf('/') + 1)
    const answer = await admin.call<{ outgoingPayment: OutgoingPaymentAnswer }>(OUTGOING_PAYMENT, { id })
    return answer.outgoingPayment
  }

  /** Waits through times in which the node does not answer. */
  async function readUntil(
    done: (answer: OutgoingPaymentAnswer) => boolean,
    what: string,
    withinMs?: number
  ): Promise<OutgoingPaymentAnswer> {
    let last: OutgoingPaymentAnswer | undefined
    await created
    await until(
      `${title}: ${what}`,
      async () => {
        const answer = await unlessSilent(read)
        if (answer) last = answer
        return last !== undefined && done(last)
      },
      withinMs
    )
    return last!
  }

  let ending: Promise<LabPaymentOutcome> | undefined
  async function end(withinMs?: number): Promise<LabPaymentOutcome> {
    let initiated: InitiatedLabPayment
    try {
      initiated = await created
    } catch (error) {
      if (!isRefusal(error)) throw error
      return { state: 'REFUSED', error: reasonOf(error), sent: 0n, debit: 0n, promised: 0n }
    }
    const answer = await readUntil(({ state }) => ENDED.includes(state), 'its end', withinMs)
    const state = answer.state as LabPaymentOutcome['state']
    if (initiated.closes && state === 'COMPLETED') {
      await until(`${title}: the receiver hears that it is complete`, () => closed(initiated))
    }
    const error = answer.error ?? answer.metadata?.cancellationReason ?? undefined
    const { debitAmount, receiveAmount } = initiated.quote
    const sent = BigInt(answer.sentAmount.value)
    tell(state, `${title}: sent ${sent} of ${debitAmount.value}${error === undefined ? '' : `: ${error}`}`)
    return {
      state,
      error,
      sent,
      debit: BigInt(debitAmount.value),
      promised: BigInt(receiveAmount.value)
    }
  }

  async function closed({ incoming }: InitiatedLabPayment): Promise<boolean> {
    try {
      await incoming.complete()
      return true
    } catch (error) {
      if (!isRefusal(error)) throw error
      // Its answer may have been lost: what counts is what the payment is.
      const current = await unlessSilent(() => incoming.read())
      return current !== undefined && (current.state === 'COMPLETED' || current.state === 'EXPIRED')
    }
  }

  const payment: LabPayment = {
    title,
    from,
    to,
    created,
    state: async () => (await read()).state,
    async until(state, withinMs) {
      const answer = await readUntil(
        (current) => current.state === state || ENDED.includes(current.state),
        state,
        withinMs
      )
      return answer.state
    },
    ended: (withinMs) => (ending ??= end(withinMs)),
    async completed(withinMs) {
      const outcome = await payment.ended(withinMs)
      if (outcome.state !== 'COMPLETED') {
        throw new PropertyViolation(
          'payment',
          `${title} ended ${outcome.state}: ${outcome.error ?? 'no reason given'}`
        )
      }
      return outcome
    }
  }
  begun(payment)
  return payment
}

const OUTGOING_PAYMENT = `query OutgoingPayment($id: String!) {
  outgoingPayment(id: $id) { state error metadata sentAmount { value } } }`
