import fc from 'fast-check'
import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest'
import { adminError } from '../../admin-api/index.ts'
import { createManualClock, createMemoryCache } from '../../runtime/index.ts'
import type { Cache } from '../../runtime/index.ts'
import { testCount } from '../../../test-counts.ts'
import { createSecretBox } from '../secrets.ts'
import { createTestBackend } from '../testing.ts'
import type { TestBackend } from '../testing.ts'
import { createCreationClaims } from './creation-claims.ts'
import type { Creation } from './creation-claims.ts'
import { createIdempotency } from './idempotency.ts'
import { madeOnce } from './mutation.ts'

const LOCK_MS = 2_000

/** Where a call can be held back while others go on, or end. */
const STEPS = ['claim', 'find', 'make', 'answer', 'keep'] as const
type Step = (typeof STEPS)[number]

interface CallPlan {
  /** What goes wrong, and where: it dies, or (before anything is made) is refused by a rule of its operation. */
  fate: { dies: Step } | { isRefused: true } | undefined
  /** What the cache does to this call: it may take a lock for free that another holds, and keep no answer. */
  losesLocks: boolean
  losesAnswer: boolean
}

const plans: fc.Arbitrary<CallPlan> = fc.record({
  fate: fc.oneof(
    fc.constant(undefined),
    fc.constantFrom(...STEPS).map((dies) => ({ dies })),
    fc.constant({ isRefused: true as const })
  ),
  losesLocks: fc.boolean(),
  losesAnswer: fc.boolean()
})

const SOUND: CallPlan = { fate: undefined, losesLocks: false, losesAnswer: false }

class DeathError extends Error {}

describe('a key that is asked again', () => {
  let backend: TestBackend

  beforeAll(async () => {
    backend = await createTestBackend(inject('postgresUrl'))
    await backend.database.knex.schema.createTable('made', (table) => {
      table.uuid('id').primary()
      table.text('key')
    })
  })
  afterAll(() => backend.close())

  it('makes one row, whatever dies, is refused or is lost in between', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(plans, { minLength: 1, maxLength: 5 }),
        // At each turn one of the calls goes a step further.
        fc.array(fc.nat(4), { maxLength: 30 }),
        async (calls, turns) => {
          const history = createHistory(backend)
          const running = calls.map((plan) => history.start(plan))
          for (const turn of turns) await running[turn % running.length]!.goOn()
          for (const call of running) while (!call.isOver()) await call.goOn()
          // Who died left a lock, which falls.
          await history.clock.advance(LOCK_MS + 1)
          const last = history.start(SOUND)
          while (!last.isOver()) await last.goOn()
          const answers = (await Promise.all([...running, last].map((call) => call.answer))).flat()
          expect(await last.answer).toHaveLength(1)
          expect(await history.made()).toEqual([...new Set(answers)])
        }
      ),
      {
        numRuns: testCount('keysAskedAgain'),
        // The first is refused while the second, which found its claim, makes the row, and dies.
        examples: [
          [
            [
              { ...SOUND, fate: { isRefused: true } },
              { fate: { dies: 'answer' }, losesLocks: true, losesAnswer: false }
            ],
            [0, 1, 0, 1]
          ]
        ]
      }
    )
  })
})

/** Processes that share a cache and a database, and each serve one call under the same key. */
function createHistory({ database, random, logger }: TestBackend) {
  const clock = createManualClock()
  const shared = createMemoryCache({ clock })
  const key = random.uuid()
  const ttlMs = 60_000

  async function find({ id }: Creation): Promise<string | undefined> {
    const row = await database.knex<{ id: string }>('made').where({ id }).first('id')
    return row?.id
  }

  function start({ fate, losesLocks, losesAnswer }: CallPlan) {
    let isDead = false
    let isOver = false
    let goOn: () => void = () => undefined
    let isHeld: () => void = () => undefined
    const start = new Promise<void>((resolve) => (goOn = resolve))

    /** Holds the call until its turn comes; a dead process does nothing more. */
    async function step(name: Step): Promise<void> {
      const turn = new Promise<void>((resolve) => (goOn = resolve))
      isHeld()
      await turn
      if (fate && 'dies' in fate && fate.dies === name) isDead = true
      if (isDead) throw new DeathError(name)
    }
    const alive =
      <Arguments extends unknown[], Result>(act: (...args: Arguments) => Promise<Result>) =>
      async (...args: Arguments): Promise<Result> => {
        if (isDead) throw new DeathError('the process is dead')
        return act(...args)
      }
    const cache: Cache = {
      ...shared,
      setIfAbsent: alive(async (name, value, forMs) =>
        losesLocks ? true : shared.setIfAbsent(name, value, forMs)
      ),
      set: alive(async (name, value, forMs) => {
        if (!name.startsWith('idempotency-result')) return shared.set(name, value, forMs)
        await step('keep')
        if (losesAnswer) throw new Error('READONLY')
        return shared.set(name, value, forMs)
      }),
      deleteIfEqual: alive(shared.deleteIfEqual)
    }
    const claims = createCreationClaims({ database, clock, random, ttlMs })
    const idempotency = createIdempotency({
      cache,
      claims: {
        claim: async (...args) => {
          await step('claim')
          return claims.claim(...args)
        },
        release: alive(claims.release)
      },
      box: createSecretBox(Buffer.alloc(32, 1), 'results', random),
      clock,
      random,
      logger,
      lockMs: LOCK_MS,
      ttlMs
    })
    const make = async ({ id }: Creation) => {
      await step('make')
      if (fate && 'isRefused' in fate) throw adminError('BAD_USER_INPUT', 'refused')
      await database.knex('made').insert({ id, key })
      await step('answer')
      return id
    }
    const call = { tenantId: 'tenant', operation: 'makeOne', key, input: {} }
    const answer = start
      .then(() =>
        idempotency.createOnce(call, async (creation) => {
          await step('find')
          return madeOnce(
            creation,
            () => find(creation),
            () => make(creation)
          )
        })
      )
      .then(
        (id) => [id],
        (error: unknown) => {
          if (!(error instanceof DeathError) && !['CONFLICT', 'BAD_USER_INPUT'].includes(codeOf(error)))
            throw error
          return []
        }
      )
      .finally(() => {
        isOver = true
        isHeld()
      })
    return {
      answer,
      isOver: () => isOver,
      /** Lets it do one step; resolves when it is held again, or over. */
      async goOn(): Promise<void> {
        if (isOver) return
        const held = new Promise<void>((resolve) => (isHeld = resolve))
        goOn()
        await held
      }
    }
  }

  return {
    clock,
    start,
    async made(): Promise<string[]> {
      const rows = await database.knex<{ id: string; key: string }>('made').where({ key })
      return rows.map(({ id }) => id)
    }
  }
}

function codeOf(error: unknown): string {
  return String((error as { extensions?: { code?: unknown } } | undefined)?.extensions?.code)
}
