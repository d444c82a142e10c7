import { linksOf } from './history.ts'
import type { Action, Answer, Link, LinkPlan, PacketFault, PacketHistory } from './history.ts'

/** A history in a few lines for a person. */
export function describePacketHistory(history: PacketHistory): string[] {
  const links = linksOf(history)
  const { nodes, networkMs, ledgerMs, seed, actions, faults } = history
  return [
    `seed ${seed}: network ${networkMs.join('–')} ms, ledger ${ledgerMs.join('–')} ms`,
    ...links.map(({ name, plan }) => `link ${name}: ${describeLink(plan)}`),
    ...nodes.map(
      ({ spread, liquidity, skewMs }, index) =>
        `node n${index}: liquidity ${liquidity}${spread > 0 ? `, keeps ${spread} basis points` : ''}${skewMs === 0 ? '' : `, clock ${skewMs} ms off`}`
    ),
    ...actions.map((action) => `at ${action.atMs} ms  ${describeAction(action, history, links)}`),
    ...faults.map((fault) => `at ${fault.atMs} ms  ${describeFault(fault, history, links)}`)
  ]
}

function describeLink(plan: LinkPlan): string {
  const limits = [
    plan.maxPacketAmount > 0n && `packets of at most ${plan.maxPacketAmount}`,
    plan.maxPacketsInFlight > 0 && `at most ${plan.maxPacketsInFlight} in flight`,
    plan.maxPacketsPerSecond > 0 && `at most ${plan.maxPacketsPerSecond} packets a second`,
    plan.maxAmountPerSecond > 0n && `at most ${plan.maxAmountPerSecond} a second`
  ].filter((text) => text !== false)
  return [`${plan.asset} over ${plan.transport}, balances ${plan.balances.join(' and ')}`, ...limits].join(
    ', '
  )
}

function describeAction(action: Action, history: PacketHistory, links: readonly Link[]): string {
  const node = (place: number) => `n${place % history.nodes.length}`
  const link = (place: number) => {
    const name = 'node' in action ? node(action.node) : ''
    const own = links.filter(({ left, right }) => left === name || right === name)
    return own[place % own.length]!.name
  }
  switch (action.do) {
    case 'packets': {
      const to =
        action.to === 'end'
          ? 'the other end'
          : action.to === 'account'
            ? `an account of ${node(action.node)}`
            : action.to
      const many = action.count === 1 ? 'a Prepare' : `${action.count} Prepares, every ${action.everyMs} ms,`
      const again = action.repeatAfterMs < 0 ? '' : `, each repeated after ${action.repeatAfterMs} ms`
      const answer = action.to === 'end' ? `; answered by ${describeAnswer(action.answer)}` : ''
      return `${action.from} sends ${many} of ${action.amount} to ${to}, alive for ${action.lifetimeMs} ms${again}${answer}`
    }
    case 'payment':
      return `a customer of ${node(action.from)} pays an account of ${node(action.to)} over STREAM, for at most ${action.budget}, slippage ${action.slippagePermille} ‰${action.takesPermille < 1_000 ? `; the account takes ${action.takesPermille} ‰` : ''}`
    case 'settle':
      return `${node(action.node)} books a ${action.way === 'deposit' ? 'deposit' : 'withdrawal'} of ${action.amount} on the ${action.account} of ${link(action.link)}`
    case 'rate':
      return action.permille === 0
        ? `${node(action.node)} has no price of ${action.asset} any more`
        : `${node(action.node)} changes its price of ${action.asset} to ${action.permille} ‰`
    case 'limit':
      return `${node(action.node)} limits packets over ${link(action.link)} to ${action.maxPacketAmount === 0n ? 'nothing' : action.maxPacketAmount}`
    case 'route':
      return `${node(action.node)} sends what is for ${action.to} over ${link(action.link)}`
    case 'removePeer':
      return `${node(action.node)} does not know its peer of ${link(action.link)} for ${action.forMs} ms`
  }
}

function describeAnswer(answer: Answer): string {
  switch (answer.kind) {
    case 'late':
      return `a Fulfill ${Math.abs(answer.byMs)} ms ${answer.byMs < 0 ? 'before' : 'after'} it expires`
    case 'never':
      return 'nothing'
    case 'reject':
      return `${answer.code} after ${answer.afterMs} ms`
    default:
      return `${ANSWERS[answer.kind]} after ${answer.afterMs} ms`
  }
}

const ANSWERS = {
  fulfill: 'a Fulfill',
  wrong: 'a wrong fulfillment',
  garbage: 'bytes that are no packet',
  fulfillThenReject: 'a Fulfill and a Reject',
  rejectThenFulfill: 'a Reject and a Fulfill',
  hangUp: 'the end of the connection',
  fulfillAndHangUp: 'a Fulfill and the end of the connection'
} as const

function describeFault(fault: PacketFault, history: PacketHistory, links: readonly Link[]): string {
  const node = 'node' in fault ? `n${fault.node % history.nodes.length}` : ''
  const link = 'link' in fault ? links[fault.link % links.length]! : undefined
  const sender = 'from' in fault && link ? link[fault.from] : ''
  switch (fault.fault) {
    case 'reset':
      return `FAULT message ${fault.nth} of ${sender} over ${link!.name} is lost in a reset`
    case 'stall':
      return `FAULT message ${fault.nth} of ${sender} over ${link!.name} stalls for ${fault.forMs} ms`
    case 'cut':
      return `FAULT ${link!.name} is cut for ${fault.forMs} ms`
    case 'crash':
      return `FAULT ${node} is killed${fault.at === 'once' ? '' : ` ${fault.at.side} ledger batch ${fault.at.batch}`} and down for ${fault.downMs} ms`
    case 'ledger':
      return `FAULT ledger batch ${fault.batch} of ${node} ${typeof fault.then === 'object' ? `takes ${fault.then.delayMs} ms` : fault.then === 'lostBefore' ? 'is lost' : 'is booked, and its answer lost'}`
    case 'clock':
      return `FAULT clock of ${node} steps by ${fault.stepMs} ms`
  }
}
