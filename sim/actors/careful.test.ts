import { OpenPaymentsClientError } from '@interledger/open-payments'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { createManualClock } from '../../node/runtime/index.ts'
import type { Clock, ManualClock } from '../../node/runtime/index.ts'
import { testCount } from '../../test-counts.ts'
import { askAgain, effectOnce, isUnanswered } from './careful.ts'

const silence = () => new OpenPaymentsClientError('POST', { description: 'fetch failed' })
const refusal = () => new OpenPaymentsClientError('POST', { description: 'used', status: 400 })

/** What becomes of one request: heard or not, answered or not; a node that is away neither. */
type Fate = 'answered' | 'answer lost' | 'never heard' | 'heard late' | 'stopping'
const FATES: readonly Fate[] = ['answered', 'answer lost', 'never heard', 'heard late', 'stopping']

/** A node that has an effect once and refuses a second; questions about it may get lost as well. */
function createNode(clock: Clock, fates: Fate[], questionsLost: number) {
  let effects = 0
  let sent = 0
  let lost = questionsLost
  function hear(): void {
    if (effects > 0) throw refusal()
    effects += 1
  }
  return {
    effects: () => effects,
    sent: () => sent,
    async request(): Promise<string> {
      const fate = fates[sent++] ?? 'answered'
      if (fate === 'stopping') throw new OpenPaymentsClientError('POST', { description: 'stop', status: 503 })
      if (fate === 'never heard') throw silence()
      if (fate === 'heard late') {
        clock.setTimer(75, () => void (effects ||= 1))
        throw silence()
      }
      hear()
      if (fate === 'answer lost') throw silence()
      return 'done'
    },
    async effect(): Promise<string | undefined> {
      if (lost-- > 0) throw silence()
      return effects > 0 ? 'done' : undefined
    }
  }
}

/** Lets time pass until it settles. */
async function settled<T>(clock: ManualClock, work: Promise<T>): Promise<T> {
  let open = true
  const end = () => void (open = false)
  work.then(end, end)
  while (open) {
    await new Promise(setImmediate)
    await clock.advance(25)
  }
  return work
}

describe('a request whose effect must be had once', () => {
  test('whatever gets lost, it has its effect once and its caller is told so', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.constantFrom(...FATES), { maxLength: 5 }),
        fc.nat({ max: 3 }),
        async (fates, questionsLost) => {
          const clock = createManualClock()
          const node = createNode(clock, fates, questionsLost)
          const answer = effectOnce(clock, node.request, node.effect)
          await expect(settled(clock, answer)).resolves.toBe('done')
          expect(node.effects()).toBe(1)
          expect(node.sent()).toBeLessThanOrEqual(fates.length + 1)
        }
      ),
      { numRuns: testCount('lostAnswers') }
    )
  })

  test('a refusal is one: nothing is read or sent again', async () => {
    const clock = createManualClock()
    const node = createNode(clock, [], 0)
    await node.request()
    const asked = effectOnce(clock, node.request, () => Promise.reject(new Error('was read')))
    await expect(asked).rejects.toMatchObject({ status: 400 })
    expect(node.sent()).toBe(2)
  })

  test('an answer that was lost is read, and the request not sent again', async () => {
    const clock = createManualClock()
    const node = createNode(clock, ['answer lost'], 0)
    await expect(effectOnce(clock, node.request, node.effect)).resolves.toBe('done')
    expect(node.sent()).toBe(1)
  })

  test('a refusal after a silence, with no effect to be read, is a refusal', async () => {
    const clock = createManualClock()
    const answers = [silence(), refusal()]
    const asked = effectOnce(
      clock,
      () => Promise.reject(answers.shift()!),
      async () => undefined
    )
    await expect(settled(clock, asked)).rejects.toMatchObject({ status: 400 })
  })
})

describe('a question', () => {
  test('is asked for two minutes, and then its silence is told', async () => {
    const clock = createManualClock()
    const startMs = clock.nowMs()
    let asked = 0
    const answer = askAgain(clock, () => ((asked += 1), Promise.reject(silence())))
    await expect(settled(clock, answer)).rejects.toThrow(OpenPaymentsClientError)
    expect(clock.nowMs() - startMs).toBeGreaterThan(120_000)
    expect(clock.nowMs() - startMs).toBeLessThan(123_000)
    expect(asked).toBeGreaterThan(100)
  })

  test('an answer that the contract does not know is no silence', () => {
    const invalid = { description: 'invalid', validationErrors: ['no id'] }
    expect(isUnanswered(new OpenPaymentsClientError('GET', invalid))).toBe(false)
    expect(isUnanswered(new Error('fetch failed'))).toBe(false)
  })
})
