import { describe, expect, it } from 'vitest'
import { createManualClock } from '../../runtime/index.ts'
import { createTestNode, fulfillOf, prepareOf } from './connector.test-support.ts'
import { createScriptedTransport } from './faults.test-support.ts'
import { pipeline } from './pipeline.ts'

/** The pipeline with one step that throws once it has done its work. */
async function nodeThrowingIn(name: string) {
  const clock = createManualClock()
  const transport = createScriptedTransport()
  let isBroken = true
  const steps = pipeline.map((step) =>
    step.name === name
      ? {
          ...step,
          async run(...args: Parameters<typeof step.run>) {
            const answer = await step.run(...args)
            if (isBroken) throw new Error('a defect')
            return answer
          }
        }
      : step
  )
  const node = createTestNode({ name: 'acacia', clock, transport, override: { steps } })
  const usd = await node.addAsset('USD', 2, 10_000n)
  const alice = await node.addPeer('alice', usd, { balance: 100n, maxPacketsInFlight: 1 })
  const bob = await node.addPeer('bob', usd)
  return { clock, transport, node, alice, bob, mend: () => (isBroken = false) }
}

describe('a step that throws', () => {
  it.each(['sending', 'answer'])('in %s: T00, and what the packet held is given back', async (name) => {
    const { clock, transport, node, alice, bob, mend } = await nodeThrowingIn(name)
    transport.onSend = ({ answer: reply }) => reply(fulfillOf(1))
    const prepare = prepareOf(clock, 1, { destination: 'test.bob.x' })
    const answer = await node.connector.handle(alice, prepare)
    expect(answer).toMatchObject({ type: 'reject', code: 'T00', message: 'unexpected internal error' })
    await clock.advance(0)
    expect(await node.pendingCount()).toBe(0)
    expect(await node.balance(alice.id)).toBe(100n)
    expect(await node.balance(bob.id)).toBe(0n)
    expect(node.logs).toContainEqual(expect.objectContaining({ step: name, level: 50 }))

    // The condition, the place in flight and the whole balance are free again.
    mend()
    expect(await node.connector.handle(alice, prepare)).toMatchObject({ type: 'fulfill' })
    expect(await node.balance(alice.id)).toBe(0n)
    await node.audit()
  })
})
