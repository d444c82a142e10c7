/** Why reading stopped. */
export interface OerFailure {
  code: 'truncated' | 'invalid_field' | 'too_many'
  reason: string
}

const EMPTY = Buffer.alloc(0)

/**
 * Reads canonical OER (RFC 30) from front to back. The first failure sticks: from then on every read gives
 * nothing (0, ''), so that a decoder checks once, at its end.
 */
export class OerReader {
  readonly #bytes: Buffer
  /** Where the innermost octet string that was entered ends. */
  #end: number
  offset = 0
  failure: OerFailure | undefined

  constructor(bytes: Buffer) {
    this.#bytes = bytes
    this.#end = bytes.length
  }

  fail(code: OerFailure['code'], reason: string): void {
    this.failure ??= { code, reason }
  }

  /** Takes `length` bytes: their start, or -1 when there are fewer, or reading failed before. */
  #take(length: number): number {
    if (this.failure !== undefined) return -1
    const start = this.offset
    if (length > this.#end - start) {
      this.fail('truncated', `${length} bytes are announced at ${start}, ${this.#end - start} are left`)
      return -1
    }
    this.offset = start + length
    return start
  }

  readUInt8(): number {
    const start = this.#take(1)
    return start < 0 ? 0 : this.#bytes[start]!
  }

  readUInt32(): number {
    const start = this.#take(4)
    return start < 0 ? 0 : this.#bytes.readUInt32BE(start)
  }

  readUInt64(): bigint {
    const start = this.#take(8)
    return start < 0 ? 0n : this.#bytes.readBigUInt64BE(start)
  }

  /** An unsigned integer of variable length, up to 32 bits. */
  readVarUInt(): number {
    const length = this.readLength()
    if (length < 1 || length > 4) {
      this.fail('invalid_field', `an integer of ${length} bytes`)
      return 0
    }
    const start = this.#take(length)
    if (start < 0) return 0
    if (length > 1 && this.#bytes[start] === 0) this.fail('invalid_field', 'an integer with leading zeros')
    return this.#bytes.readUIntBE(start, length)
  }

  /** A length determinant, in its shortest form. */
  readLength(): number {
    const first = this.readUInt8()
    if (first < 0x80) return first
    const lengthBytes = first & 0x7f
    if (lengthBytes < 1 || lengthBytes > 4) {
      this.fail('invalid_field', `a length of ${lengthBytes} bytes`)
      return 0
    }
    const start = this.#take(lengthBytes)
    if (start < 0) return 0
    const length = this.#bytes.readUIntBE(start, lengthBytes)
    if (this.#bytes[start] === 0 || length < 0x80)
      this.fail('invalid_field', 'a length that is not in its shortest form')
    return length
  }

  /** A view of the bytes. */
  readOctets(): Buffer {
    const length = this.readLength()
    const start = this.#take(length)
    return start < 0 ? EMPTY : this.#bytes.subarray(start, start + length)
  }

  readAscii(length: number): string {
    const start = this.#take(length)
    if (start < 0) return ''
    for (let index = start; index < start + length; index += 1) {
      if (this.#bytes[index]! > 0x7f) {
        this.fail('invalid_field', 'a text that is not ASCII')
        return ''
      }
    }
    return this.#bytes.toString('latin1', start, start + length)
  }

  /** Goes into an octet string whose contents are read field by field. */
  enterOctets(): void {
    const length = this.readLength()
    if (this.failure !== undefined) return
    if (length > this.#end - this.offset) {
      return this.fail('truncated', `${length} bytes are announced, ${this.#end - this.offset} are left`)
    }
    this.#end = this.offset + length
  }
}

/** Bytes of the length determinant of `length`. */
export function lengthPrefixBytes(length: number): number {
  if (length < 0x80) return 1
  if (length <= 0xff) return 2
  if (length <= 0xffff) return 3
  return 4
}

/** Writes the length determinant of an octet string of `length` bytes; where its contents go. */
export function writeOctets(target: Buffer, offset: number, length: number): number {
  if (length < 0x80) {
    target[offset] = length
    return offset + 1
  }
  const bytes = lengthPrefixBytes(length) - 1
  target[offset] = 0x80 | bytes
  target.writeUIntBE(length, offset + 1, bytes)
  return offset + 1 + bytes
}
