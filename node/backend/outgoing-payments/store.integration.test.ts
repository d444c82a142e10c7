import { afterAll, afterEach, beforeAll, describe, expect, inject, it } from 'vitest'
import { createPaymentsLab } from './payments-lab.test-support.ts'
import type { PaymentsLab } from './payments-lab.test-support.ts'
import { othersPaidReceiver } from './store.ts'
import type { OutgoingPaymentRow } from './store.ts'

/** Evidence counts as exact only where nobody else of this database may have paid the receiver. */
describe('others that may have paid a receiver', () => {
  let lab: PaymentsLab
  beforeAll(async () => {
    lab = await createPaymentsLab(inject('postgresUrl'))
  })
  afterAll(() => lab.close())
  afterEach(() => lab.stopNodes())

  it('are all that are SENDING, however old their rows, and those that ended since and had sent', async () => {
    const node = lab.createNode()
    const url = lab.remote.createPayment({})
    const [payment, other] = [
      await lab.create(node, url, { receive: 10n }),
      await lab.create(node, url, { receive: 10n })
    ]
    const row = { id: payment.id, receiver: url } as OutgoingPaymentRow
    const since = new Date(lab.clock.nowMs())
    const before = new Date(since.getTime() - 3_600_000)
    const otherIs = (fields: Partial<OutgoingPaymentRow>) =>
      lab.database.knex('outgoingPayments').where({ id: other.id }).update(fields)
    const asked = () => othersPaidReceiver(lab.database.knex, row, since)

    await otherIs({ state: 'FUNDING', updatedAt: since })
    expect(await asked()).toBe(false)
    await otherIs({ state: 'SENDING', updatedAt: before })
    expect(await asked()).toBe(true)
    await otherIs({ state: 'COMPLETED', updatedAt: before, sentAmountValue: 10n })
    expect(await asked()).toBe(false)
    await otherIs({ state: 'COMPLETED', updatedAt: since, sentAmountValue: 10n })
    expect(await asked()).toBe(true)
    await otherIs({ state: 'FAILED', updatedAt: since, sentAmountValue: 0n })
    expect(await asked()).toBe(false)
  })
})
