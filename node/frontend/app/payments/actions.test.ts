import { describe, expect, it } from 'vitest'
import { incomingActions, outgoingActions } from './actions.ts'

const ME = 'tenant-1'
const mine = { tenant: { id: ME, publicName: null } }
const allowed = (actions: Record<string, true | string>) =>
  Object.keys(actions).filter((name) => actions[name] === true)

describe('what may be done with an outgoing payment', () => {
  it.each([
    ['FUNDING', 0n, ['deposit', 'cancel']],
    ['SENDING', 100n, []],
    ['COMPLETED', 100n, ['withdraw']],
    ['COMPLETED', 0n, []],
    ['COMPLETED', null, []],
    ['FAILED', 1n, ['withdraw']],
    ['CANCELLED', null, []]
  ] as const)('%s holding %s: %o', (state, liquidity, actions) => {
    expect(allowed(outgoingActions({ state, liquidity, ...mine }, ME)).toSorted()).toEqual(actions.toSorted())
  })

  it('of another tenant: no deposit and no cancelling, but its leftover can be withdrawn by the operator', () => {
    expect(allowed(outgoingActions({ state: 'FUNDING', liquidity: null, ...mine }, 'operator'))).toEqual([])
    expect(allowed(outgoingActions({ state: 'FAILED', liquidity: 5n, ...mine }, 'operator'))).toEqual([
      'withdraw'
    ])
  })
})

describe('what may be done with an incoming payment', () => {
  const cancelledAt = null
  it.each([
    ['PENDING', null, null, ['approve', 'cancel']],
    ['PENDING', null, '2030-01-01T00:00:00.000Z', []],
    ['PROCESSING', 5n, null, []],
    ['COMPLETED', 5n, null, ['withdraw']],
    ['EXPIRED', 5n, null, ['withdraw']],
    ['EXPIRED', 0n, null, []]
  ] as const)('%s holding %s, cancelled at %s: %o', (state, liquidity, cancelledAt, actions) => {
    expect(allowed(incomingActions({ state, liquidity, cancelledAt, ...mine }, ME))).toEqual(actions)
  })

  it('of another tenant: its word alone counts', () => {
    const actions = incomingActions({ state: 'PENDING', liquidity: null, cancelledAt, ...mine }, 'operator')
    expect(allowed(actions)).toEqual([])
  })
})
