/** Bytes that are not what they should be; its message is for logs and for the message of an F01. */
export class OctetsError extends Error {
  override name = 'OctetsError'
}

/** The longest length prefix that is read: no packet has 2^32 bytes. */
const MAX_LENGTH_BYTES = 4

/**
 * Reads octets as Interledger's packets are written (RFC 30, Notes on OER Encoding). What it gives are windows
 * on the input, not copies.
 *
 * Every method throws OctetsError where too little is left.
 */
export class OctetReader {
  readonly #bytes: Buffer
  #at: number
  readonly #end: number

  constructor(bytes: Buffer, from = 0, end = bytes.length) {
    this.#bytes = bytes
    this.#at = from
    this.#end = end
  }

  /** Bytes that were not read. */
  get left(): number {
    return this.#end - this.#at
  }

  /** Moves past `length` bytes and tells where they begin. */
  skip(length: number): number {
    const from = this.#at
    if (from + length > this.#end) {
      throw new OctetsError(`${length} bytes are needed and ${this.#end - from} are left`)
    }
    this.#at = from + length
    return from
  }

  uInt8(): number {
    return this.#bytes[this.skip(1)]!
  }

  uInt32(): number {
    return this.#bytes.readUInt32BE(this.skip(4))
  }

  uInt64(): bigint {
    return this.#bytes.readBigUInt64BE(this.skip(8))
  }

  octets(length: number): Buffer {
    const from = this.skip(length)
    return this.#bytes.subarray(from, from + length)
  }

  /** The length of a variable-length octet string: in the fewest bytes that hold it, or it is refused. */
  length(): number {
    const first = this.uInt8()
    if (first < 0x80) return first
    const count = first & 0x7f
    if (count === 0 || count > MAX_LENGTH_BYTES)
      throw new OctetsError(`a length of ${count} bytes is not read`)
    const length = this.#bytes.readUIntBE(this.skip(count), count)
    if (length < (count === 1 ? 0x80 : 2 ** (8 * (count - 1)))) {
      throw new OctetsError(`the length ${length} is not written in the fewest bytes`)
    }
    return length
  }

  varOctets(): Buffer {
    return this.octets(this.length())
  }

  /** A variable-length octet string as text, each byte one character. */
  varLatin1(): string {
    const length = this.length()
    const from = this.skip(length)
    return this.#bytes.toString('latin1', from, from + length)
  }

  /** A reader of the next variable-length octet string alone. */
  varReader(): OctetReader {
    const length = this.length()
    const from = this.skip(length)
    return new OctetReader(this.#bytes, from, from + length)
  }
}

/** How many bytes a variable-length octet string takes, its length included. */
export function varSize(length: number): number {
  return length + (length < 0x80 ? 1 : length < 0x100 ? 2 : length < 0x1_0000 ? 3 : 4)
}

/** Writes the length of a variable-length octet string; gives the offset behind it. */
export function writeLength(bytes: Buffer, at: number, length: number): number {
  if (length < 0x80) {
    bytes[at] = length
    return at + 1
  }
  const count = varSize(length) - length - 1
  bytes[at] = 0x80 | count
  return bytes.writeUIntBE(length, at + 1, count)
}

/** Writes a variable-length octet string; gives the offset behind it. */
export function writeVarOctets(bytes: Buffer, at: number, octets: Buffer): number {
  const from = writeLength(bytes, at, octets.length)
  bytes.set(octets, from)
  return from + octets.length
}

/** Writes text, each character one byte, as a variable-length octet string; gives the offset behind it. */
export function writeVarLatin1(bytes: Buffer, at: number, text: string): number {
  const from = writeLength(bytes, at, text.length)
  return from + bytes.write(text, from, 'latin1')
}
