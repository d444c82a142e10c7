import { describe, expect, it } from 'vitest'
import { createManualClock } from '../../runtime/index.ts'
import { createClientGrants, MAX_CLIENT_GRANTS } from './client-grants.ts'
import type { AccessToken, IncomingPaymentAction } from './client-grants.ts'

const AUTH = 'https://auth.example/tenant'

function world({ rotates = true, refuses = false } = {}) {
  const clock = createManualClock()
  const requests: { authServer: string; actions: readonly IncomingPaymentAction[] }[] = []
  const rotations: string[] = []
  let issued = 0
  const token = (): AccessToken => {
    issued += 1
    return { value: `T${issued}`, manageUrl: `https://auth.example/token/${issued}`, expiresInS: 600 }
  }
  const grants = createClientGrants<{ failure: string }>({
    clock,
    async request(authServer, actions) {
      requests.push({ authServer, actions })
      return refuses ? { failure: 'InvalidGrant' } : token()
    },
    async rotate({ value }) {
      rotations.push(value)
      return rotates ? token() : undefined
    }
  })
  return { clock, grants, requests, rotations }
}

describe('the tokens of this node as a client', () => {
  it('are requested once and then held', async () => {
    const { grants, requests } = world()
    expect(await grants.obtain(AUTH, ['create', 'read-all'])).toMatchObject({ value: 'T1' })
    expect(await grants.obtain(AUTH, ['create', 'read-all'])).toMatchObject({ value: 'T1' })
    expect(requests).toEqual([{ authServer: AUTH, actions: ['create', 'read-all'] }])
  })

  it('serve what needs less', async () => {
    const { grants, requests } = world()
    await grants.obtain(AUTH, ['create', 'read-all'])
    expect(await grants.obtain(AUTH, ['read'])).toMatchObject({ value: 'T1' })
    expect(await grants.obtain(AUTH, ['read-all', 'complete'])).toMatchObject({ value: 'T2' })
    expect(await grants.obtain('https://other.example', ['read'])).toMatchObject({ value: 'T3' })
    expect(requests).toHaveLength(3)
  })

  it('are requested once by many who ask at the same time', async () => {
    const { grants, requests } = world()
    const tokens = await Promise.all(Array.from({ length: 10 }, () => grants.obtain(AUTH, ['read-all'])))
    expect(new Set(tokens.map((token) => (token as AccessToken).value))).toEqual(new Set(['T1']))
    expect(requests).toHaveLength(1)
  })

  it('are rotated shortly before they expire', async () => {
    const { clock, grants, requests, rotations } = world()
    await grants.obtain(AUTH, ['read-all'])
    await clock.advance(594_000)
    expect(await grants.obtain(AUTH, ['read-all'])).toMatchObject({ value: 'T1' })
    await clock.advance(2_000)
    expect(await grants.obtain(AUTH, ['read-all'])).toMatchObject({ value: 'T2' })
    expect(rotations).toEqual(['T1'])
    expect(requests).toHaveLength(1)
  })

  it('are requested anew where the rotation is refused', async () => {
    const { clock, grants, requests } = world({ rotates: false })
    await grants.obtain(AUTH, ['read-all'])
    await clock.advance(600_000)
    expect(await grants.obtain(AUTH, ['read-all'])).toMatchObject({ value: 'T2' })
    expect(requests).toHaveLength(2)
  })

  it('are forgotten when they were refused', async () => {
    const { grants, requests } = world()
    const token = (await grants.obtain(AUTH, ['read-all'])) as AccessToken
    grants.drop(token)
    expect(await grants.obtain(AUTH, ['read-all'])).toMatchObject({ value: 'T2' })
    expect(requests).toHaveLength(2)
  })

  it('do not keep a refusal', async () => {
    const { grants, requests } = world({ refuses: true })
    expect(await grants.obtain(AUTH, ['read-all'])).toEqual({ failure: 'InvalidGrant' })
    await grants.obtain(AUTH, ['read-all'])
    expect(requests).toHaveLength(2)
  })

  it('are held for a bounded number of servers, those unused for longest go first', async () => {
    const { grants, requests } = world()
    for (let server = 0; server < MAX_CLIENT_GRANTS; server++) {
      await grants.obtain(`https://a.example/${server}`, ['read-all'])
    }
    await grants.obtain('https://a.example/0', ['read-all']) // used again: 1 is now the oldest
    await grants.obtain('https://new.example', ['read-all'])
    const before = requests.length
    await grants.obtain('https://a.example/0', ['read-all'])
    expect(requests).toHaveLength(before)
    await grants.obtain('https://a.example/1', ['read-all'])
    expect(requests).toHaveLength(before + 1)
  })
})
