import { readSignatures, isJwk, verifyRequestOnce } from '../../http-signatures/index.ts'
import type { Jwk } from '../../http-signatures/index.ts'
import type { ApiRequest } from '../api.ts'
import { publicScheme } from '../dependencies.ts'
import type { AuthDependencies } from '../dependencies.ts'
import { fail } from '../errors.ts'
import type { GnapFailure } from '../errors.ts'
import type { GrantClient } from './model.ts'

/** Proves that a request was signed by a client (RFC 9635 section 7.3.1, RFC 9421). */
export interface ClientAuthenticator {
  /** Undefined where the request holds; else `invalid_client`. */
  authenticate(request: ApiRequest, client: GrantClient): Promise<GnapFailure | undefined>
}

export function createClientAuthenticator({
  config,
  clock,
  logger,
  clientKeys,
  nonces
}: AuthDependencies): ClientAuthenticator {
  const publicOrigin = `${publicScheme(config)}//${new URL(config.AUTH_SERVER_URL).host}`

  async function findKey(client: GrantClient, keyIds: readonly string[]): Promise<Jwk | undefined> {
    if ('jwk' in client) return isJwk(client.jwk) && keyIds.includes(client.jwk.kid) ? client.jwk : undefined
    const found = await clientKeys.getKey(client.walletAddress, keyIds)
    if (found.ok) return found.key
    const { code, message } = found
    logger.info({ code, reason: message, client: client.walletAddress }, 'the key of a client was not found')
    return undefined
  }

  return {
    async authenticate({ method, url, headers, rawBody }, client) {
      const read = readSignatures(headers)
      if (!read.ok) {
        return read.code === 'missing_key_id'
          ? fail(401, 'invalid_client', 'invalid signature input')
          : fail(401, 'invalid_client', 'invalid signature headers')
      }
      const key = await findKey(
        client,
        read.signatures.map(({ keyId }) => keyId)
      )
      if (key === undefined) return fail(400, 'invalid_client', 'could not determine client')
      const verified = await verifyRequestOnce(
        { method, targetUri: publicOrigin + url, headers, rawBody, key, nowMs: clock.nowMs() },
        nonces
      )
      if (verified.ok) return undefined
      logger.info({ code: verified.code, reason: verified.message }, 'a signature was refused')
      return fail(401, 'invalid_client', 'invalid signature')
    }
  }
}
