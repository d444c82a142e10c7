import type { Profiler } from 'node:inspector'
import { describe, expect, it } from 'vitest'
import { profileByStep } from './profile.ts'

/** A profile of stacks, each seen for so many microseconds; frames are `url#function`, the outermost first. */
function profileOf(
  stacks: readonly (readonly [stack: readonly string[], microseconds: number])[]
): Profiler.Profile {
  const nodes: Profiler.ProfileNode[] = [frame(1, '', '(root)')]
  const samples: number[] = []
  const timeDeltas: number[] = []
  for (const [stack, microseconds] of stacks) {
    let parent = nodes[0]!
    for (const text of stack) {
      const [url, functionName] = text.split('#')
      const node = frame(nodes.length + 1, url!, functionName!)
      nodes.push(node)
      parent.children = [...(parent.children ?? []), node.id]
      parent = node
    }
    samples.push(parent.id)
    timeDeltas.push(microseconds)
  }
  return { nodes, samples, timeDeltas, startTime: 0, endTime: 0 }
}

function frame(id: number, url: string, functionName: string): Profiler.ProfileNode {
  return { id, callFrame: { functionName, url, scriptId: '0', lineNumber: 0, columnNumber: 0 }, hitCount: 0 }
}

const CONNECTOR = 'file:///lab/node/backend/connector/forward.ts#forward'

describe('a profile by step', () => {
  it('counts a sample for the innermost frame that has a step, per call', () => {
    const { steps } = profileByStep(
      'backend',
      profileOf([
        [[CONNECTOR], 300],
        [[CONNECTOR, 'node:internal/crypto/hash#update'], 200],
        [[CONNECTOR, 'file:///lab/node/ledger/writer.ts#add'], 400],
        // Native, without an address: its caller's.
        [[CONNECTOR, 'file:///lab/node/ilp/packet.ts#encode', '#utf8Write'], 100]
      ]),
      10
    )
    expect(Object.fromEntries(steps.map(({ step, microseconds }) => [step, microseconds]))).toEqual({
      ledger: 40,
      'connector: rules and accounts': 30,
      cryptography: 20,
      'ILP and BTP packets': 10
    })
    expect(steps.reduce((sum, { share }) => sum + share, 0)).toBeCloseTo(1)
  })

  it('leaves out idle time, and names collection and native time', () => {
    const { steps } = profileByStep(
      'backend',
      profileOf([
        [['#(idle)'], 900],
        [['#(garbage collector)'], 50],
        [['#(program)'], 50]
      ]),
      1
    )
    expect(steps.map(({ step, share }) => [step, share])).toEqual([
      ['garbage collection', 0.5],
      ['system calls and native code', 0.5]
    ])
  })
})
