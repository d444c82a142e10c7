import { describe, expect, it } from 'vitest'
import { runDemo } from '../sim/networks/demo.ts'
import { createProgress } from '../sim/reports/progress.ts'
import { startLocalNetwork } from '../sim/worlds/local/world.ts'
import { topology } from './network-fixture.ts'

describe('three hops with two currency changes', () => {
  it('completes, without an orphan, and the books of every link agree', async () => {
    const network = await startLocalNetwork(topology('chain'))
    try {
      const result = await runDemo(network, createProgress({ json: true }))
      expect(result.payments.map(({ state, error }) => ({ state, error }))).toEqual([{ state: 'COMPLETED' }])
      const [payment] = result.payments
      expect(payment!.sentAmount.assetCode).toBe('USD')
      expect(payment!.receivedAmount.assetCode).toBe('MXN')
      expect(BigInt(payment!.receivedAmount.value)).toBeGreaterThanOrEqual(
        BigInt(payment!.receiveAmount.value)
      )
      expect(result.audit.problems).toEqual([])
      const used = result.audit.links.filter(({ upstreamPosted }) => upstreamPosted > 0n)
      expect(used.map(({ from, to, orphaned }) => ({ from, to, orphaned }))).toEqual([
        { from: 'acacia', to: 'baobab', orphaned: 0n },
        { from: 'baobab', to: 'cedar', orphaned: 0n }
      ])
    } finally {
      await network.stop()
    }
  })
})
