import fc from 'fast-check'
import { afterAll, beforeAll, expect, inject, it } from 'vitest'
import { isLongRun, testCount } from '../../../test-counts.ts'
import { startTestAuth } from '../testing.ts'
import type { AuthHarness } from '../testing.ts'
import { createDriver, HARNESS_ENVIRONMENT } from './driver.test-support.ts'
import { apply, createModel } from './model.test-support.ts'
import type { Answer, Model } from './model.test-support.ts'
import { nextStep } from './next-step.test-support.ts'
import { histories } from './steps.test-support.ts'
import type { Step } from './steps.test-support.ts'
import { createTally } from './tally.test-support.ts'

// Histories of GNAP, legal and illegal: several clients with several grants, browsers, identity providers, resource
// servers and operators, and time that jumps. The real service, over its real doors and PostgreSQL, must answer each
// step as the model does, and hold the same grants in the end.

let harness: AuthHarness
beforeAll(async () => {
  harness = await startTestAuth(inject('postgresUrl'), HARNESS_ENVIRONMENT, { standStill: true })
})
afterAll(() => harness.close())

interface Taken {
  step: Exclude<Step, { kind: 'go on' }>
  expected: Answer
  answered: Answer
}

async function live(history: readonly Step[]): Promise<{ taken: Taken[]; model: Model }> {
  const driver = await createDriver(harness)
  const model = createModel(harness.runtime.clock.nowMs())
  const taken: Taken[] = []
  for (const chosen of history) {
    const step = chosen.kind === 'go on' ? nextStep(model, chosen) : chosen
    // What a step names is looked up before the model changes.
    const answered = await driver.take(step, model)
    const expected = apply(model, step)
    taken.push({ step, expected, answered })
    expect(answered, JSON.stringify(step)).toEqual(expected)
  }
  const held = model.grants.map((grant) => ({
    state: grant.state,
    tokens: model.tokens.filter((token) => token.grant === grant && !token.revoked).length
  }))
  expect(await driver.grants()).toEqual(held)
  return { taken, model }
}

it(
  'answers every history as the model does',
  async () => {
    const tally = createTally()
    await fc.assert(
      fc.asyncProperty(histories, async (history) => {
        const { taken } = await live(history)
        tally.count(taken)
      }),
      { numRuns: testCount('gnapHistories') }
    )
    const { granting, illegal, report } = tally.sum()
    process.stdout.write(report)
    // About 0.76 and 1; in a short run chance has a say.
    expect(granting).toBeGreaterThanOrEqual(isLongRun ? 0.6 : 0.3)
    expect(illegal).toBeGreaterThanOrEqual(0.3)
  },
  isLongRun ? 1_200_000 : 60_000
)
