import { readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import {
  compareContracts,
  deprecated,
  describeSchema,
  readContract,
  undescribed
} from '../../admin-api/contract.test-support.ts'
import { createAdminSchema } from './index.ts'

const schema = createAdminSchema()
const { contract, extensions } = readContract('backend')
const differences = compareContracts(contract, describeSchema(schema))

/** What comes later, by name (fixtures/contract/missing.json). */
const later = JSON.parse(
  readFileSync(new URL('../../../fixtures/contract/missing.json', import.meta.url), 'utf8')
) as string[]

describe("the schema of the backend's Admin API", () => {
  it('is of the 21 queries, 41 mutations and types of the contract', () => {
    expect(Object.keys(contract.Query?.fields ?? {})).toHaveLength(21)
    expect(Object.keys(contract.Mutation?.fields ?? {})).toHaveLength(41)
    const kinds = Object.entries(Object.groupBy(Object.values(contract), ({ kind }) => kind))
    expect(Object.fromEntries(kinds.map(([kind, types]) => [kind, types.length]))).toEqual({
      object: 71 + 2,
      input: 54,
      enum: 14,
      interface: 2,
      scalar: 3
    })
  })

  it('has every type, field, argument and enum value of the contract', () => {
    expect(differences.missing.toSorted()).toEqual(later.toSorted())
  })

  it('has them with the types and nullability of the contract', () => {
    expect(differences.other).toEqual([])
  })

  it('has nothing on top but the extensions that fixtures/contract/extensions.json names', () => {
    expect(differences.added.toSorted()).toEqual(Object.keys(extensions).toSorted())
    expect(Object.values(extensions).filter((why) => why.length < 10)).toEqual([])
  })

  it('describes every type, field, argument, enum value and input field', () => {
    expect(undescribed(schema)).toEqual([])
  })

  it('deprecates what the contract deprecates', () => {
    expect(deprecated(schema)).toEqual(['Mutation.depositEventLiquidity', 'Mutation.withdrawEventLiquidity'])
  })
})
