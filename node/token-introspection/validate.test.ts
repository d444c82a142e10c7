import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createOpenAPI, HttpMethod } from '@interledger/openapi'
import fc from 'fast-check'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { testCount } from '../../test-counts.ts'
import { getTokenIntrospectionOpenAPI } from './index.ts'
import { findProblem } from './validate.ts'

// The package brings a small validator of its own document. What it says of any answer must be what a complete
// validator of OpenAPI documents says.

let folder: string
let fits: (answer: unknown) => boolean

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'introspection-'))
  const file = join(folder, 'openapi.json')
  await writeFile(file, JSON.stringify(await getTokenIntrospectionOpenAPI()))
  const validate = (await createOpenAPI(file)).createResponseValidator<unknown>({
    path: '/',
    method: HttpMethod.POST
  })
  fits = (body) => {
    try {
      return validate({ status: 200, body })
    } catch {
      return false
    }
  }
})
afterAll(() => rm(folder, { recursive: true }))

const amount = fc.record({
  value: fc.constantFrom('0', '18446744073709551615', '1.5', '-1', '', '123456789012345678901'),
  assetCode: fc.string({ maxLength: 4 }),
  assetScale: fc.constantFrom(0, 2, 255, 256, -1, 1.5, '2' as never)
})
const limits = fc.record(
  {
    receiver: fc.string({ maxLength: 4 }),
    interval: fc.string({ maxLength: 4 }),
    debitAmount: amount,
    receiveAmount: amount,
    maxPayments: fc.nat()
  },
  { requiredKeys: [] }
)
const access = fc.record(
  {
    type: fc.constantFrom('incoming-payment', 'outgoing-payment', 'quote', 'quotes'),
    actions: fc.array(fc.constantFrom('create', 'read-all', 'write'), { maxLength: 2 }),
    identifier: fc.oneof(fc.string({ maxLength: 4 }), fc.constant(7)),
    limits,
    more: fc.boolean()
  },
  { requiredKeys: ['type', 'actions'] }
)
const jwk = fc.record(
  {
    kid: fc.constant('k'),
    x: fc.constant('x'),
    alg: fc.constantFrom('EdDSA', 'RS256'),
    kty: fc.constant('OKP'),
    crv: fc.constant('Ed25519'),
    use: fc.constantFrom('sig', 'enc'),
    ext: fc.boolean()
  },
  { requiredKeys: ['kid', 'alg', 'kty', 'crv'] }
)
const client = fc.record({ walletAddress: fc.string({ maxLength: 4 }), jwk }, { requiredKeys: [] })
const answer = fc.oneof(
  {
    weight: 8,
    arbitrary: fc.record(
      {
        active: fc.constantFrom(true, false),
        grant: fc.constant('g'),
        access: fc.array(access, { maxLength: 2 }),
        client
      },
      { requiredKeys: ['active'] }
    )
  },
  {
    weight: 2,
    arbitrary: fc.record({
      active: fc.constant(true),
      grant: fc.constant('g'),
      access: fc.array(fc.record({ type: fc.constant('quote'), actions: fc.constant(['read']) })),
      client: fc.constant({ walletAddress: 'w' })
    })
  },
  { weight: 1, arbitrary: fc.jsonValue({ maxDepth: 2 }) }
)

it('says of any answer what a complete validator says', async () => {
  const { schemas } = (await getTokenIntrospectionOpenAPI()).components
  const seen = { valid: 0, invalid: 0 }
  fc.assert(
    fc.property(answer, (value) => {
      const problem = findProblem(schemas, schemas['token-info'], value, 'answer')
      seen[problem === undefined ? 'valid' : 'invalid'] += 1
      expect(problem === undefined, problem).toBe(fits(value))
    }),
    { numRuns: testCount('introspectionAnswers') }
  )
  expect(seen.valid).toBeGreaterThan(20)
  expect(seen.invalid).toBeGreaterThan(20)
})

it.each([
  [{}, 'answer.active is missing, or answer.active is missing'],
  [null, 'answer must be an object'],
  [{ active: true }, 'answer.grant is missing'],
  [
    {
      active: true,
      grant: 'g',
      access: [{ type: 'quote', actions: ['fly'] }],
      client: { walletAddress: 'w' }
    },
    'answer.access[0].actions[0] must be one of create'
  ],
  [
    { active: true, grant: 'g', access: [], client: { walletAddress: 'w', jwk: {} } },
    'answer.client.jwk is not known'
  ]
])('names what is wrong, and where: %j', async (value, problem) => {
  const { schemas } = (await getTokenIntrospectionOpenAPI()).components
  expect(findProblem(schemas, schemas['token-info'], value, 'answer')).toContain(problem)
})
