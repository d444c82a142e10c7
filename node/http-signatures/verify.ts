import { verify } from 'node:crypto'
import type { Cache } from '../runtime/index.ts'
import { verifyContentDigest } from './content-digest.ts'
import { toPublicKey } from './jwk.ts'
import type { Jwk } from './jwk.ts'
import { createSignatureBase, fieldValue } from './signature-base.ts'
import type { RequestHeaders, SignedMessage } from './signature-base.ts'
import { isBytes, isInnerList, parseDictionary } from './structured-fields.ts'
import type { InnerList } from './structured-fields.ts'

/** How old a signature may be by its `created`. */
export const MAX_SIGNATURE_AGE_MS = 60_000
/** How far in the future its `created` may lie: clocks differ. */
export const MAX_SIGNATURE_LEAD_MS = 10_000
/** Signatures that are looked at in one request; with more of them it is refused. */
export const MAX_SIGNATURES = 8

export type SignatureFailureCode =
  | 'missing_signature'
  | 'malformed_signature'
  | 'missing_key_id'
  | 'unknown_key'
  | 'invalid_key'
  | 'unsupported_algorithm'
  | 'uncovered_component'
  | 'unsupported_component'
  | 'missing_digest'
  | 'wrong_digest'
  | 'missing_created'
  | 'expired'
  | 'created_in_future'
  | 'repeated_nonce'
  | 'wrong_signature'

export interface SignatureFailure {
  ok: false
  code: SignatureFailureCode
  /** For logs: what was wrong. */
  message: string
}

/** One signature of a request, as it was read and before anything was verified. */
export interface RequestSignature {
  label: string
  keyId: string
  signature: Buffer
  covered: InnerList
  created: bigint | undefined
  expires: bigint | undefined
  nonce: string | undefined
}

export interface ReadSignatures {
  ok: true
  /** Signatures with a `keyid`, the label `sig1` first, then as they stand in the request. */
  signatures: [RequestSignature, ...RequestSignature[]]
}

export interface VerifiedSignature {
  ok: true
  label: string
  keyId: string
  createdMs: number
  nonce: string | undefined
}

/**
 * Reads the fields `Signature-Input` and `Signature` (RFC 9421 section 4) without verifying anything: for finding
 * the key. Any label will do.
 */
export function readSignatures(headers: RequestHeaders): ReadSignatures | SignatureFailure {
  const inputField = fieldValue(headers, 'signature-input')
  const signatureField = fieldValue(headers, 'signature')
  if (!inputField || !signatureField) {
    return failed('missing_signature', 'the headers Signature and Signature-Input are required')
  }
  const inputs = parseDictionary(inputField)
  const values = parseDictionary(signatureField)
  if (inputs === undefined || values === undefined || inputs.size === 0) {
    return failed('malformed_signature', 'Signature and Signature-Input must be structured fields')
  }
  if (inputs.size > MAX_SIGNATURES) {
    return failed('malformed_signature', `at most ${MAX_SIGNATURES} signatures are allowed`)
  }
  const signatures: RequestSignature[] = []
  for (const [label, covered] of inputs) {
    const value = values.get(label)
    if (!isInnerList(covered) || value === undefined || isInnerList(value) || !isBytes(value.value)) {
      return failed('malformed_signature', `the signature ${label} is malformed`)
    }
    const read = readParameters(label, covered, value.value.bytes)
    if (read === undefined)
      return failed('malformed_signature', `the parameters of ${label} have wrong types`)
    if (read.keyId !== '') signatures.push(read)
  }
  signatures.sort((a, b) => Number(b.label === 'sig1') - Number(a.label === 'sig1'))
  const [first, ...others] = signatures
  if (first === undefined) return failed('missing_key_id', 'no signature names its key by keyid')
  return { ok: true, signatures: [first, ...others] }
}

function readParameters(label: string, covered: InnerList, signature: Buffer): RequestSignature | undefined {
  const keyId = covered.parameters.get('keyid') ?? ''
  const created = covered.parameters.get('created')
  const expires = covered.parameters.get('expires')
  const nonce = covered.parameters.get('nonce')
  if (typeof keyId !== 'string') return undefined
  if (created !== undefined && typeof created !== 'bigint') return undefined
  if (expires !== undefined && typeof expires !== 'bigint') return undefined
  if (nonce !== undefined && typeof nonce !== 'string') return undefined
  return { label, keyId, signature, covered, created, expires, nonce }
}

export interface VerifyRequestOptions extends SignedMessage {
  /** The body's bytes as they came; empty where there was none. */
  rawBody: Buffer
  key: Jwk
  nowMs: number
}

/**
 * Verifies that the holder of `key` signed the request (RFC 9421 section 3.2, with Ed25519): `@method` and
 * `@target-uri` are covered, `authorization` where it was sent, and with a body `content-digest`, which is
 * computed again over the raw bytes. A request with several signatures needs one by that key that holds.
 * Refuses, never throws, whatever the request holds. Whether a `nonce` repeats is `createNonceGuard`'s matter.
 */
export function verifyRequest(request: VerifyRequestOptions): VerifiedSignature | SignatureFailure {
  const read = readSignatures(request.headers)
  if (!read.ok) return read
  const candidates = read.signatures.filter(({ keyId }) => keyId === request.key.kid)
  let refused = failed('unknown_key', `no signature was made with the key ${request.key.kid}`)
  for (const candidate of candidates) {
    const result = verifySignature(candidate, request)
    if (result.ok) return result
    refused = result
  }
  return refused
}

function verifySignature(
  signature: RequestSignature,
  request: VerifyRequestOptions
): VerifiedSignature | SignatureFailure {
  const { covered, created, expires, keyId, label, nonce } = signature
  const algorithm = covered.parameters.get('alg')
  if (algorithm !== undefined && algorithm !== 'ed25519') {
    return failed('unsupported_algorithm', 'the only algorithm is ed25519')
  }
  const uncovered = findUncovered(covered, request)
  if (uncovered !== undefined)
    return failed('uncovered_component', `the signature does not cover ${uncovered}`)
  const digestFailure = checkDigest(covered, request)
  if (digestFailure) return digestFailure

  if (created === undefined) return failed('missing_created', 'the signature has no parameter created')
  const createdMs = Number(created) * 1000
  if (createdMs < request.nowMs - MAX_SIGNATURE_AGE_MS) return failed('expired', 'the signature is too old')
  if (createdMs > request.nowMs + MAX_SIGNATURE_LEAD_MS) {
    return failed('created_in_future', 'the signature was made in the future')
  }
  if (expires !== undefined && Number(expires) * 1000 <= request.nowMs) {
    return failed('expired', 'the signature has expired')
  }

  const base = createSignatureBase(request, covered)
  if (base === undefined) {
    return failed('unsupported_component', 'a covered component is missing, repeated or not supported')
  }
  const publicKey = toPublicKey(request.key)
  if (publicKey === undefined) return failed('invalid_key', `the key ${keyId} is no Ed25519 key`)
  if (!verify(null, Buffer.from(base), publicKey, signature.signature)) {
    return failed('wrong_signature', 'the signature does not match the request')
  }
  return { ok: true, label, keyId, createdMs, nonce }
}

function findUncovered(covered: InnerList, request: VerifyRequestOptions): string | undefined {
  const required = ['@method', '@target-uri']
  if (request.headers.authorization !== undefined) required.push('authorization')
  return required.find((name) => !covers(covered, name))
}

function checkDigest(covered: InnerList, request: VerifyRequestOptions): SignatureFailure | undefined {
  const digest = fieldValue(request.headers, 'content-digest')
  if (request.rawBody.length > 0) {
    if (digest === undefined) return failed('missing_digest', 'a body needs a Content-Digest')
    if (!covers(covered, 'content-digest')) {
      return failed('uncovered_component', 'the signature does not cover content-digest')
    }
  }
  if (digest !== undefined && covers(covered, 'content-digest')) {
    if (!verifyContentDigest(digest, request.rawBody)) {
      return failed('wrong_digest', 'the Content-Digest does not match the body')
    }
  }
  return undefined
}

function covers(covered: InnerList, name: string): boolean {
  return covered.items.some(({ value, parameters }) => value === name && parameters.size === 0)
}

/** Remembers nonces for as long as a signature could be repeated. */
export interface NonceGuard {
  /** Whether this key uses this nonce for the first time. */
  isFirstUse(key: Jwk, nonce: string): Promise<boolean>
}

/**
 * Refuses repeated signatures that carry a `nonce` (RFC 9421 section 7.2.2). Signatures without one are not
 * remembered: Ed25519 is deterministic and `created` counts seconds, so honest clients repeat themselves.
 */
export function createNonceGuard(cache: Cache): NonceGuard {
  return {
    isFirstUse: (key, nonce) =>
      cache.setIfAbsent(
        `http-signature-nonce:${key.x}:${nonce}`,
        'used',
        MAX_SIGNATURE_AGE_MS + MAX_SIGNATURE_LEAD_MS
      )
  }
}

/** `verifyRequest`, and a `nonce` must be new. */
export async function verifyRequestOnce(
  request: VerifyRequestOptions,
  nonces: NonceGuard
): Promise<VerifiedSignature | SignatureFailure> {
  const verified = verifyRequest(request)
  if (!verified.ok || verified.nonce === undefined) return verified
  if (await nonces.isFirstUse(request.key, verified.nonce)) return verified
  return failed('repeated_nonce', 'the nonce was used before')
}

function failed(code: SignatureFailureCode, message: string): SignatureFailure {
  return { ok: false, code, message }
}
