import type { MigrationSet } from '../commands/index.ts'
import type { Migration } from '../runtime/index.ts'

/** The authorization server's tables. Time and ids are always parameters: no column has a clock as default. */
export const authMigrations: Migration[] = [
  {
    name: '0001_grants',
    up: `
      CREATE TABLE tenants (
        id uuid PRIMARY KEY,
        "apiSecret" text NOT NULL,
        "idpConsentUrl" text,
        "idpSecret" text,
        "createdAt" timestamptz NOT NULL,
        "updatedAt" timestamptz NOT NULL,
        "deletedAt" timestamptz
      );

      CREATE TABLE grants (
        id uuid PRIMARY KEY,
        "tenantId" uuid NOT NULL REFERENCES tenants ON DELETE CASCADE,
        state text NOT NULL CHECK (state IN ('PROCESSING', 'PENDING', 'APPROVED', 'FINALIZED')),
        "finalizationReason" text CHECK ("finalizationReason" IN ('ISSUED', 'REVOKED', 'REJECTED')),
        client text,
        jwk jsonb,
        "continueId" uuid NOT NULL UNIQUE,
        "continueToken" text NOT NULL,
        "finishUri" text,
        "clientNonce" text,
        "lastContinuedAt" timestamptz NOT NULL,
        "createdAt" timestamptz NOT NULL,
        "updatedAt" timestamptz NOT NULL,
        CHECK ((client IS NULL) <> (jwk IS NULL)),
        CHECK ((state = 'FINALIZED') = ("finalizationReason" IS NOT NULL)),
        CHECK (("finishUri" IS NULL) = ("clientNonce" IS NULL))
      );
      CREATE INDEX grants_page ON grants ("createdAt", id);
      CREATE INDEX grants_of_tenant ON grants ("tenantId", "createdAt", id);

      CREATE TABLE accesses (
        id uuid PRIMARY KEY,
        "grantId" uuid NOT NULL REFERENCES grants ON DELETE CASCADE,
        position smallint NOT NULL,
        type text NOT NULL,
        actions jsonb NOT NULL,
        identifier text,
        limits jsonb,
        "createdAt" timestamptz NOT NULL,
        UNIQUE ("grantId", position)
      );
      CREATE INDEX accesses_identifier ON accesses (identifier);

      CREATE TABLE subjects (
        id uuid PRIMARY KEY,
        "grantId" uuid NOT NULL REFERENCES grants ON DELETE CASCADE,
        position smallint NOT NULL,
        "subId" text NOT NULL,
        "subIdFormat" text NOT NULL,
        "createdAt" timestamptz NOT NULL,
        UNIQUE ("grantId", position)
      );

      CREATE TABLE interactions (
        id uuid PRIMARY KEY,
        "grantId" uuid NOT NULL REFERENCES grants ON DELETE CASCADE,
        nonce text NOT NULL,
        ref uuid NOT NULL UNIQUE,
        state text NOT NULL CHECK (state IN ('PENDING', 'APPROVED', 'DENIED')),
        "clientName" text NOT NULL,
        "expiresAt" timestamptz NOT NULL,
        "createdAt" timestamptz NOT NULL,
        "updatedAt" timestamptz NOT NULL
      );
      CREATE INDEX interactions_of_grant ON interactions ("grantId");

      CREATE TABLE "accessTokens" (
        id uuid PRIMARY KEY,
        "grantId" uuid NOT NULL REFERENCES grants ON DELETE CASCADE,
        value text NOT NULL UNIQUE,
        "managementId" uuid NOT NULL UNIQUE,
        "expiresIn" integer NOT NULL,
        "expiresAt" timestamptz NOT NULL,
        "revokedAt" timestamptz,
        "createdAt" timestamptz NOT NULL
      );
      CREATE INDEX "accessTokens_of_grant" ON "accessTokens" ("grantId");
      CREATE INDEX "accessTokens_expiry" ON "accessTokens" ("expiresAt");
    `
  },
  {
    name: '0002_tenant_revisions',
    up: `
      -- Counts the changes of a tenant that the backend told: an older one that arrives late is ignored.
      ALTER TABLE tenants ADD COLUMN revision integer NOT NULL DEFAULT 0;
    `
  }
]

/** The schemas that its database holds. */
export const authMigrationSets: readonly MigrationSet[] = [{ name: 'auth', migrations: authMigrations }]
