import { histories } from './generate.ts'
import { settleNames } from './history.ts'
import type { Action, History, HistoryNode } from './history.ts'
import { withoutParts } from './shrink.ts'
import type { Pass } from './shrink.ts'

/** Of fast-check's many smaller values, as many are tried from one history. */
const MAX_VALUES = 60

/** Faults, actions and nodes go first, then everything that is not plain becomes plain; fast-check has the last word. */
export const HISTORY_PASSES: readonly Pass<History>[] = [
  settled(function* (history) {
    for (const faults of withoutParts(history.faults)) yield { ...history, faults }
  }),
  settled(function* (history) {
    for (const actions of withoutParts(history.actions, { keep: 1 })) yield { ...history, actions }
  }),
  settled(function* (history) {
    for (let count = 1; count < history.nodes.length; count++)
      yield { ...history, nodes: history.nodes.slice(0, count) }
  }),
  settled(function* (history) {
    for (const [index, action] of history.actions.entries())
      for (const smaller of smallerActions(action)) yield withAction(history, index, smaller)
  }),
  settled(plainer),
  settled(function* ({ seed, ...rest }) {
    if (!histories().canShrinkWithoutContext(rest)) return
    let count = 0
    for (const { value } of histories().shrink(rest, undefined)) {
      if (++count > MAX_VALUES) return
      yield { seed, ...value }
    }
  })
]

function settled(pass: Pass<History>): Pass<History> {
  return function* (history) {
    for (const candidate of pass(history)) yield settleNames(candidate)
  }
}

/** A part of what an action does, or a plain payment in its place. */
function* smallerActions(action: Action): Generator<Action> {
  if (action.do === 'payIntoOne')
    for (const payers of withoutParts(action.payers, { keep: 1 })) yield { ...action, payers }
  if (action.do === 'race')
    for (const sends of withoutParts(action.sends, { keep: 1 })) yield { ...action, sends }
  if ('from' in action && action.do !== 'pay') {
    const amount = 'amount' in action ? action.amount : (action.sends[0] ?? 1_000n)
    yield { do: 'pay', atMs: action.atMs, from: action.from, to: action.to, fixed: 'send', amount }
  }
}

/** Whole groups of values at once, as they are where nothing is said. */
function* plainer(history: History): Generator<History> {
  const PLENTY = 1_000_000_000_000n
  yield { ...history, latency: { networkMs: [1, 2], databaseMs: [1, 3] } }
  yield { ...history, shape: 'line', slippage: '0.01', balance: PLENTY }
  yield { ...history, actions: history.actions.map((action) => ({ ...action, atMs: 0 })) }
  yield eachNode(history, (node) => ({ ...node, fee: { fixed: 0n, basisPoints: 0 } }))
  yield eachNode(history, ({ link, ...node }) => ({ ...node, link: { ...link, transport: 'http' } }))
  yield eachNode(history, ({ link, ...node }) => ({ ...node, link: { ...link, liquidity: PLENTY } }))
  yield eachNode(history, ({ link, ...node }) => ({ ...node, link: { ...link, maxPacketAmount: 0n } }))
  yield eachNode(history, ({ link, ...node }) => ({
    ...node,
    asset: 'USD/2',
    link: { ...link, asset: 'USD/2' }
  }))
}

function eachNode(history: History, change: (node: HistoryNode) => HistoryNode): History {
  return { ...history, nodes: history.nodes.map(change) }
}

function withAction(history: History, index: number, action: Action): History {
  return { ...history, actions: history.actions.with(index, action) }
}
