import fc from 'fast-check'
import { expect, it } from 'vitest'
import { compareContracts, readContract } from './contract.test-support.ts'
import type { Contract } from './contract.test-support.ts'

type Change = (contract: Contract) => void

/** Every way in which one name of a contract can be gone, or one type be another. */
function changesOf(contract: Contract): Change[] {
  return Object.entries(contract).flatMap(
    ([name, { kind, implements: interfaces = [], values = [], fields = {} }]) => [
      (all: Contract) => void delete all[name],
      (all: Contract) => void (all[name] = { ...all[name]!, kind: kind === 'enum' ? 'scalar' : 'enum' }),
      ...interfaces.map((_, index) => (all: Contract) => void all[name]!.implements!.splice(index, 1)),
      ...values.map((_, index) => (all: Contract) => void all[name]!.values!.splice(index, 1)),
      ...Object.entries(fields).flatMap(([field, type]): Change[] => {
        const text = typeof type === 'string' ? type : type.type
        const other = text.endsWith('!') ? text.slice(0, -1) : `${text}!`
        const args = typeof type === 'string' ? {} : type.args
        return [
          (all) => void delete all[name]!.fields![field],
          (all) =>
            void (all[name]!.fields![field] = typeof type === 'string' ? other : { ...type, type: other }),
          ...Object.entries(args).flatMap(([arg, argType]): Change[] => [
            (all) => void delete argsOf(all, name, field)[arg],
            (all) => void (argsOf(all, name, field)[arg] = `[${argType}]`)
          ])
        ]
      })
    ]
  )
}

function argsOf(contract: Contract, name: string, field: string): Record<string, string> {
  return (contract[name]!.fields![field] as { args: Record<string, string> }).args
}

it.each(['backend', 'auth'] as const)(
  'a comparison with the contract of %s sees any one change, either way',
  (api) => {
    const { contract } = readContract(api)
    expect(compareContracts(contract, contract)).toEqual({ missing: [], added: [], other: [] })
    const changes = changesOf(contract)
    fc.assert(
      fc.property(fc.integer({ min: 0, max: changes.length - 1 }), (index) => {
        const changed = structuredClone(contract)
        changes[index]!(changed)
        expect(Object.values(compareContracts(contract, changed)).flat()).toHaveLength(1)
        expect(Object.values(compareContracts(changed, contract)).flat()).toHaveLength(1)
      }),
      { numRuns: 200 }
    )
  }
)
