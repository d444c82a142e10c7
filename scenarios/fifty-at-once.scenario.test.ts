import { describe, expect, it } from 'vitest'
import { audit, pay, payingNetworkOf } from '../sim/networks/network.ts'
import { startLocalNetwork } from '../sim/worlds/local/world.ts'
import { topology } from './network-fixture.ts'

const PAYMENTS = 50

describe('fifty outgoing payments at once', () => {
  it('all complete on default settings; no request fails', async () => {
    const network = await startLocalNetwork(topology('pair'))
    try {
      const paying = payingNetworkOf(network)
      const outcomes = await Promise.all(
        Array.from({ length: PAYMENTS }, (_, index) =>
          pay(paying, {
            from: { walletAddress: 'alice', node: 'acacia' },
            to: { walletAddress: 'bob', node: 'baobab' },
            amount: { kind: index % 2 === 0 ? 'send' : 'receive', value: 1_000n + BigInt(index) }
          })
        )
      )
      expect(outcomes.filter(({ state }) => state !== 'COMPLETED')).toEqual([])
      const payer = network.wallets.get('acacia')!
      await payer.until(() => payer.accounts.get('alice')!.held === 0n)
      expect((await audit(network)).problems).toEqual([])
    } finally {
      await network.stop()
    }
  })
})
