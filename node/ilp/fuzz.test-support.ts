import { runInNewContext } from 'node:vm'
import { setFlagsFromString } from 'node:v8'
import fc from 'fast-check'

// For tests: input that a decoder must survive, and the memory that it must not keep.

/** How far a valid input is bent: what breaks decoders is lengths that lie, cuts, and pieces that are repeated. */
type Mutation =
  | { kind: 'set'; at: number; byte: number }
  | { kind: 'flip'; at: number; bit: number }
  | { kind: 'insert'; at: number; bytes: Uint8Array }
  | { kind: 'delete'; at: number; length: number }
  | { kind: 'repeat'; at: number; length: number; times: number }
  | { kind: 'cut'; at: number }

const at = fc.nat(70_000)
/** Bytes that mean something where lengths and counts stand. */
const telling = fc.constantFrom(0x00, 0x01, 0x7f, 0x80, 0x81, 0x82, 0x84, 0x87, 0x88, 0xfe, 0xff)
const mutation: fc.Arbitrary<Mutation> = fc.oneof(
  fc.record({ kind: fc.constant('set' as const), at, byte: fc.oneof(telling, fc.nat(255)) }),
  fc.record({ kind: fc.constant('flip' as const), at, bit: fc.nat(7) }),
  fc.record({
    kind: fc.constant('insert' as const),
    at,
    bytes: fc.uint8Array({ minLength: 1, maxLength: 12 })
  }),
  fc.record({ kind: fc.constant('delete' as const), at, length: fc.integer({ min: 1, max: 40 }) }),
  fc.record({
    kind: fc.constant('repeat' as const),
    at,
    length: fc.integer({ min: 1, max: 30 }),
    times: fc.integer({ min: 1, max: 40 })
  }),
  fc.record({ kind: fc.constant('cut' as const), at })
)

function mutate(input: Buffer, change: Mutation): Buffer {
  const position = input.length === 0 ? 0 : change.at % input.length
  const head = input.subarray(0, position)
  switch (change.kind) {
    case 'set':
      return Buffer.concat([head, Buffer.of(change.byte), input.subarray(position + 1)])
    case 'flip':
      return Buffer.concat([
        head,
        Buffer.of((input[position] ?? 0) ^ (1 << change.bit)),
        input.subarray(position + 1)
      ])
    case 'insert':
      return Buffer.concat([head, change.bytes, input.subarray(position)])
    case 'delete':
      return Buffer.concat([head, input.subarray(position + change.length)])
    case 'repeat': {
      const piece = input.subarray(position, position + change.length)
      return Buffer.concat([head, ...Array<Buffer>(change.times).fill(piece), input.subarray(position)])
    }
    case 'cut':
      return Buffer.from(head)
  }
}

/**
 * Half of the inputs are valid ones, bent in up to six places (or none); the other half come from nothing,
 * most of them with a beginning that lets a decoder go on.
 */
export function hostileBytes(
  valid: fc.Arbitrary<Buffer>,
  beginnings: readonly Buffer[]
): fc.Arbitrary<Buffer> {
  const bent = fc
    .tuple(valid, fc.array(mutation, { maxLength: 6 }))
    .map(([input, changes]) => changes.reduce(mutate, input))
  const fromNothing = fc
    .tuple(
      fc.constantFrom(Buffer.alloc(0), ...beginnings),
      fc.oneof(
        fc.uint8Array({ maxLength: 120 }),
        fc.array(fc.oneof(telling, fc.nat(255)), { maxLength: 120 }).map((bytes) => Uint8Array.from(bytes))
      )
    )
    .map(([beginning, rest]) => Buffer.concat([beginning, rest]))
  return fc.oneof({ weight: 1, arbitrary: bent }, { weight: 1, arbitrary: fromNothing })
}

/** Text in place of bytes: valid documents bent in the same ways. */
export function hostileText(valid: fc.Arbitrary<string>): fc.Arbitrary<string> {
  return hostileBytes(
    valid.map((text) => Buffer.from(text)),
    [Buffer.from('{"'), Buffer.from('['), Buffer.from('{"base":"USD","rates":{"')]
  ).map((bytes) => bytes.toString('utf8'))
}

/** For the long run: each decoder takes minutes. */
export const FUZZ_TIMEOUT_MS = 600_000

/** What a decoder may keep after any number of inputs: caches of fixed size, and the noise of measuring. */
export const KEPT_BYTES = 8 * 1024 * 1024

/** Bytes that are still in use, on the heap and beside it, after everything unused was thrown away. */
export function bytesInUse(): number {
  setFlagsFromString('--expose-gc')
  const collect = runInNewContext('gc') as () => void
  collect()
  const { heapUsed, arrayBuffers } = process.memoryUsage()
  return heapUsed + arrayBuffers
}

/**
 * Runs `decode` on `count` inputs and fails when it throws, or when memory is kept. fast-check names the seed
 * and the shortest input that fails.
 */
export function fuzz<T>(inputs: fc.Arbitrary<T>, count: number, decode: (input: T) => unknown): void {
  const property = fc.property(inputs, (input) => void decode(input))
  // The first run fills what is made once: code, shapes, caches.
  fc.assert(property, { numRuns: Math.min(count, 100) })
  const before = bytesInUse()
  fc.assert(property, { numRuns: count })
  const kept = bytesInUse() - before
  if (kept > KEPT_BYTES) throw new Error(`${count} inputs left ${kept} bytes in use`)
}
