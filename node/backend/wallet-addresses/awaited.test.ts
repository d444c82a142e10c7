import pino from 'pino'
import { describe, expect, it } from 'vitest'
import { createManualClock } from '../../runtime/index.ts'
import type { Tenant } from '../tenants/model.ts'
import type { NewWebhookEvent } from '../webhooks/model.ts'
import { createAwaitedWalletAddresses, MAX_AWAITED_WALLET_ADDRESSES } from './awaited.ts'
import type { WalletAddress } from './model.ts'

function world() {
  const clock = createManualClock()
  const bases: Record<string, string | undefined> = {
    operator: 'https://node.example',
    blue: 'https://node.example/blue',
    bare: undefined
  }
  const there = new Map<string, WalletAddress>()
  const told: NewWebhookEvent[] = []
  let looks = 0
  const awaited = createAwaitedWalletAddresses({
    walletAddresses: {
      async byUrl(url) {
        looks += 1
        return there.get(url)
      }
    },
    tenants: {
      ids: () => Object.keys(bases),
      get: (id) => ({ id, settings: { walletAddressUrl: bases[id] } }) as Tenant
    },
    outbox: { add: async (_trx, event) => String(told.push(event)) },
    database: { transaction: (work) => work({} as never) },
    clock,
    logger: pino({ level: 'silent' }) as never,
    config: { WALLET_ADDRESS_LOOKUP_TIMEOUT_MS: 1_500, WALLET_ADDRESS_POLLING_FREQUENCY_MS: 100 }
  })
  return {
    clock,
    told,
    awaited,
    looks: () => looks,
    create: (url: string) => there.set(url, { address: url } as WalletAddress)
  }
}

describe('wallet addresses that are waited for', () => {
  it('are given up after the time that the wallet has, and asked for anew later', async () => {
    const { clock, told, awaited, looks } = world()
    let answer: unknown = 'none yet'
    void awaited.byUrl('https://node.example/carol').then((found) => (answer = found))
    await clock.advance(1_400)
    expect(answer).toBe('none yet')
    await clock.advance(100)
    expect(answer).toBeUndefined()
    expect(looks()).toBeLessThanOrEqual(18)
    expect(told).toMatchObject([
      {
        type: 'wallet_address.not_found',
        tenantId: 'operator',
        data: { walletAddressUrl: 'https://node.example/carol' }
      }
    ])
    void awaited.byUrl('https://node.example/carol')
    await clock.advance(1_500)
    expect(told.length).toBe(2)
  })

  it('are asked of the tenant whose base is the longest, in one form of the URL, by one event', async () => {
    const { clock, told, awaited, create } = world()
    const asked = ['https://NODE.example/Blue/carol', 'https://node.example/blue/carol/'].map((url) =>
      awaited.byUrl(url)
    )
    await clock.advance(100)
    create('https://node.example/blue/carol')
    await clock.advance(100)
    expect(await Promise.all(asked)).toMatchObject([
      { address: 'https://node.example/blue/carol' },
      { address: 'https://node.example/blue/carol' }
    ])
    expect(told.map(({ tenantId }) => tenantId)).toEqual(['blue'])
  })

  it.each([
    'https://other.example/carol',
    'https://node.example.evil.example/carol',
    'http://node.example/carol',
    'https://node.example/',
    'https://node.example/incoming-payments/1',
    'https://node.example/carol?x=1',
    'carol'
  ])('are none that no wallet could create: %s', async (url) => {
    const { told, awaited } = world()
    expect(await awaited.byUrl(url)).toBeUndefined()
    expect(told).toEqual([])
  })

  it('are limited in number; what is there is found all the same', async () => {
    const { clock, told, awaited, create } = world()
    create('https://node.example/alice')
    const waiting = Array.from({ length: MAX_AWAITED_WALLET_ADDRESSES }, (_, index) =>
      awaited.byUrl(`https://node.example/carol/${index}`)
    )
    await clock.advance(0)
    expect(await awaited.byUrl('https://node.example/one-more')).toBeUndefined()
    expect(await awaited.byUrl('https://node.example/alice')).toBeDefined()
    expect(told.length).toBe(MAX_AWAITED_WALLET_ADDRESSES)
    await clock.advance(1_500)
    expect(new Set(await Promise.all(waiting))).toEqual(new Set([undefined]))
  })
})
