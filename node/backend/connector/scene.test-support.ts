import type { IlpPrepare, IlpReject, OutgoingReply } from '../../ilp/index.ts'
import { createManualClock } from '../../runtime/index.ts'
import type { ManualClock } from '../../runtime/index.ts'
import type { Asset } from '../assets/model.ts'
import type { Peer } from '../peers/model.ts'
import { createTestNode, prepareOf } from './connector.test-support.ts'
import type { TestNode } from './connector.test-support.ts'
import { createScriptedTransport } from './faults.test-support.ts'
import type { ScriptedTransport } from './faults.test-support.ts'

/** For tests: a node between alice and bob (USD/2) and carol (EUR/4), whose answers the test gives. */
export interface Scene {
  clock: ManualClock
  transport: ScriptedTransport
  node: TestNode
  usd: Asset
  eur: Asset
  /** Has 1,000. */
  alice: Peer
  bob: Peer
  carol: Peer
  /** The answer, when it is there after what could happen at once. */
  answerOf(pending: Promise<OutgoingReply>): Promise<OutgoingReply>
  rejectOf(pending: Promise<OutgoingReply>): Promise<IlpReject>
  toBob(number: number, fields?: Partial<IlpPrepare>): IlpPrepare
  toCarol(number: number, fields?: Partial<IlpPrepare>): IlpPrepare
}

export async function createScene(): Promise<Scene> {
  const clock = createManualClock()
  const transport = createScriptedTransport()
  const node = createTestNode({ name: 'acacia', clock, transport })
  const usd = await node.addAsset('USD', 2, 10_000n)
  const eur = await node.addAsset('EUR', 4, 1_000_000n)
  const alice = await node.addPeer('alice', usd, { balance: 1_000n })
  const bob = await node.addPeer('bob', usd)
  const carol = await node.addPeer('carol', eur)
  node.rates.set('USD/2>EUR/4', { numerator: 91n, denominator: 1n })

  async function answerOf(pending: Promise<OutgoingReply>): Promise<OutgoingReply> {
    let answer: OutgoingReply | undefined
    void pending.then((value) => (answer = value))
    await clock.advance(0)
    if (answer === undefined) throw new Error('not answered yet')
    return answer
  }

  return {
    ...{ clock, transport, node, usd, eur, alice, bob, carol, answerOf },
    async rejectOf(pending) {
      const answer = await answerOf(pending)
      if (answer.type !== 'reject') throw new Error(`${answer.type} instead of a reject`)
      return answer
    },
    toBob: (number, fields) => prepareOf(clock, number, { destination: 'test.bob.x', ...fields }),
    toCarol: (number, fields) => prepareOf(clock, number, { destination: 'test.carol.x', ...fields })
  }
}
