import { createHash, timingSafeEqual } from 'node:crypto'
import { HttpClientError } from '../../runtime/index.ts'
import type { Cache, HttpClient, Random } from '../../runtime/index.ts'
import { failure } from '../model.ts'
import type { Failure } from '../model.ts'
import { hostOf } from './addresses.ts'
import { MAX_PEERING_BYTES, readProof } from './wire.ts'

/** Where an asking node says that its request can be proved. Headers: the contract's body stays as it is. */
export const PEERING_URL_HEADER = 'peering-url'
export const PEERING_NONCE_HEADER = 'peering-nonce'
/** A request can be proved this long after it was sent. */
export const PROOF_LIFETIME_MS = 60_000
/** The asking node must confirm its request in this time. */
export const PROOF_TIMEOUT_MS = 5_000

const NONCE = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/

/** What a request's headers claim. */
export interface ProofClaim {
  peeringUrl: string | undefined
  nonce: string | undefined
}

export interface Proofs {
  /** Keeps what proves a request to the node at `peerUrl`, and gives the headers that say where. */
  issue(body: string, peerUrl: string): Promise<Record<string, string>>
  /** What was asked under a nonce; undefined where nothing was, or long ago. */
  answer(nonce: string): Promise<{ digest: string; audience: string } | undefined>
  /** Asks the claimant's host whether it sent this body to us; gives the URL of its auto-peering server. */
  check(
    claim: ProofClaim,
    host: string,
    body: Buffer
  ): Promise<{ peerUrl: string } | Failure<'PeeringNotProven'>>
}

/**
 * Proof that who asks speaks for the host that it names. Whoever can answer at that host says which body it
 * sent, and to whom: a request that somebody passes on has another audience.
 */
export function createProofs({
  cache,
  random,
  httpClient,
  ownUrl
}: {
  cache: Pick<Cache, 'get' | 'set'>
  random: Pick<Random, 'uuid'>
  /** A client that is guarded: the URL is a stranger's. */
  httpClient: Pick<HttpClient, 'request'>
  /** Where our auto-peering server is reached by others. */
  ownUrl: string
}): Proofs {
  async function ask(url: URL): Promise<Buffer | Failure<'PeeringNotProven'>> {
    try {
      const { status, body } = await httpClient.request({
        method: 'GET',
        url: url.href,
        headers: { accept: 'application/json' },
        timeoutMs: PROOF_TIMEOUT_MS,
        maxResponseBytes: MAX_PEERING_BYTES
      })
      return status === 200 ? body : notProven(`${url.href} answered ${status}`)
    } catch (error) {
      if (!(error instanceof HttpClientError)) throw error
      return notProven(error.message)
    }
  }

  return {
    async issue(body, peerUrl) {
      const nonce = random.uuid()
      const proof = { digest: digestOf(body), audience: new URL(peerUrl).origin }
      await cache.set(keyOf(nonce), JSON.stringify(proof), PROOF_LIFETIME_MS)
      return { [PEERING_URL_HEADER]: ownUrl, [PEERING_NONCE_HEADER]: nonce }
    },

    async answer(nonce) {
      if (!NONCE.test(nonce)) return undefined
      const kept = await cache.get(keyOf(nonce))
      return kept === undefined ? undefined : (JSON.parse(kept) as { digest: string; audience: string })
    },

    async check({ peeringUrl, nonce }, host, body) {
      if (peeringUrl === undefined || nonce === undefined) {
        return notProven(
          `the request does not say by ${PEERING_URL_HEADER} and ${PEERING_NONCE_HEADER} where it can be proved`
        )
      }
      if (
        !URL.canParse(peeringUrl) ||
        !/^https?:$/.test(new URL(peeringUrl).protocol) ||
        !NONCE.test(nonce)
      ) {
        return notProven(`${PEERING_URL_HEADER} or ${PEERING_NONCE_HEADER} cannot be read`)
      }
      if (hostOf(peeringUrl) !== host) {
        return notProven(`${PEERING_URL_HEADER} must be at the host of ilpConnectorUrl, ${host}`)
      }
      const base = new URL(peeringUrl)
      if (!base.pathname.endsWith('/')) base.pathname += '/'
      const answered = await ask(new URL(`proofs/${nonce}`, base))
      if ('failure' in answered) return answered
      const proof = readProof(answered)
      if ('problem' in proof) return notProven(`the proof cannot be read: ${proof.problem}`)
      if (!isSame(proof.digest, digestOf(body))) return notProven(`${host} did not send this request`)
      const { origin } = new URL(ownUrl)
      if (proof.audience !== origin) {
        return notProven(`${host} sent this request to ${proof.audience}, this node is ${origin}`)
      }
      return { peerUrl: peeringUrl }
    }
  }
}

function notProven(message: string): Failure<'PeeringNotProven'> {
  return failure('PeeringNotProven', message)
}

function digestOf(body: string | Buffer): string {
  return createHash('sha256').update(body).digest('base64')
}

function isSame(one: string, other: string): boolean {
  return one.length === other.length && timingSafeEqual(Buffer.from(one), Buffer.from(other))
}

function keyOf(nonce: string): string {
  return `auto-peering:proof:${nonce}`
}
