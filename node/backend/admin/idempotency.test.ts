import fc from 'fast-check'
import pino from 'pino'
import { describe, expect, it } from 'vitest'
import { createManualClock, createMemoryCache, createRandom } from '../../runtime/index.ts'
import type { Cache } from '../../runtime/index.ts'
import { createSecretBox } from '../secrets.ts'
import type { CreationClaims } from './creation-claims.ts'
import { createIdempotency } from './idempotency.ts'

function world() {
  const clock = createManualClock()
  let drawn = 0
  const random = createRandom((length) => Buffer.alloc(length, ++drawn), clock)
  const cache = createMemoryCache({ clock })
  const logger = pino({ level: 'silent' })
  const kept: string[] = []
  let isDown = false
  const observed: Cache = {
    ...cache,
    async set(key, value, ttlMs) {
      if (isDown) throw new Error('READONLY')
      kept.push(value)
      return cache.set(key, value, ttlMs)
    },
    async deleteIfEqual(key, value) {
      if (isDown) throw new Error('READONLY')
      return cache.deleteIfEqual(key, value)
    }
  }
  const idempotency = createIdempotency({
    cache: observed,
    claims,
    box: createSecretBox(Buffer.alloc(32, 1), 'results', random),
    clock,
    random,
    logger,
    lockMs: 2_000,
    ttlMs: 60_000
  })
  let runs = 0
  const call = (changes: Partial<Parameters<typeof idempotency.once>[0]> = {}) =>
    idempotency.once(
      { tenantId: 'tenant', operation: 'createAsset', key: 'key', input: { code: 'USD' }, ...changes },
      async () => ({ run: ++runs })
    )
  return { clock, idempotency, call, kept, takeCacheDown: () => void (isDown = true) }
}

/** Of what makes something new: creations.integration.test.ts. */
const claims: CreationClaims = {
  claim: () => Promise.reject(new Error('no claim is needed')),
  release: () => Promise.reject(new Error('no claim is needed'))
}

describe('idempotency keys', () => {
  it('give the first result again', async () => {
    const { call } = world()
    expect(await call()).toEqual({ run: 1 })
    expect(await call()).toEqual({ run: 1 })
  })

  it.each([
    ['another key', { key: 'other' }],
    ['another tenant', { tenantId: 'other' }],
    ['another operation', { operation: 'deleteAsset' }],
    ['no key', { key: null }]
  ])('run again with %s', async (_, changes) => {
    const { call } = world()
    await call()
    expect(await call(changes)).toEqual({ run: 2 })
  })

  it('never meet those of another tenant, operation or key, nor their locks', async () => {
    // Two ways to cut one text, or nearly one, into three parts: whatever joins them has to keep them apart.
    const text = fc.array(fc.constantFrom(':', ',', '","', '\\', ':lock'), { minLength: 2, maxLength: 3 })
    const cut = fc.tuple(fc.nat(3), fc.nat(3), fc.constantFrom('', ':lock'))
    const asCall = (tokens: string[], [first, more, suffix]: [number, number, string]) => ({
      tenantId: tokens.slice(0, first).join(''),
      operation: tokens.slice(first, first + more).join(''),
      key: tokens.slice(first + more).join('') + suffix
    })
    const calls = fc
      .tuple(text, cut, cut)
      .map(([tokens, one, other]) => [asCall(tokens, one), asCall(tokens, other)] as const)
    await fc.assert(
      fc.asyncProperty(calls, async ([one, other]) => {
        fc.pre(JSON.stringify(one) !== JSON.stringify(other))
        const { idempotency } = world()
        let runs = 0
        let finish!: () => void
        const first = idempotency.once({ ...one, input: {} }, () => {
          runs += 1
          return new Promise<void>((resolve) => (finish = resolve))
        })
        // While the first runs, and once it is stored.
        expect(await idempotency.once({ ...other, input: {} }, async () => (runs += 1))).toBe(2)
        finish()
        await first
        expect(await idempotency.once({ ...other, input: {} }, async () => (runs += 1))).toBe(2)
      })
    )
  })

  it.each([
    ['x', 'x:lock'],
    ['x:lock', 'x']
  ])('%j and %j are two keys', async (one, other) => {
    const { call } = world()
    expect(await call({ key: one })).toEqual({ run: 1 })
    expect(await call({ key: other })).toEqual({ run: 2 })
    expect(await call({ key: one })).toEqual({ run: 1 })
  })

  it('refuse other arguments', async () => {
    const { call } = world()
    await call()
    await expect(call({ input: { code: 'EUR' } })).rejects.toMatchObject({
      message: 'Incoming arguments are different than the original request for idempotencyKey: key',
      extensions: { code: 'BAD_USER_INPUT' }
    })
  })

  it('compare arguments, not the order of their members', async () => {
    const { call } = world()
    await call({ input: { a: 1n, b: [new Date(0)] } })
    expect(await call({ input: { b: [new Date(0)], a: 1n } })).toEqual({ run: 1 })
  })

  it('answer what was done, where it can neither be kept nor unlocked', async () => {
    const { call, takeCacheDown } = world()
    takeCacheDown()
    expect(await call()).toEqual({ run: 1 })
  })

  it('keep neither arguments nor results in plain', async () => {
    const { idempotency, kept } = world()
    const token = 'a token of a peer'
    const asked = { tenantId: 'tenant', operation: 'createPeer', key: 'key', input: { token } }
    expect(await idempotency.once(asked, async () => ({ token }))).toEqual({ token })
    expect(await idempotency.once(asked, () => Promise.reject(new Error('kept')))).toEqual({ token })
    expect(kept).toHaveLength(1)
    expect(Buffer.from(kept[0]!, 'base64').toString('latin1')).not.toContain(token)
    expect(kept[0]).not.toContain(token)
  })

  it('keep no errors: the call may be repeated', async () => {
    const { idempotency, call } = world()
    const asked = { tenantId: 'tenant', operation: 'createAsset', key: 'key', input: { code: 'USD' } }
    await expect(idempotency.once(asked, () => Promise.reject(new Error('down')))).rejects.toThrow('down')
    expect(await call()).toEqual({ run: 1 })
  })

  it('refuse a second call while the first runs, however long that takes', async () => {
    const { clock, idempotency, call } = world()
    const asked = { tenantId: 'tenant', operation: 'createAsset', key: 'key', input: { code: 'USD' } }
    let finish!: (result: string) => void
    const first = idempotency.once(asked, () => new Promise<string>((resolve) => (finish = resolve)))
    await clock.advance(0)
    for (let waited = 0; waited < 10_000; waited += 1_500) {
      await expect(call()).rejects.toMatchObject({
        message: 'Concurrent request for idempotencyKey: key',
        extensions: { code: 'CONFLICT' }
      })
      await clock.advance(1_500)
    }
    finish('done')
    expect(await first).toBe('done')
    expect(await call()).toBe('done')
  })

  it('are forgotten after their lifetime', async () => {
    const { clock, call } = world()
    await call()
    await clock.advance(60_001)
    expect(await call()).toEqual({ run: 2 })
  })

  it('give back any result unchanged: amounts, times, and objects that look like their writing', async () => {
    const leaf = fc.oneof(
      fc.bigInt(),
      fc.date({ noInvalidDate: true }),
      fc.string(),
      fc.integer(),
      fc.boolean(),
      fc.constant(null)
    )
    const results = fc.letrec((tie) => ({
      value: fc.oneof(
        { maxDepth: 4 },
        leaf,
        fc.array(tie('value'), { maxLength: 4 }),
        fc.dictionary(fc.constantFrom('$', 'a', 'b', 'bigint'), tie('value'), {
          maxKeys: 3,
          noNullPrototype: true
        })
      )
    })).value
    await fc.assert(
      fc.asyncProperty(results, async (result) => {
        const { idempotency } = world()
        const asked = { tenantId: 't', operation: 'o', key: 'k', input: {} }
        await idempotency.once(asked, async () => result)
        expect(await idempotency.once(asked, async () => 'never')).toEqual(result)
      })
    )
  })
})
