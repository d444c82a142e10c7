import { chainFailure, chainIsDone, TransferCode } from '../../ledger/index.ts'
import type { Ledger, NewTransfer } from '../../ledger/index.ts'
import { uuidToId } from '../../runtime/index.ts'
import type { Asset } from '../assets/model.ts'
import type { PaymentTargets } from '../incoming-payments/index.ts'
import type { Quote } from '../quotes/model.ts'
import { localFenceVoidId, localTransferId, paymentAccountId } from './accounts.ts'
import { lifecycleError } from './errors.ts'
import type { AttemptError } from './errors.ts'
import type { PaymentLedger } from './payment-ledger.ts'

/** What became of a payment within this node. */
export type LocalOutcome =
  | { kind: 'paid' }
  /** The receiver takes no more. */
  | { kind: 'receiverClosed' }
  | { kind: 'failed'; error: AttemptError }

export interface LocalPayments {
  /** True once it is booked, now or before. */
  isPaid(paymentId: string): Promise<boolean>
  /** Books it, once: repeated, it answers `paid` again. */
  pay(quote: Quote, incomingPaymentId: string, signal: AbortSignal): Promise<LocalOutcome>
  /**
   * Makes sure that it is never booked, whatever a former holder of the lease still does: takes the first id of
   * its chain for a reservation that is voided. False: it was booked before.
   */
  fence(quote: Quote, signal: AbortSignal): Promise<boolean>
}

/**
 * Payments between two accounts of this node: one linked chain whose ids derive from the payment's, so that
 * any number of holders may submit it and it happens once.
 */
export function createLocalPayments({
  ledger,
  paymentLedger,
  targets
}: {
  ledger: Pick<Ledger, 'lookupTransfers' | 'lookupAccounts'>
  paymentLedger: Pick<PaymentLedger, 'submitUntilKnown'>
  targets: Pick<PaymentTargets, 'resolve' | 'recount'>
}): LocalPayments {
  async function isPaid(paymentId: string): Promise<boolean> {
    const [first] = await ledger.lookupTransfers([localTransferId(paymentId, 0)])
    return first !== undefined && !first.flags.pending
  }

  /** Why the ledger refused the chain, for good. @throws Error for what only a defect of this node explains */
  async function refusalError(
    result: string | undefined,
    leg: NewTransfer | undefined,
    payer: bigint
  ): Promise<AttemptError> {
    if (leg === undefined || !(await isShortOfMoney(result, leg))) {
      throw new Error(`the ledger refused a local payment: ${result}`)
    }
    return leg.debitAccountId === payer
      ? lifecycleError('InsufficientBalance', 'the payment’s account does not cover it')
      : lifecycleError('InsufficientLiquidity', 'the liquidity of the receiver’s asset does not cover it')
  }

  /**
   * A refusal that was not heard (its answer was lost, or its process died) spends the id of the leg that was
   * refused, and a repeat says no more than that. Of what refuses a posted transfer for the moment only two
   * things exist: an account that is missing, and an account that is short.
   */
  async function isShortOfMoney(result: string | undefined, leg: NewTransfer): Promise<boolean> {
    if (result === 'exceeds_credits') return true
    if (result !== 'id_already_failed') return false
    const accounts = await ledger.lookupAccounts([leg.debitAccountId, leg.creditAccountId])
    return accounts.every((account) => account !== undefined)
  }

  async function pay(quote: Quote, incomingPaymentId: string, signal: AbortSignal): Promise<LocalOutcome> {
    if (await isPaid(quote.id)) {
      await targets.recount(incomingPaymentId)
      return { kind: 'paid' }
    }
    const target = await targets.resolve(incomingPaymentId)
    if (target === undefined) return { kind: 'receiverClosed' }
    const amount = quote.receiveAmount.value
    switch (await target.admit(amount)) {
      case 'closed':
        return { kind: 'receiverClosed' }
      case 'full':
      case 'later': {
        const message = 'another payment is about to complete the receiver'
        return { kind: 'failed', error: lifecycleError('ClosedByReceiver', message, true) }
      }
      case 'admitted':
        break
    }
    let isBooked = false
    try {
      const chain = localChain(quote, target.accountId, target.asset)
      const results = await paymentLedger.submitUntilKnown(chain, signal)
      if (chainIsDone(results)) {
        isBooked = results[0] === 'ok'
        if (!isBooked) await targets.recount(incomingPaymentId)
        return { kind: 'paid' }
      }
      const refusal = chainFailure(results)
      const leg = chain[results.findIndex((result) => result === refusal)]
      return { kind: 'failed', error: await refusalError(refusal, leg, paymentAccountId(quote.id)) }
    } finally {
      if (isBooked) target.posted(amount, 'untagged')
      else target.released(amount)
    }
  }

  return {
    isPaid,
    pay,
    async fence(quote, signal) {
      const first: NewTransfer = {
        id: localTransferId(quote.id, 0),
        debitAccountId: paymentAccountId(quote.id),
        creditAccountId: uuidToId(quote.asset.id),
        amount: 1n,
        ledger: quote.asset.ledger,
        code: TransferCode.TRANSFER,
        timeoutS: 1,
        flags: { pending: true }
      }
      const [result] = await paymentLedger.submitUntilKnown([first], signal)
      if (result === 'exists_with_different_fields') return !(await isPaid(quote.id))
      // Refused before, by the ledger itself: such an id is spent as well.
      if (result !== 'ok' && result !== 'exists') return true
      const release: NewTransfer = {
        id: localFenceVoidId(quote.id),
        pendingId: first.id,
        debitAccountId: first.debitAccountId,
        creditAccountId: first.creditAccountId,
        amount: 0n,
        ledger: first.ledger,
        code: first.code,
        flags: { voidPending: true }
      }
      await paymentLedger.submitUntilKnown([release], signal)
      return true
    }
  }
}

/**
 * Same asset: the lesser of both amounts goes across; what is sent beyond it is the node's (rounding, spread),
 * what is missing comes from the asset's liquidity. Other assets: each asset's liquidity is in between.
 */
export function localChain(quote: Quote, receiverAccountId: bigint, receiverAsset: Asset): NewTransfer[] {
  const sent = quote.debitAmountMinusFees
  const received = quote.receiveAmount.value
  const payer = paymentAccountId(quote.id)
  const liquidity = uuidToId(quote.asset.id)
  const legs: { from: bigint; to: bigint; amount: bigint; ledger: number }[] = []
  if (quote.asset.id === receiverAsset.id) {
    const { ledger } = quote.asset
    const across = sent < received ? sent : received
    legs.push({ from: payer, to: receiverAccountId, amount: across, ledger })
    if (sent > received) legs.push({ from: payer, to: liquidity, amount: sent - received, ledger })
    if (sent < received)
      legs.push({ from: liquidity, to: receiverAccountId, amount: received - sent, ledger })
  } else {
    legs.push({ from: payer, to: liquidity, amount: sent, ledger: quote.asset.ledger })
    legs.push({
      from: uuidToId(receiverAsset.id),
      to: receiverAccountId,
      amount: received,
      ledger: receiverAsset.ledger
    })
  }
  return legs.map((leg, index) => ({
    id: localTransferId(quote.id, index),
    debitAccountId: leg.from,
    creditAccountId: leg.to,
    amount: leg.amount,
    ledger: leg.ledger,
    code: TransferCode.TRANSFER,
    ...(index === 0 && { userData128: uuidToId(quote.id), userData64: received }),
    flags: { linked: index < legs.length - 1 }
  }))
}
