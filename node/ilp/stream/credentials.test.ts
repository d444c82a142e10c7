import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { createManualClock, createSystemRandom } from '../../runtime/index.ts'
import { isValidAddress } from '../address.ts'
import { createCredentialsIssuer } from './credentials.ts'

const random = createSystemRandom(createManualClock())
const secret = Buffer.alloc(32, 1)
const issuer = createCredentialsIssuer(secret, random)
const bytes = (length: number) =>
  fc.uint8Array({ minLength: length, maxLength: length }).map((array) => Buffer.from(array))

const details = fc.record(
  {
    paymentTag: fc.string({ maxLength: 60 }).filter((text) => text.isWellFormed()),
    asset: fc.record({ code: fc.stringMatching(/^[A-Z]{1,10}$/), scale: fc.integer({ min: 0, max: 255 }) }),
    receipts: fc.record({ nonce: bytes(16), secret: bytes(32) })
  },
  { requiredKeys: ['paymentTag'] }
)

describe('credentials without storage', () => {
  it('gives back what was put into the address, and the same secret', () => {
    fc.assert(
      fc.property(details, (given) => {
        const { destination, sharedSecret } = issuer.issue('test.acacia', given)
        expect(isValidAddress(destination)).toBe(true)
        const recognised = issuer.recognise(`${destination}.extra`, 'test.acacia')
        expect(recognised).toEqual({ ...given, connectionId: expect.any(String), sharedSecret })
      })
    )
  })

  it('is fresh every time', () => {
    const issued = Array.from({ length: 100 }, () => issuer.issue('test.acacia', { paymentTag: 'same' }))
    expect(new Set(issued.map(({ destination }) => destination)).size).toBe(100)
    expect(new Set(issued.map(({ sharedSecret }) => sharedSecret.toString('hex'))).size).toBe(100)
  })

  it('names connections in the order of their issue', () => {
    const ids = Array.from({ length: 100 }, () => {
      const { destination } = issuer.issue('test.acacia', { paymentTag: 'same' })
      return Buffer.from(issuer.recognise(destination, 'test.acacia')!.connectionId, 'base64url')
    })
    expect([...ids].sort((a, b) => a.compare(b))).toEqual(ids)
  })

  it('hides the payment tag', () => {
    const { destination } = issuer.issue('test.acacia', { paymentTag: 'payment-tag-in-the-clear' })
    const token = Buffer.from(destination.split('.').at(-1)!, 'base64url')
    expect(token.includes('payment-tag')).toBe(false)
  })

  it('recognises no address that was changed, moved, or issued under another secret', () => {
    const { destination } = issuer.issue('test.acacia', { paymentTag: 'tag' })
    const start = 'test.acacia.'.length
    const alphabet = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_'
    for (let index = start; index < destination.length; index++) {
      for (const letter of ['A', 'q', '_']) {
        if (destination[index] === letter) continue
        const changed = destination.slice(0, index) + letter + destination.slice(index + 1)
        expect(issuer.recognise(changed, 'test.acacia'), changed).toBeUndefined()
      }
      expect(issuer.recognise(destination.slice(0, index), 'test.acacia')).toBeUndefined()
    }
    const last = alphabet.indexOf(destination.at(-1)!)
    const sameBytes = destination.slice(0, -1) + alphabet[last ^ 1]
    expect(issuer.recognise(sameBytes, 'test.acacia')).toBeUndefined()
    expect(issuer.recognise(destination.replace('acacia', 'baobab'), 'test.baobab')).toBeUndefined()
    expect(issuer.recognise(destination, 'test')).toBeUndefined()
    expect(
      createCredentialsIssuer(Buffer.alloc(32, 2), random).recognise(destination, 'test.acacia')
    ).toBeUndefined()
  })

  it('never throws, whatever the address', () => {
    fc.assert(
      fc.property(fc.stringMatching(/^[a-zA-Z0-9_~.-]{0,80}$/), (text) => {
        expect(issuer.recognise(`test.acacia.${text}`, 'test.acacia')).toBeUndefined()
      })
    )
  })

  it('refuses what fits no address', () => {
    expect(() => issuer.issue(`test.${'a'.repeat(1_000)}`, { paymentTag: 'tag' })).toThrow(RangeError)
    expect(() => issuer.issue('test.a', { paymentTag: 'x'.repeat(256) })).toThrow(RangeError)
    expect(() => issuer.issue('test.a', { paymentTag: '', asset: { code: 'USD', scale: 256 } })).toThrow(
      RangeError
    )
    expect(() => createCredentialsIssuer(Buffer.alloc(31), random)).toThrow(RangeError)
  })
})
