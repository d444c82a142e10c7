import type { Mutant } from '../model.ts'

/** Planted bugs of tokens, signatures and tenants. */
export const accessMutants: readonly Mutant[] = [
  {
    name: 'revoked-token-cached',
    breaks: 'what a token allows is remembered: a revoked one goes on paying',
    edits: [
      {
        file: 'node/backend/open-payments/authorize.ts',
        find: 'async function introspect(\n',
        replace: 'const remembered = new Map<string, unknown>()\n\nasync function introspect(\n'
      },
      {
        file: 'node/backend/open-payments/authorize.ts',
        find: '    info = await introspection.introspect({',
        replace:
          '    info = (remembered.get(match[1]! + type + action) as ActiveTokenInfo) ?? await introspection.introspect({'
      },
      {
        file: 'node/backend/open-payments/authorize.ts',
        find: "  if (!isActiveTokenInfo(info)) return challenge(403, 'Inactive Token')",
        replace:
          "  if (!isActiveTokenInfo(info)) return challenge(403, 'Inactive Token')\n  remembered.set(match[1]! + type + action, info)"
      }
    ],
    expects: ['always: a revoked grant'],
    searches: [{ scenario: 'grant-revoked-mid-payment' }]
  },
  {
    name: 'replaced-token-still-good',
    breaks: 'a token that was replaced by another stays good beside it',
    edits: [
      {
        file: 'node/auth/tokens/store.ts',
        find: `'UPDATE "accessTokens" SET "revokedAt" = ? WHERE id = ? AND "revokedAt" IS NULL'`,
        replace: `'UPDATE "accessTokens" SET value = value || left(?::text, 0) WHERE id = ? AND "revokedAt" IS NULL'`
      }
    ],
    expects: ['always: a token that was replaced'],
    searches: [{ scenario: 'tokens-end' }]
  },
  {
    name: 'token-never-too-old',
    breaks: 'a token goes on after the time for which it was given',
    edits: [
      {
        file: 'node/auth/tokens/introspection-api.ts',
        find: 'token.revokedAt !== null || token.expiresAt.getTime() <= nowMs',
        replace: 'token.revokedAt !== null || token.expiresAt.getTime() <= 0'
      }
    ],
    expects: ['always: a token that is too old'],
    searches: [{ scenario: 'tokens-end' }]
  },
  {
    name: 'token-of-another-tenant',
    breaks: 'a token that one tenant’s server gave opens the resources of another',
    edits: [
      {
        file: 'node/auth/tokens/introspection-api.ts',
        find: 'return tenantId === undefined || token?.tenantId === String(tenantId).toLowerCase()',
        replace: "return token !== undefined && String(tenantId) !== ''"
      }
    ],
    expects: ['always: a token of another tenant'],
    searches: [{ scenario: 'tenants-apart' }]
  },
  {
    name: 'signature-without-digest',
    breaks: 'a signed request’s body is not held to its digest: it can be changed on the way',
    edits: [
      {
        file: 'node/http-signatures/verify.ts',
        find: '    if (!verifyContentDigest(digest, request.rawBody)) {',
        replace: "    if (digest === '' && !verifyContentDigest(digest, request.rawBody)) {"
      }
    ],
    expects: ['always: a body that was changed'],
    searches: [{ scenario: 'requests-tampered-with' }]
  },
  {
    name: 'replay-window-in-seconds',
    breaks: 'signatures of the Admin API are remembered for 30 ms instead of 30 s: they can be replayed',
    edits: [
      {
        file: 'node/admin-api/authenticator.ts',
        find: "cache.setIfAbsent(use, 'used', ttlMs + MAX_ADMIN_SIGNATURE_LEAD_MS)",
        replace: "cache.setIfAbsent(use, 'used', ttlSeconds)"
      }
    ],
    expects: ['always: a replayed request'],
    searches: [{ scenario: 'requests-tampered-with' }]
  },
  {
    name: 'signature-age-unchecked',
    breaks: 'signatures of the Admin API never grow too old: when they are forgotten they can be replayed',
    edits: [
      {
        file: 'node/admin-api/authenticator.ts',
        find: '      if (signature.timestampMs < nowMs - ttlMs) return',
        replace: '      if (signature.timestampMs < nowMs - ttlMs * 1000) return'
      }
    ],
    expects: ['always: a replayed request'],
    searches: [{ scenario: 'requests-tampered-with' }]
  },
  {
    name: 'idempotency-key-shared',
    breaks: 'tenants share idempotency keys: one gets the result of another (real Rafiki does)',
    edits: [
      {
        file: 'node/backend/admin/idempotency.ts',
        find: "const storedKey = cacheKey('result', of.tenantId, of.operation, key)",
        replace: "const storedKey = cacheKey('result', '', of.operation, key)"
      }
    ],
    expects: ['always: an idempotency key'],
    searches: [{ scenario: 'tenants-apart' }]
  },
  {
    name: 'idempotency-key-forgotten',
    breaks:
      'what a key makes gets a new id each time: asked again after a crash, it pays twice (real Rafiki does)',
    edits: [
      {
        file: 'node/backend/admin/creation-claims.ts',
        find: 'return { id: claim.id, isRepeated: claim.id !== id }',
        replace: 'return { id, isRepeated: false }'
      }
    ],
    expects: ['always: a key that is asked again'],
    searches: [{ scenario: 'asked-again-after-a-crash' }]
  },
  {
    name: 'address-of-deleted-tenant',
    breaks: 'the wallet addresses of a deleted tenant go on receiving',
    edits: [
      {
        file: 'node/backend/open-payments/wallet-addresses.ts',
        find: 'if (!walletAddress?.isActive || tenants.get(walletAddress.tenantId)?.deletedAt) return undefined',
        replace: 'if (!walletAddress?.isActive || tenants === undefined) return undefined'
      }
    ],
    expects: ['always: a deleted tenant'],
    searches: [{ scenario: 'tenants-apart' }]
  },
  {
    name: 'cursor-without-tie-break',
    breaks: 'pages go on after a time instead of a row: what was created in the same millisecond is skipped',
    edits: [
      {
        file: 'node/pagination/select-page.ts',
        find: 'SELECT "createdAt", id FROM ??',
        replace: 'SELECT "createdAt" FROM ??'
      },
      {
        file: 'node/pagination/select-page.ts',
        find: "void query.whereRaw(`(??, ??) ${ascending ? '>' : '<'} (${position})`, [...key, ...bindings])",
        replace: "void query.whereRaw(`?? ${ascending ? '>' : '<'} (${position})`, [key[0]!, ...bindings])"
      }
    ],
    expects: ['always: every page'],
    searches: [{ scenario: 'pages-of-payments' }]
  }
]
