import { AdminApiError } from '../actors/admin-client.ts'
import { isUnanswered } from '../actors/careful.ts'
import type { Quote } from '../actors/payer.ts'
import type { LabAccount, LabIncomingPayment } from '../scenarios/lab-account.ts'
import type { LabNetwork } from '../scenarios/lab-network.ts'
import type { LabPayment, LabPaymentOutcome } from '../scenarios/lab-payment.ts'
import { isRefusal } from '../scenarios/silence.ts'
import { neighbour, NODE_NAMES } from './history.ts'
import type { Action, ActionOf, History } from './history.ts'
import type { StateName } from './states.ts'
import { assetOf } from './topology.ts'

/** Where an action happens, and what it may say. */
export interface Stage {
  history: History
  net: LabNetwork
  /** Nothing goes wrong and nothing is changed: every node answers, every promise is kept. */
  quiet: boolean
  /** @throws PropertyViolation where it does not hold */
  always(property: string, holds: boolean, detail: string): void
  reached(state: StateName, holds?: boolean): void
}

/** A SENDING payment waits for packets in doubt and backs off: all its retries end within this. */
const ENDS_WITHIN_MS = 30 * 60_000

type Performer<Kind extends Action['do']> = (stage: Stage, action: ActionOf<Kind>) => Promise<void>

const PERFORMERS: { [Kind in Action['do']]: Performer<Kind> } = {
  async pay(stage, { from, to, fixed, amount }) {
    const payment = stage.net.wallet(from).pay(to, fixed === 'send' ? { send: amount } : { receive: amount })
    const { state, error } = await end(stage, payment)
    stage.always(
      'a promise is kept',
      !(stage.quiet && state === 'FAILED'),
      `${payment.title} ended ${state}: ${error}`
    )
    if (state !== 'COMPLETED') return
    stage.reached('receive', fixed === 'receive')
    stage.reached('oneself', from === to)
  },

  async payIntoOne(stage, { to, amount, payers }) {
    const incoming = await attempt(stage, () =>
      stage.net.wallet(to).openIncomingPayment(amount > 0n ? { amount } : {})
    )
    if (!incoming) return
    const outcomes = await Promise.all(
      payers.map(({ from, send }) => end(stage, stage.net.wallet(from).pay(incoming, { send })))
    )
    stage.reached('manyIntoOne', outcomes.filter(({ sent }) => sent > 0n).length > 1)
    const current = await attempt(stage, () => incoming.read())
    if (!current || amount === 0n) return
    stage.reached('closedByAmount', current.state === 'COMPLETED')
    stage.always(
      'a receiver that closed by itself has its amount',
      current.state !== 'COMPLETED' || current.received >= amount,
      `${to} has ${current.received} of ${amount}`
    )
  },

  async race(stage, { from, to, limit, sends }) {
    const payer = stage.net.wallet(from)
    const quoted = present(
      await Promise.all(sends.map((send) => attempt(stage, () => offer(stage, payer, to, { send }))))
    )
    if (quoted.length === 0) return
    const consent = await attempt(stage, () =>
      payer.consent({ ...quoted[0]!.quote.debitAmount, value: limit.toString() })
    )
    if (!consent) return
    const outcomes = await Promise.all(
      quoted.map(({ quote, incoming }) => end(stage, payer.payQuoted(quote, consent, incoming)))
    )
    const spent = outcomes.reduce((sum, { sent }) => sum + sent, 0n)
    stage.always('a grant is not overspent', spent <= limit, `${from}: ${spent} of ${limit}`)
    stage.reached('grantExhausted', outcomes.some(isOverLimit))
  },

  async quoteTwice(stage, { from, to, amount }) {
    const payer = stage.net.wallet(from)
    const offered = await attempt(stage, () => offer(stage, payer, to, { send: amount }))
    if (!offered) return
    const { quote, incoming } = offered
    const consents = present(
      await Promise.all([1, 2].map(() => attempt(stage, () => payer.consent(quote.debitAmount))))
    )
    const payments = consents.map((consent) => payer.payQuoted(quote, consent, incoming))
    const outcomes = await Promise.all(payments.map((payment) => end(stage, payment)))
    const made = outcomes.filter(({ state }) => state !== 'REFUSED')
    // A payer in doubt, whose answer was lost or came too late, takes the payment of the other grant for its own: it has the quote's id.
    stage.always(
      'a quote makes one payment',
      !stage.quiet || made.length <= 1,
      `${quote.id} made ${made.length}`
    )
    const current = await attempt(stage, () => incoming.read())
    const spent = made.reduce((most, { sent }) => (sent > most ? sent : most), 0n)
    stage.always(
      'what was not sent does not arrive',
      current === undefined || made.length === 0 || spent > 0n || current.received === 0n,
      `${to} has ${current?.received}`
    )
    stage.reached('quoteTwice', made.length === 1 && outcomes.length === 2)
  },

  async useLateQuote(stage, { from, to, amount, afterExpiryMs }) {
    const payer = stage.net.wallet(from)
    const offered = await attempt(stage, () => offer(stage, payer, to, { send: amount }))
    if (!offered?.quote.expiresAt) return
    const { quote, incoming } = offered
    const consent = await attempt(stage, () => payer.consent(quote.debitAmount))
    if (!consent) return
    await stage.net.sleep(Math.max(0, Date.parse(quote.expiresAt!) + afterExpiryMs - Date.now()))
    const { state } = await end(stage, payer.payQuoted(quote, consent, incoming))
    const stepped = stage.history.faults.some(({ fault }) => fault === 'clock')
    if (afterExpiryMs < 0 || stepped) return
    stage.always('an expired quote pays nothing', state === 'REFUSED', `${from}: the payment is ${state}`)
    stage.reached('quoteExpired', state === 'REFUSED')
  },

  async completeEarly(stage, { from, to, amount, afterMs }) {
    const incoming = await attempt(stage, () => stage.net.wallet(to).openIncomingPayment({ amount }))
    if (!incoming) return
    const payment = stage.net.wallet(from).pay(incoming)
    const early = (async () => {
      if (!(await isCreated(payment))) return
      await stage.net.sleep(afterMs)
      await attempt(stage, () => incoming.complete())
    })()
    await Promise.all([early, end(stage, payment)])
    const current = await attempt(stage, () => incoming.read())
    stage.reached('completedEarly', current?.state === 'COMPLETED' && current.received < amount)
  },

  async expire(stage, { from, to, amount, expiresInMs }) {
    const incoming = await attempt(stage, () =>
      stage.net.wallet(to).openIncomingPayment({ amount, expiresInMs })
    )
    if (!incoming) return
    await end(stage, stage.net.wallet(from).pay(incoming))
    const current = await attempt(stage, () => incoming.read())
    stage.reached('receiverExpired', current?.state === 'EXPIRED' && current.received > 0n)
  },

  async revoke(stage, { from, to, amount, afterMs }) {
    const payer = stage.net.wallet(from)
    const quoted = present(
      await Promise.all([1, 2].map(() => attempt(stage, () => offer(stage, payer, to, { send: amount }))))
    )
    const [first, second] = quoted
    if (!first || !second) return
    const { debitAmount } = first.quote
    const consent = await attempt(stage, () =>
      payer.consent({ ...debitAmount, value: (BigInt(debitAmount.value) * 4n).toString() })
    )
    if (!consent) return
    const payment = payer.payQuoted(first.quote, consent, first.incoming)
    await isCreated(payment)
    await stage.net.sleep(afterMs)
    const revoked = await attempt(stage, async () => {
      await consent.revoke()
      return true
    })
    const after = await end(stage, payer.payQuoted(second.quote, consent, second.incoming))
    await end(stage, payment)
    stage.always(
      'a revoked grant pays nothing',
      !revoked || after.state === 'REFUSED',
      `${from}: the payment is ${after.state}`
    )
    stage.reached('grantRevoked', revoked && after.state === 'REFUSED')
  },

  async cancel(stage, { from, to, amount, afterMs }) {
    const payment = stage.net.wallet(from).pay(to, { send: amount })
    const id = await isCreated(payment)
    if (id !== undefined) {
      await stage.net.sleep(afterMs)
      await attempt(stage, () =>
        admin(stage, from).call(CANCEL, { input: { id, reason: 'The operator cancelled it.' } })
      )
    }
    await end(stage, payment)
  },

  async depositTwice(stage, { from, to, amount, afterMs }) {
    const payment = stage.net.wallet(from).pay(to, { send: amount })
    const id = await isCreated(payment)
    if (id !== undefined) {
      // Of a payment that it cannot afford, the wallet would deposit nothing.
      await payment.until('SENDING', ENDS_WITHIN_MS)
      await stage.net.sleep(afterMs)
      const again = await Promise.all(
        [1, 2].map((time) =>
          attempt(stage, async () => {
            const input = { outgoingPaymentId: id, idempotencyKey: `${id} again ${time}` }
            await admin(stage, from).call(DEPOSIT, { input })
            return true
          })
        )
      )
      stage.always('a payment is paid for once', !again.includes(true), id)
      stage.reached('depositedTwice')
    }
    await end(stage, payment)
  },

  async settle(stage, { node, peer, way, amount }) {
    const other = neighbour(stage.history, { node, peer })
    if (other === undefined) return
    const own = stage.net.node(node)
    const settled = await attempt(stage, async () => {
      if (way === 'deposit') await own.depositPeerLiquidity(other, amount)
      else await own.withdrawPeerLiquidity(other, amount)
      return true
    })
    stage.reached('settled', settled)
  },

  async rate(stage, { node, base, other, permille }) {
    if (base === other) return
    stage.net.node(node).changeRate(base, other, permille)
    stage.reached('ratesChanged', stage.net.payments.length > 0)
  },

  async fee(stage, { node, fixed, basisPoints }) {
    const { asset } = stage.history.nodes[NODE_NAMES.findIndex((name) => name === node)]!
    await attempt(stage, () => stage.net.node(node).setSendingFee(assetOf(asset), { fixed, basisPoints }))
  },

  async packetLimit(stage, { node, peer, amount }) {
    const other = neighbour(stage.history, { node, peer })
    if (other === undefined) return
    await attempt(stage, () => stage.net.node(node).limitPackets(other, amount === 0n ? undefined : amount))
  }
}

/** Does what an action says, and waits until all of it is over. */
export function perform(stage: Stage, action: Action): Promise<void> {
  return (PERFORMERS[action.do] as Performer<Action['do']>)(stage, action)
}

/** Whether what an action changes may keep a payment from its promise. */
export function disturbs(action: Action): boolean {
  return DISTURBING.includes(action.do)
}

const DISTURBING: readonly Action['do'][] = ['settle', 'rate', 'packetLimit']

async function end(stage: Stage, payment: LabPayment): Promise<LabPaymentOutcome> {
  // A node that is well and has nothing in its way answers.
  if (stage.quiet) {
    await payment.created.catch((error: unknown) => {
      stage.always('a node answers', !isUnanswered(error), `${payment.title}: ${String(error)}`)
    })
  }
  const outcome = await payment.ended(ENDS_WITHIN_MS)
  const { state, sent } = outcome
  stage.reached('moved', sent > 0n)
  stage.reached('refused', state === 'REFUSED')
  stage.reached('cancelled', state === 'CANCELLED')
  stage.reached('partial', state === 'FAILED' && sent > 0n)
  if (state !== 'COMPLETED') return outcome
  const places = [payment.from, payment.to].map(({ node }) => NODE_NAMES.findIndex((name) => name === node))
  const [left, right] = places as [number, number]
  const { nodes, shape } = stage.history
  const apart = Math.abs(left - right)
  const hops = shape === 'ring' && nodes.length > 2 ? Math.min(apart, nodes.length - apart) : apart
  stage.reached('local', hops === 0)
  stage.reached('remote', hops > 0)
  stage.reached('threeHops', hops > 1)
  const [payer, payee] = [assetOf(nodes[left]!.asset), assetOf(nodes[right]!.asset)]
  stage.reached('converted', payer.code !== payee.code)
  return outcome
}

/** An incoming payment of its own, and what it takes to pay into it. */
async function offer(
  { net }: Stage,
  payer: LabAccount,
  to: string,
  amount: { send: bigint }
): Promise<{ incoming: LabIncomingPayment; quote: Quote }> {
  const incoming = await net.wallet(to).openIncomingPayment()
  return { incoming, quote: await payer.quote(incoming, amount) }
}

/** Undefined where it was refused, or no answer came: what an action cannot do then, it leaves. */
async function attempt<T>(stage: Stage, ask: () => Promise<T>): Promise<T | undefined> {
  try {
    return await ask()
  } catch (error) {
    if (!(isRefusal(error) || error instanceof AdminApiError)) throw error
    const silent = error instanceof AdminApiError ? /^HTTP_5|^INTERNAL/.test(error.code) : isUnanswered(error)
    stage.always('a node answers', !(stage.quiet && silent), error.message)
    return undefined
  }
}

/** The payment's id, once it was made; undefined where it was refused. */
async function isCreated(payment: LabPayment): Promise<string | undefined> {
  try {
    const { outgoingPaymentUrl } = await payment.created
    return outgoingPaymentUrl.slice(outgoingPaymentUrl.lastIndexOf('/') + 1)
  } catch (error) {
    if (!isRefusal(error)) throw error
    return undefined
  }
}

function isOverLimit({ state, error }: LabPaymentOutcome): boolean {
  return state === 'REFUSED' && /: unauthorized$/.test(error ?? '')
}

function present<T>(values: readonly (T | undefined)[]): T[] {
  return values.filter((value) => value !== undefined)
}

function admin({ net }: Stage, account: string) {
  return net.node(account.slice(account.indexOf('@') + 1)).admin
}

const CANCEL = `mutation CancelOutgoingPayment($input: CancelOutgoingPaymentInput!) {
  cancelOutgoingPayment(input: $input) { payment { id } } }`
const DEPOSIT = `mutation DepositOutgoingPaymentLiquidity($input: DepositOutgoingPaymentLiquidityInput!) {
  depositOutgoingPaymentLiquidity(input: $input) { success } }`
