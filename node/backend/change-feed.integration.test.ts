import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest'
import { Channel, notify } from './model.ts'
import { createTestNouns, good, OTHER_TENANT } from './nouns.test-support.ts'
import type { TestNouns } from './nouns.test-support.ts'
import { OPERATOR_ID, until } from './testing.ts'

/** Another process may answer from its memory this long after a change. */
const SEEN_WITHIN_MS = 1_000

describe('what one process changes', () => {
  let nouns: TestNouns
  let one: TestNouns['one']
  let two: TestNouns['two']

  beforeAll(async () => {
    nouns = await createTestNouns(inject('postgresUrl'))
    ;({ one, two } = nouns)
  })
  afterAll(() => nouns.close())

  /** Runs the change in one process; it must show there at once, and elsewhere within the bound. */
  async function isSeen(change: () => Promise<unknown>, shows: (process: TestNouns['one']) => boolean) {
    await until(() => !shows(one) && !shows(two))
    await change()
    expect(shows(one), 'in the process that made the change').toBe(true)
    const startedMs = performance.now()
    await until(() => shows(two))
    expect(performance.now() - startedMs).toBeLessThan(SEEN_WITHIN_MS)
  }

  it('the other sees within a second: assets, peers, tokens, routes, limits, and that they are gone', async () => {
    const tenantId = OPERATOR_ID
    const code = nouns.unique('SEEN')
    await isSeen(
      () => one.assets.create({ tenantId, code, scale: 2 }),
      ({ directory }) => directory.byCodeAndScale(tenantId, code, 2) !== undefined
    )
    const asset = one.directory.byCodeAndScale(tenantId, code, 2)!
    await isSeen(
      () => one.assets.update({ id: asset.id, tenantId, liquidityThreshold: 7n }),
      ({ directory }) => directory.get(asset.id)?.liquidityThreshold === 7n
    )
    const input = nouns.peerInput(asset)
    const [token] = input.http.incoming.authTokens
    await isSeen(
      () => one.peers.create(input),
      ({ peerDirectory }) => peerDirectory.byIncomingToken(token!) !== undefined
    )
    const { id } = one.peerDirectory.byIncomingToken(token!)!
    await isSeen(
      () => one.peers.update({ id, tenantId, routes: ['test.seen'], maxPacketsPerSecond: 9 }),
      ({ peerDirectory }) =>
        peerDirectory.nextHop(tenantId, 'test.seen.x')?.id === id &&
        peerDirectory.get(id)?.maxPacketsPerSecond === 9
    )
    const http = { incoming: { authTokens: [nouns.unique('fresh')] }, outgoing: input.http.outgoing }
    await isSeen(
      () => one.peers.update({ id, tenantId, http }),
      ({ peerDirectory }) => peerDirectory.byIncomingToken(token!) === undefined
    )
    await isSeen(
      () => one.peers.delete({ id, tenantId }),
      ({ peerDirectory }) => peerDirectory.nextHop(tenantId, 'test.seen.x') === undefined
    )
    await isSeen(
      async () => good(await one.assets.delete({ id: asset.id, tenantId })),
      ({ directory }) => directory.byCodeAndScale(tenantId, code, 2) === undefined
    )
  })

  it('the other sees within a second: the settings of a tenant, its exchange rates for example', async () => {
    const url = 'http://rates.test/other'
    await isSeen(
      async () => {
        const now = new Date(nouns.backend.clock.nowMs())
        const row = {
          id: nouns.backend.random.uuid(),
          tenantId: OTHER_TENANT,
          createdAt: now,
          updatedAt: now
        }
        await nouns.backend.database.transaction(async (trx) => {
          await trx('tenantSettings').insert({ ...row, key: 'EXCHANGE_RATES_URL', value: url })
          await notify(trx, Channel.TENANT_CHANGED, OTHER_TENANT)
        })
        await one.tenants.refresh(OTHER_TENANT)
      },
      ({ tenants }) => tenants.get(OTHER_TENANT)?.settings.exchangeRatesUrl === url
    )
  })
})
