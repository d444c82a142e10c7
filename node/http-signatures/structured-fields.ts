/**
 * Structured field values (RFC 8941), as far as the signature fields need them: dictionaries of items and inner
 * lists with parameters. Strict: whatever the RFC's parsing algorithm refuses is refused here.
 */

/** A bare item. Tokens and byte sequences are wrapped so that they differ from strings. */
export type BareItem = string | bigint | boolean | Token | Decimal | Bytes

export interface Token {
  token: string
}

/** A decimal as it was written, in canonical form: no signature parameter needs its value. */
export interface Decimal {
  decimal: string
}

export interface Bytes {
  bytes: Buffer
}

export type Parameters = Map<string, BareItem>

export interface Item {
  value: BareItem
  parameters: Parameters
}

export interface InnerList {
  items: Item[]
  parameters: Parameters
}

export type Member = Item | InnerList

export function isInnerList(member: Member): member is InnerList {
  return 'items' in member
}

export function isBytes(value: BareItem): value is Bytes {
  return typeof value === 'object' && 'bytes' in value
}

/** Members of a dictionary that are read at most: a longer one is refused. */
export const MAX_DICTIONARY_MEMBERS = 32

class Malformed extends Error {}

/**
 * Parses a dictionary (RFC 8941 section 4.2.2). A key that occurs again replaces the earlier member.
 *
 * @returns undefined where the text is not a dictionary
 */
export function parseDictionary(text: string): Map<string, Member> | undefined {
  try {
    return new Parser(text).dictionary()
  } catch (error) {
    if (error instanceof Malformed) return undefined
    throw error
  }
}

class Parser {
  #text: string
  #at = 0

  constructor(text: string) {
    this.#text = text.replace(/^ +/, '').replace(/ +$/, '')
  }

  dictionary(): Map<string, Member> {
    const members = new Map<string, Member>()
    while (this.#at < this.#text.length) {
      const key = this.#key()
      const member = this.#take('=') ? this.#member() : { value: true, parameters: this.#parameters() }
      members.delete(key)
      members.set(key, member)
      if (members.size > MAX_DICTIONARY_MEMBERS) throw new Malformed()
      this.#skip(/[ \t]*/y)
      if (this.#at === this.#text.length) return members
      if (!this.#take(',')) throw new Malformed()
      this.#skip(/[ \t]*/y)
      if (this.#at === this.#text.length) throw new Malformed()
    }
    return members
  }

  #member(): Member {
    return this.#text[this.#at] === '(' ? this.#innerList() : this.#item()
  }

  #innerList(): InnerList {
    this.#at += 1
    const items: Item[] = []
    for (;;) {
      this.#skip(/ */y)
      if (this.#take(')')) return { items, parameters: this.#parameters() }
      items.push(this.#item())
      const next = this.#text[this.#at]
      if (next !== ' ' && next !== ')') throw new Malformed()
    }
  }

  #item(): Item {
    return { value: this.#bareItem(), parameters: this.#parameters() }
  }

  #bareItem(): BareItem {
    const first = this.#text[this.#at]
    if (first === undefined) throw new Malformed()
    if (first === '"') return this.#string()
    if (first === ':') return this.#byteSequence()
    if (first === '?') return this.#match(/\?[01]/y) === '?1'
    if (/[-0-9]/.test(first)) return this.#number()
    return { token: this.#match(/[A-Za-z*][A-Za-z0-9!#$%&'*+\-.^_`|~:/]*/y) }
  }

  #string(): string {
    const quoted = this.#match(/"(?:[\x20-\x21\x23-\x5b\x5d-\x7e]|\\["\\])*"/y)
    return quoted.slice(1, -1).replace(/\\(["\\])/g, '$1')
  }

  #byteSequence(): Bytes {
    const encoded = this.#match(/:[A-Za-z0-9+/]*={0,2}:/y).slice(1, -1)
    const bytes = Buffer.from(encoded, 'base64')
    // Padding may be left out (section 4.2.7); anything else that does not come back the same is malformed.
    if (bytes.toString('base64').replace(/=+$/, '') !== encoded.replace(/=+$/, '')) throw new Malformed()
    return { bytes }
  }

  #number(): bigint | Decimal {
    const digits = this.#match(/-?\d+(?:\.\d+)?/y)
    if (this.#text[this.#at] === '.') throw new Malformed()
    const [whole, fraction] = digits.replace('-', '').split('.') as [string, string | undefined]
    if (fraction === undefined) {
      if (whole.length > 15) throw new Malformed()
      return BigInt(digits)
    }
    if (whole.length > 12 || fraction.length > 3) throw new Malformed()
    const sign = digits.startsWith('-') ? '-' : ''
    return { decimal: `${sign}${BigInt(whole)}.${fraction.replace(/0+$/, '') || '0'}` }
  }

  #parameters(): Parameters {
    const parameters: Parameters = new Map()
    while (this.#take(';')) {
      this.#skip(/ */y)
      const key = this.#key()
      const value = this.#take('=') ? this.#bareItem() : true
      parameters.delete(key)
      parameters.set(key, value)
    }
    return parameters
  }

  #key(): string {
    return this.#match(/[a-z*][a-z0-9_\-.*]*/y)
  }

  #take(character: string): boolean {
    if (this.#text[this.#at] !== character) return false
    this.#at += 1
    return true
  }

  #skip(pattern: RegExp): void {
    pattern.lastIndex = this.#at
    this.#at += pattern.exec(this.#text)?.[0].length ?? 0
  }

  #match(pattern: RegExp): string {
    pattern.lastIndex = this.#at
    const found = pattern.exec(this.#text)?.[0]
    if (found === undefined) throw new Malformed()
    this.#at += found.length
    return found
  }
}

/** Serializes an inner list with its parameters, in the order that they were read (RFC 8941 section 4.1.1.1). */
export function serializeInnerList({ items, parameters }: InnerList): string {
  return `(${items.map(serializeItem).join(' ')})${serializeParameters(parameters)}`
}

export function serializeItem({ value, parameters }: Item): string {
  return serializeBareItem(value) + serializeParameters(parameters)
}

function serializeParameters(parameters: Parameters): string {
  return [...parameters]
    .map(([key, value]) => (value === true ? `;${key}` : `;${key}=${serializeBareItem(value)}`))
    .join('')
}

function serializeBareItem(value: BareItem): string {
  if (typeof value === 'string') return `"${value.replace(/["\\]/g, '\\$&')}"`
  if (typeof value === 'bigint') return value.toString()
  if (typeof value === 'boolean') return value ? '?1' : '?0'
  if ('token' in value) return value.token
  if ('decimal' in value) return value.decimal
  return `:${value.bytes.toString('base64')}:`
}
