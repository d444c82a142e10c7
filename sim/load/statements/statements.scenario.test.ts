import { expect, it } from 'vitest'
import { testCount } from '../../../test-counts.ts'
import { countPaymentStatements, describeStatements, MAX_STATEMENTS_PER_PAYMENT, totalOf } from './model.ts'

it('a full payment costs no more statements than its bound, over both nodes and all services', async () => {
  const { statements } = await countPaymentStatements(testCount('countedPayments'))
  const table = describeStatements(statements).join('\n')
  expect([...new Set(statements.map(({ service }) => service))].toSorted(), table).toEqual([
    'acacia auth',
    'acacia backend',
    'baobab auth',
    'baobab backend'
  ])
  expect(totalOf(statements), table).toBeLessThanOrEqual(MAX_STATEMENTS_PER_PAYMENT)
})
