import { expect, inject, it } from 'vitest'
import { expectRestarting, onTheWire } from '../../http-api/pipelined.test-support.ts'
import { CREATE_ASSET } from '../admin/operations.test-support.ts'
import { until } from '../testing.ts'
import { startTestNode } from './testing.ts'

it('a backend that stops answers what is under way, then 503 with the reason', async () => {
  const node = await startTestNode(inject('postgresUrl'))
  const asset = await node.admin<{ createAsset: { asset: { id: string } } }>(CREATE_ASSET, {
    input: { code: 'USD', scale: 2 }
  })
  const { url: walletAddress } = await node.createWalletAddress('alice', asset.data!.createAsset.asset.id)
  const url = `${walletAddress}/jwks.json`
  const isLocked = Promise.withResolvers<void>()
  const isUnderWay = Promise.withResolvers<void>()
  const release = Promise.withResolvers<void>()

  // A table that is locked holds the answer: this one the node reads for nobody but who asks.
  const held = node.database.transaction(async (trx) => {
    await trx.raw('LOCK TABLE "walletAddressKeys"')
    isLocked.resolve()
    await until(async () => {
      const { rows } = await trx.raw<{ rows: unknown[] }>(
        `SELECT 1 FROM pg_locks WHERE NOT granted AND relation = '"walletAddressKeys"'::regclass`
      )
      return rows.length > 0
    })
    isUnderWay.resolve()
    await release.promise
  })
  await isLocked.promise
  const answered = await expectRestarting(Number(new URL(url).port), onTheWire('GET', url), {
    isUnderWay: isUnderWay.promise,
    stop: () => node.stop(),
    release() {
      release.resolve()
      return held
    }
  })
  expect(answered).toMatch(/^HTTP\/1\.1 200 OK\r\n[^]*"kid":"alice-key"/)
})
