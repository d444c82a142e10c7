import type { Clock } from '../../node/runtime/index.ts'
import type { CustomerAccounts } from '../actors/wallet/accounts.ts'
import type { Wallet } from '../actors/wallet/wallet.ts'
import type { ProvisionedNode } from '../networks/provision.ts'
import { TransferCode } from '../../node/ledger/index.ts'
import type { BookedTransfer } from '../invariants/packet-books.ts'
import type { WireAnswer, WireEvent } from '../wire/model.ts'

/** Messages of a run that its timeline keeps, the first third and the last two: those between are counted. */
export const TIMELINE_ROWS = 300
/** The same of a run that violated a property: most of what led to it. */
export const VIOLATION_TIMELINE_ROWS = 1_500
/** Points of one balance: beyond that, every second one is left out, again and again. */
export const MAX_BALANCE_POINTS = 500

/** One message from one node to another. Times in milliseconds since the scenario began. */
export interface TimelineRow {
  atMs: number
  from: string
  to: string
  text: string
  tone: 'ask' | 'good' | 'bad'
  /** Null: it never arrived. */
  arrivedAtMs: number | null
  detail: string
}

/** A balance over time, in minor units: [milliseconds, amount as text]. */
export interface BalanceSeries {
  account: string
  points: [number, string][]
}

/** What happened in a run between its nodes, and to balances. Plain JSON. */
export interface Timeline {
  nodes: string[]
  rows: TimelineRow[]
  /** Messages that are left out, all of them before the row of this index. */
  dropped: number
  droppedBefore: number
  balances: BalanceSeries[]
}

/** Collects what a report shows of a run. */
export interface TimelineCollector {
  wire(event: WireEvent): void
  booked(node: string, transfer: BookedTransfer): void
  timeline(): Timeline
}

/** What a timeline needs of a network. */
export interface DrawnNetwork {
  readonly nodes: readonly Pick<ProvisionedNode, 'name' | 'peers'>[]
  readonly wallets: ReadonlyMap<string, Pick<Wallet, 'onEvent'> & { accounts: Pick<CustomerAccounts, 'all'> }>
  readonly runtime: { clock: Pick<Clock, 'nowMs'> }
}

/**
 * @param network which is up and has moved nothing yet
 * @param maxRows messages that are kept
 */
export function createTimeline(network: DrawnNetwork, maxRows: number): TimelineCollector {
  const { clock } = network.runtime
  const startMs = clock.nowMs()
  const firstRows: TimelineRow[] = []
  const maxFirstRows = Math.ceil(maxRows / 3)
  const maxLastRows = maxRows - maxFirstRows
  // At most twice as many as are kept: the older half goes at once.
  let lastRows: TimelineRow[] = []
  let added = 0
  const asked = new Map<number, TimelineRow>()
  const answered = new Map<number, TimelineRow>()
  const series = new Map<string, { balance: bigint; points: [number, string][] }>()
  const peerAccounts = new Map(
    network.nodes.flatMap(({ name, peers }) =>
      peers.map(({ id, with: other }) => [
        `${name} ${BigInt(`0x${id.replaceAll('-', '')}`)}`,
        `${name}: peer ${other}`
      ])
    )
  )

  function add(row: TimelineRow): void {
    added += 1
    if (firstRows.length < maxFirstRows) firstRows.push(row)
    else if (lastRows.push(row) >= 2 * maxLastRows) lastRows = lastRows.slice(-maxLastRows)
  }

  function change(account: string, balance: bigint): void {
    let found = series.get(account)
    if (!found) series.set(account, (found = { balance: -1n, points: [] }))
    if (found.balance === balance) return
    found.balance = balance
    found.points.push([clock.nowMs() - startMs, String(balance)])
    if (found.points.length > MAX_BALANCE_POINTS)
      found.points = found.points.filter((_, index, { length }) => index % 2 === 0 || index === length - 1)
  }

  function changeBy(account: string, by: bigint): void {
    const before = series.get(account)?.balance ?? 0n
    change(account, (before < 0n ? 0n : before) + by)
  }

  function readWallets(): void {
    for (const [node, { accounts }] of network.wallets)
      for (const { walletAddress, balance } of accounts.all()) change(`${walletAddress}@${node}`, balance)
  }
  readWallets()
  for (const wallet of network.wallets.values()) wallet.onEvent(readWallets)

  return {
    wire(event) {
      const atMs = event.atMs - startMs
      switch (event.kind) {
        case 'prepare': {
          const { exchange, from, to, amount, condition, transport, destination, expiresAtMs } = event
          const expires = `expires at ${Math.round(expiresAtMs - startMs)} ms`
          const detail = `${transport}, condition ${condition.slice(0, 16)}…, ${expires}, to ${destination}`
          const text = `#${exchange} Prepare ${amount}`
          const row: TimelineRow = { atMs, from, to, text, tone: 'ask', arrivedAtMs: null, detail }
          asked.set(exchange, row)
          add(row)
          break
        }
        case 'answer': {
          const ask = asked.get(event.exchange)
          if (!ask) break
          const { text, tone, detail } = describeAnswer(event.answer)
          const told = { text: `#${event.exchange} ${text}`, tone, detail }
          const row: TimelineRow = { atMs, from: ask.to, to: ask.from, ...told, arrivedAtMs: null }
          answered.set(event.exchange, row)
          add(row)
          break
        }
        case 'prepareArrived':
        case 'answerArrived': {
          const sent = event.kind === 'prepareArrived' ? asked : answered
          const row = sent.get(event.exchange)
          if (row) row.arrivedAtMs = atMs
          if (sent === answered) for (const one of [asked, answered]) one.delete(event.exchange)
          break
        }
        case 'lost':
          break
      }
    },
    booked(node, { debitAccountId, creditAccountId, amount, code, flags }) {
      if (flags.pending || flags.voidPending) return
      const why =
        code === TransferCode.DEPOSIT || code === TransferCode.WITHDRAWAL || code === TransferCode.TRANSFER
      if (!why) return
      const [payer, payee] = [debitAccountId, creditAccountId].map((id) => peerAccounts.get(`${node} ${id}`))
      if (payer !== undefined) changeBy(payer, -amount)
      if (payee !== undefined) changeBy(payee, amount)
    },
    timeline() {
      readWallets()
      const rows = [...firstRows, ...lastRows.slice(-maxLastRows)]
      return {
        nodes: network.nodes.map(({ name }) => name),
        ...{ rows, dropped: added - rows.length, droppedBefore: firstRows.length },
        balances: [...series]
          .map(([account, { points: own }]) => ({ account, points: own }))
          .sort((one, other) => (one.account < other.account ? -1 : 1))
      }
    }
  }
}

function describeAnswer(answer: WireAnswer): Pick<TimelineRow, 'text' | 'tone' | 'detail'> {
  switch (answer.type) {
    case 'fulfill':
      return { text: 'Fulfill', tone: 'good', detail: `fulfillment ${answer.fulfillment.slice(0, 16)}…` }
    case 'reject': {
      const { code, triggeredBy, message } = answer
      return { text: `Reject ${code}`, tone: 'bad', detail: `by ${triggeredBy}: ${message}` }
    }
    case 'refused':
      return { text: `refused: ${answer.with}`, tone: 'bad', detail: 'no ILP packet' }
  }
}
