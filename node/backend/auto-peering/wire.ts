import { z } from 'zod'
import { MAX_PACKET_AMOUNT } from '../../ilp/index.ts'
import type { PeeringAnswer, PeeringRequest } from './model.ts'

/** Bytes of a request, an answer or a proof at most. */
export const MAX_PEERING_BYTES = 16_384
/** What a peer is called, at most. */
export const MAX_NAME_LENGTH = 255

const address = z.string().min(1).max(1_023)
const url = z.string().max(2_048).refine(isPlainHttpUrl, 'an http or https URL without credentials is needed')
/** Whoever guesses it speaks as the peer. Printable: it stands in a header. */
const token = z.string().regex(/^[\x21-\x7e]{16,255}$/, 'a token of 16 to 255 printable characters is needed')
const name = z.string().max(MAX_NAME_LENGTH)
const amount = z
  .union([z.string().regex(/^\d{1,20}$/), z.int().min(0)])
  .transform((value) => BigInt(value))
  .refine((value) => value <= MAX_PACKET_AMOUNT, 'an unsigned 64-bit amount is needed')

const request = z.object({
  staticIlpAddress: address,
  ilpConnectorUrl: url,
  asset: z.object({ code: z.string().min(1).max(255), scale: z.int().min(0).max(255) }),
  httpToken: token,
  maxPacketAmount: amount.nullish(),
  name: name.nullish()
})

const answer = z.object({
  staticIlpAddress: address,
  ilpConnectorUrl: url,
  httpToken: token,
  name: name.nullish()
})

const refusal = z.object({
  error: z.object({ type: z.string().optional(), message: z.string().optional() })
})

const proof = z.object({ digest: z.string(), audience: z.string() })

/** What the asking side asks for, by field; or what is wrong with it. */
export function readRequest(body: Buffer): PeeringRequest | { problem: string } {
  const read = readJson(request, body)
  if ('problem' in read) return read
  const { maxPacketAmount, name, ...rest } = read.value
  return { ...rest, ...(maxPacketAmount != null && { maxPacketAmount }), ...(name != null && { name }) }
}

export function readAnswer(
  body: Buffer
): (Omit<PeeringAnswer, 'name' | 'tenantId'> & { name?: string }) | { problem: string } {
  const read = readJson(answer, body)
  if ('problem' in read) return read
  const { name, ...rest } = read.value
  return { ...rest, ...(name != null && { name }) }
}

/** Why the other side refuses; undefined for what is no answer of an auto-peering server. */
export function readRefusal(body: Buffer): { type: string; message: string } | undefined {
  const read = readJson(refusal, body)
  if ('problem' in read) return undefined
  const { type = '', message = '' } = read.value.error
  return { type, message: message.slice(0, 500) }
}

export function readProof(body: Buffer): { digest: string; audience: string } | { problem: string } {
  const read = readJson(proof, body)
  return 'problem' in read ? read : read.value
}

/** Amounts are numbers in Rafiki; one that a number cannot hold exactly is written as text. */
export function writeRequest({ maxPacketAmount, ...rest }: PeeringRequest): string {
  const isExact = maxPacketAmount !== undefined && maxPacketAmount <= BigInt(Number.MAX_SAFE_INTEGER)
  return JSON.stringify({
    ...rest,
    ...(maxPacketAmount !== undefined && {
      maxPacketAmount: isExact ? Number(maxPacketAmount) : maxPacketAmount.toString()
    })
  })
}

function isPlainHttpUrl(text: string): boolean {
  if (!URL.canParse(text)) return false
  const { protocol, username, password } = new URL(text)
  return /^https?:$/.test(protocol) && username === '' && password === ''
}

function readJson<Schema extends z.ZodType>(
  schema: Schema,
  body: Buffer
): { value: z.output<Schema> } | { problem: string } {
  let json: unknown
  try {
    json = JSON.parse(body.toString('utf8'))
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error
    return { problem: 'the body is not JSON' }
  }
  // No text of PostgreSQL can hold it.
  if (body.includes('\\u0000') || body.includes(0)) return { problem: 'the body holds a NUL character' }
  const read = schema.safeParse(json)
  if (read.success) return { value: read.data }
  const [issue] = read.error.issues
  return { problem: `${issue!.path.join('.') || 'the body'}: ${issue!.message}` }
}
