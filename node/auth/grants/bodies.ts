import type { AuthConfig } from '../config.ts'
import type { AccessToken } from '../tokens/store.ts'
import type { AccessItem, Grant } from './model.ts'

/** An access token as clients see it (Open Payments, auth server, `access_token`). */
export function accessTokenBody(
  config: Pick<AuthConfig, 'AUTH_SERVER_URL'>,
  { value, managementId, expiresIn }: AccessToken,
  access: readonly AccessItem[]
): object {
  return { value, manage: `${config.AUTH_SERVER_URL}/token/${managementId}`, expires_in: expiresIn, access }
}

/** How a grant is continued (Open Payments, auth server, `continue`). */
export function continueBody(
  config: Pick<AuthConfig, 'AUTH_SERVER_URL'>,
  { continueId, continueToken }: Grant,
  waitSeconds?: number
): object {
  return {
    access_token: { value: continueToken },
    uri: `${config.AUTH_SERVER_URL}/continue/${continueId}`,
    ...(waitSeconds !== undefined && { wait: waitSeconds })
  }
}
