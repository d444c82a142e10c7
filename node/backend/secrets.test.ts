import { describe, expect, it } from 'vitest'
import { createManualClock, createSystemRandom } from '../runtime/index.ts'
import { createSecretBox, createTransmitData } from './secrets.ts'

const random = createSystemRandom(createManualClock())
const secret = Buffer.alloc(32, 7)

describe('secrets in text columns', () => {
  it('opens what it sealed, and nothing that was changed or sealed for another purpose', () => {
    const box = createSecretBox(secret, 'one purpose', random)
    const plain = Buffer.from('shared secret')
    const sealed = box.seal(plain)
    expect(box.open(sealed)).toEqual(plain)
    expect(box.seal(plain)).not.toBe(sealed)
    expect(Buffer.from(sealed, 'base64').includes(plain)).toBe(false)
    expect(() => createSecretBox(secret, 'another', random).open(sealed)).toThrow()
    const changed = Buffer.from(sealed, 'base64')
    changed[14]! ^= 1
    expect(() => box.open(changed.toString('base64'))).toThrow()
  })

  it('keeps data to transmit encrypted where there is a key, and reads what was written before', () => {
    const plain = createTransmitData(undefined, random)
    const keyed = createTransmitData(secret, random)
    const data = 'aes-256-gcm:plain:für den Empfänger'
    expect(plain.read(plain.write(data))).toBe(data)
    expect(keyed.read(keyed.write(data))).toBe(data)
    expect(keyed.read(plain.write(data))).toBe(data)
    expect(keyed.write(data)).not.toContain('Empfänger')
    expect(() => plain.read(keyed.write(data))).toThrow('DB_ENCRYPTION_SECRET')
  })
})
