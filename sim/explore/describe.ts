import { describeFault } from '../faults/model.ts'
import type { Fault } from '../faults/model.ts'
import { neighbour, NODE_NAMES } from './history.ts'
import type { Action, History } from './history.ts'

const PLENTY = 10n ** 9n
const PLAIN_LATENCY = '1–2 ms between hosts, 1–3 ms of the database'

/** A history in a few lines for a person: its network, then what is done and what goes wrong, by time. */
export function describeHistory(history: History): string[] {
  const { actions, faults } = history
  const events = [
    ...actions.map((action) => ({ atMs: action.atMs, text: describeAction(history, action) })),
    ...faults.map(({ atMs, ...fault }) => ({ atMs, text: `fault: ${describeFault(fault as Fault)}` }))
  ].sort((one, other) => one.atMs - other.atMs)
  return [...describeNetwork(history), ...events.map(({ atMs, text }) => `${atMs} ms ${text}`)]
}

function describeNetwork({ seed, nodes, shape, slippage, balance, latency }: History): string[] {
  const ring = shape === 'ring' && nodes.length > 2
  const parts = nodes.map(({ asset, fee, link }, index) => {
    const fees = fee.fixed > 0n || fee.basisPoints > 0 ? ` (fee ${fee.fixed} and ${fee.basisPoints} bp)` : ''
    const hasLink = index < nodes.length - 1 || ring
    const limits = [
      link.asset,
      link.transport,
      ...(link.liquidity < PLENTY ? [`liquidity ${link.liquidity}`] : []),
      ...(link.maxPacketAmount > 0n ? [`packets of ${link.maxPacketAmount}`] : [])
    ]
    return `${NODE_NAMES[index]} ${asset}${fees}${hasLink ? ` –${limits.join(', ')}–` : ''}`
  })
  const times = `${latency.networkMs.join('–')} ms between hosts, ${latency.databaseMs.join('–')} ms of the database`
  const rest = [
    `seed ${seed}`,
    `slippage ${slippage}`,
    ...(balance < PLENTY ? [`balances of ${balance}`] : []),
    ...(times === PLAIN_LATENCY ? [] : [times])
  ]
  return [`${parts.join(' ')}${ring ? ` ${NODE_NAMES[0]}` : ''}; ${rest.join('; ')}`]
}

function describeAction(history: History, action: Action): string {
  const way = 'from' in action ? `${action.from} → ${action.to}` : ''
  switch (action.do) {
    case 'pay':
      return `${way}: ${action.fixed} ${action.amount}`
    case 'payIntoOne': {
      const payers = action.payers.map(({ from, send }) => `${from} ${send}`).join(', ')
      return `into one of ${action.to} for ${action.amount === 0n ? 'any amount' : action.amount}: ${payers}`
    }
    case 'race':
      return `${way}: at once ${action.sends.join(', ')} under a grant of ${action.limit}`
    case 'quoteTwice':
      return `${way}: a quote of ${action.amount} used twice at once`
    case 'useLateQuote':
      return `${way}: a quote of ${action.amount} used ${action.afterExpiryMs} ms after its expiry`
    case 'completeEarly':
      return `${way}: ${action.amount}, completed by the receiver after ${action.afterMs} ms`
    case 'expire':
      return `${way}: ${action.amount}, the receiver expires in ${action.expiresInMs} ms`
    case 'revoke':
      return `${way}: ${action.amount}, its grant revoked after ${action.afterMs} ms, and ${action.amount} again`
    case 'cancel':
      return `${way}: ${action.amount}, cancelled by the operator after ${action.afterMs} ms`
    case 'depositTwice':
      return `${way}: ${action.amount}, paid for by the wallet again after ${action.afterMs} ms`
    case 'settle':
      return `${action.node} ${action.way}s ${action.amount} of peer ${neighbour(history, action)}`
    case 'rate':
      return `${action.node}: ${action.base} to ${action.other} is ${action.permille}/1000 of what it was`
    case 'fee':
      return `${action.node}: fee ${action.fixed} and ${action.basisPoints} bp`
    case 'packetLimit':
      return `${action.node}: packets of ${neighbour(history, action)} carry at most ${action.amount === 0n ? 'anything' : action.amount}`
  }
}
