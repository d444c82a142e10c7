import type { Clock } from '../../runtime/index.ts'

/** Access tokens that are kept at most; the ones unused for longest are dropped first. */
export const MAX_CLIENT_GRANTS = 1_000
/**
 * A token is renewed this long before it expires, at most half its life: the request that carries it needs time to
 * arrive.
 */
export const EXPIRY_MARGIN_MS = 5_000

export type IncomingPaymentAction = 'create' | 'read' | 'read-all' | 'list' | 'list-all' | 'complete'

/** An access token as an authorization server gave it. */
export interface AccessToken {
  value: string
  /** Where it is rotated. */
  manageUrl: string
  /** Undefined: it does not expire. */
  expiresInS?: number
}

interface Grant {
  authServer: string
  actions: ReadonlySet<IncomingPaymentAction>
  token: AccessToken
  /** When it is to be renewed. */
  renewAtMs: number
}

/**
 * The access tokens that this node holds as a client of other nodes, per authorization server and access.
 *
 *   (none) ──request──▶ HELD ──about to expire──▶ rotated at its `manage` URL ──▶ HELD
 *                        │                              └─ refused: requested anew
 *                        └──drop (401, 403)──▶ (none)
 *
 * Callers who want the same access at the same time share one request.
 */
export interface ClientGrants<Refusal> {
  /** A token that allows all of `actions`: held, rotated or newly requested. */
  obtain(authServer: string, actions: readonly IncomingPaymentAction[]): Promise<AccessToken | Refusal>
  /** Forgets the token: it was refused. */
  drop(token: AccessToken): void
}

export function createClientGrants<Refusal extends { failure: string }>({
  clock,
  request,
  rotate
}: {
  clock: Clock
  request(authServer: string, actions: readonly IncomingPaymentAction[]): Promise<AccessToken | Refusal>
  /** Undefined when the authorization server refuses. */
  rotate(token: AccessToken): Promise<AccessToken | undefined>
}): ClientGrants<Refusal> {
  const grants = new Set<Grant>()
  const underWay = new Map<string, Promise<AccessToken | Refusal>>()

  function find(authServer: string, actions: readonly IncomingPaymentAction[]): Grant | undefined {
    for (const grant of grants) {
      if (grant.authServer === authServer && actions.every((action) => allows(grant.actions, action))) {
        return grant
      }
    }
    return undefined
  }

  function hold(
    authServer: string,
    actions: readonly IncomingPaymentAction[] | ReadonlySet<IncomingPaymentAction>,
    token: AccessToken
  ): AccessToken {
    const lifeMs = token.expiresInS === undefined ? Infinity : token.expiresInS * 1_000
    const renewAtMs = clock.nowMs() + Math.max(lifeMs / 2, lifeMs - EXPIRY_MARGIN_MS)
    grants.add({ authServer, actions: new Set(actions), token, renewAtMs })
    if (grants.size > MAX_CLIENT_GRANTS) {
      const [oldest] = grants
      if (oldest) grants.delete(oldest)
    }
    return token
  }

  async function renew(
    authServer: string,
    actions: readonly IncomingPaymentAction[]
  ): Promise<AccessToken | Refusal> {
    const expiring = find(authServer, actions)
    if (expiring) {
      grants.delete(expiring)
      const rotated = await rotate(expiring.token)
      if (rotated) return hold(authServer, expiring.actions, rotated)
    }
    const answer = await request(authServer, actions)
    return 'failure' in answer ? answer : hold(authServer, actions, answer)
  }

  return {
    async obtain(authServer, actions) {
      const held = find(authServer, actions)
      if (held && clock.nowMs() < held.renewAtMs) {
        grants.delete(held) // moves to the end: used last
        grants.add(held)
        return held.token
      }
      const key = `${authServer} ${[...actions].sort().join(' ')}`
      let renewing = underWay.get(key)
      if (!renewing) {
        renewing = renew(authServer, actions).finally(() => underWay.delete(key))
        underWay.set(key, renewing)
      }
      return renewing
    },
    drop(token) {
      for (const grant of grants) if (grant.token.value === token.value) grants.delete(grant)
    }
  }
}

function allows(granted: ReadonlySet<IncomingPaymentAction>, action: IncomingPaymentAction): boolean {
  if (granted.has(action)) return true
  return (action === 'read' && granted.has('read-all')) || (action === 'list' && granted.has('list-all'))
}
