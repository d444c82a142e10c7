import { describe, expect, it } from 'vitest'
import {
  compareContracts,
  deprecated,
  describeSchema,
  readContract,
  undescribed
} from '../../admin-api/contract.test-support.ts'
import { createAuthSchema } from './schema.ts'

describe("the schema of the authorization server's Admin API", () => {
  const schema = createAuthSchema()
  const { contract, extensions } = readContract('auth')

  it('is the contract: every type, field, argument, enum value and nullability, and nothing on top', () => {
    const { missing, added, other } = compareContracts(contract, describeSchema(schema))
    expect({ missing, other, added: added.toSorted() }).toEqual({
      missing: [],
      other: [],
      added: Object.keys(extensions).toSorted()
    })
    expect(deprecated(schema)).toEqual([])
  })

  it('describes every type, field, argument, enum value and input field', () => {
    expect(undescribed(schema)).toEqual([])
  })
})
