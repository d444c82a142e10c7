import type { Migration } from '../runtime/index.ts'

/** The tables as they were first laid down: the beginning of the backend's migrations. */
export const firstTables: Migration[] = [
  {
    name: '0001_tenants_assets_peers',
    up: `
      CREATE TABLE tenants (
        id uuid PRIMARY KEY,
        email text,
        "apiSecret" text NOT NULL,
        "idpConsentUrl" text,
        "idpSecret" text,
        "publicName" text,
        "createdAt" timestamptz NOT NULL,
        "updatedAt" timestamptz NOT NULL,
        "deletedAt" timestamptz
      );
      CREATE TABLE "tenantSettings" (
        id uuid PRIMARY KEY,
        "tenantId" uuid NOT NULL REFERENCES tenants ON DELETE CASCADE,
        key text NOT NULL,
        value text NOT NULL,
        "createdAt" timestamptz NOT NULL,
        "updatedAt" timestamptz NOT NULL,
        "deletedAt" timestamptz,
        UNIQUE ("tenantId", key)
      );
      CREATE TABLE assets (
        id uuid PRIMARY KEY,
        ledger smallserial UNIQUE,
        code varchar(255) NOT NULL,
        scale smallint NOT NULL CHECK (scale BETWEEN 0 AND 255),
        "withdrawalThreshold" numeric(20),
        "liquidityThreshold" numeric(20),
        "tenantId" uuid NOT NULL REFERENCES tenants,
        "createdAt" timestamptz NOT NULL,
        "updatedAt" timestamptz NOT NULL,
        "deletedAt" timestamptz,
        UNIQUE (code, scale, "tenantId")
      );
      CREATE TABLE fees (
        id uuid PRIMARY KEY,
        "assetId" uuid NOT NULL REFERENCES assets,
        type text NOT NULL CHECK (type IN ('SENDING', 'RECEIVING')),
        "fixedFee" numeric(20) NOT NULL CHECK ("fixedFee" >= 0),
        "basisPointFee" integer NOT NULL CHECK ("basisPointFee" BETWEEN 0 AND 10000),
        "createdAt" timestamptz NOT NULL
      );
      CREATE INDEX fees_latest ON fees ("assetId", type, "createdAt" DESC, id DESC);
      CREATE TABLE peers (
        id uuid PRIMARY KEY,
        "assetId" uuid NOT NULL REFERENCES assets,
        "tenantId" uuid NOT NULL REFERENCES tenants,
        "staticIlpAddress" text NOT NULL,
        routes text[] NOT NULL,
        name text,
        "outgoingToken" text NOT NULL,
        "outgoingEndpoint" text NOT NULL,
        "maxPacketAmount" numeric(20),
        "liquidityThreshold" numeric(20),
        "maxPacketsPerSecond" integer,
        "maxPacketsInFlight" integer,
        "maxAmountPerSecond" numeric(20),
        "createdAt" timestamptz NOT NULL,
        "updatedAt" timestamptz NOT NULL,
        UNIQUE ("assetId", "staticIlpAddress")
      );
      CREATE TABLE "httpTokens" (
        id uuid PRIMARY KEY,
        token text NOT NULL UNIQUE,
        "peerId" uuid NOT NULL REFERENCES peers ON DELETE CASCADE,
        "createdAt" timestamptz NOT NULL
      );
      CREATE INDEX http_tokens_peer ON "httpTokens" ("peerId");
    `
  },
  {
    name: '0002_wallet_addresses',
    up: `
      CREATE TABLE "walletAddresses" (
        id uuid PRIMARY KEY,
        address text NOT NULL UNIQUE,
        "assetId" uuid NOT NULL REFERENCES assets,
        "publicName" text,
        "totalEventsAmount" numeric(39) NOT NULL DEFAULT 0,
        "processAt" timestamptz,
        "deactivatedAt" timestamptz,
        "tenantId" uuid NOT NULL REFERENCES tenants,
        "createdAt" timestamptz NOT NULL,
        "updatedAt" timestamptz NOT NULL
      );
      CREATE TABLE "walletAddressKeys" (
        id uuid PRIMARY KEY,
        "walletAddressId" uuid NOT NULL REFERENCES "walletAddresses" ON DELETE CASCADE,
        kid text NOT NULL,
        x text NOT NULL,
        revoked boolean NOT NULL DEFAULT false,
        "createdAt" timestamptz NOT NULL,
        "updatedAt" timestamptz NOT NULL
      );
      CREATE UNIQUE INDEX wallet_address_keys_active ON "walletAddressKeys" ("walletAddressId", kid) WHERE NOT revoked;
      CREATE TABLE "walletAddressAdditionalProperties" (
        id uuid PRIMARY KEY,
        "walletAddressId" uuid NOT NULL REFERENCES "walletAddresses" ON DELETE CASCADE,
        "fieldKey" text NOT NULL,
        "fieldValue" text NOT NULL,
        "visibleInOpenPayments" boolean NOT NULL,
        "createdAt" timestamptz NOT NULL
      );
      CREATE INDEX additional_properties_wallet_address ON "walletAddressAdditionalProperties" ("walletAddressId");
    `
  },
  {
    name: '0003_payments',
    up: `
      CREATE TABLE "incomingPayments" (
        id uuid PRIMARY KEY,
        "walletAddressId" uuid NOT NULL REFERENCES "walletAddresses",
        "assetId" uuid NOT NULL REFERENCES assets,
        "tenantId" uuid NOT NULL REFERENCES tenants,
        state text NOT NULL CHECK (state IN ('PENDING', 'PROCESSING', 'COMPLETED', 'EXPIRED')),
        "incomingAmountValue" numeric(20) CHECK ("incomingAmountValue" > 0),
        "expiresAt" timestamptz NOT NULL,
        client text,
        metadata json,
        "initiatedBy" text NOT NULL CHECK ("initiatedBy" IN ('CARD', 'OPEN_PAYMENTS', 'ADMIN')),
        "senderWalletAddress" text,
        "processAt" timestamptz,
        "approvedAt" timestamptz,
        "cancelledAt" timestamptz,
        "cancellationReason" text,
        "createdAt" timestamptz NOT NULL,
        "updatedAt" timestamptz NOT NULL,
        "deletedAt" timestamptz
      );
      CREATE INDEX incoming_payments_page ON "incomingPayments" ("walletAddressId", "createdAt", id);
      CREATE INDEX incoming_payments_due ON "incomingPayments" ("processAt") WHERE "processAt" IS NOT NULL;

      CREATE TABLE quotes (
        id uuid PRIMARY KEY,
        "walletAddressId" uuid NOT NULL REFERENCES "walletAddresses",
        "assetId" uuid NOT NULL REFERENCES assets,
        "tenantId" uuid NOT NULL REFERENCES tenants,
        receiver text NOT NULL,
        method text NOT NULL CHECK (method IN ('LOCAL', 'ILP')),
        "debitAmountValue" numeric(20) NOT NULL,
        "debitAmountMinusFees" numeric(20) NOT NULL,
        "receiveAmountValue" numeric(20) NOT NULL,
        "receiveAmountAssetCode" text NOT NULL,
        "receiveAmountAssetScale" smallint NOT NULL,
        "estimatedExchangeRate" double precision,
        "feeId" uuid REFERENCES fees,
        client text,
        "expiresAt" timestamptz NOT NULL,
        "createdAt" timestamptz NOT NULL
      );
      CREATE INDEX quotes_page ON quotes ("walletAddressId", "createdAt", id);

      -- What sending needs to keep the quote's word. The own conversion is fixed for one next hop's asset.
      CREATE TABLE "ilpQuoteDetails" (
        "quoteId" uuid PRIMARY KEY REFERENCES quotes ON DELETE CASCADE,
        "maxPacketAmount" numeric(20),
        "minRateNumerator" numeric NOT NULL,
        "minRateDenominator" numeric NOT NULL,
        "lowRateNumerator" numeric NOT NULL,
        "lowRateDenominator" numeric NOT NULL,
        "highRateNumerator" numeric NOT NULL,
        "highRateDenominator" numeric NOT NULL,
        "conversionAssetId" uuid,
        "conversionNumerator" numeric,
        "conversionDenominator" numeric
      );

      CREATE TABLE "outgoingPayments" (
        id uuid PRIMARY KEY REFERENCES quotes,
        "walletAddressId" uuid NOT NULL REFERENCES "walletAddresses",
        "tenantId" uuid NOT NULL REFERENCES tenants,
        receiver text NOT NULL,
        state text NOT NULL CHECK (state IN ('FUNDING', 'SENDING', 'COMPLETED', 'FAILED', 'CANCELLED')),
        error text,
        "stateAttempts" integer NOT NULL DEFAULT 0,
        client text,
        "grantId" text,
        metadata json,
        "initiatedBy" text NOT NULL CHECK ("initiatedBy" IN ('CARD', 'OPEN_PAYMENTS', 'ADMIN')),
        "dataToTransmit" text,
        -- Known when sending ended; until then the ledger tells.
        "sentAmountValue" numeric(20),
        "deliveredAmountValue" numeric(20),
        -- When the sending worker looks at it next. Null: nothing to do.
        "processAt" timestamptz,
        "leaseOwner" uuid,
        "leaseEpoch" integer NOT NULL DEFAULT 0,
        "leaseDeadline" timestamptz,
        "firstPacketAt" timestamptz,
        "createdAt" timestamptz NOT NULL,
        "updatedAt" timestamptz NOT NULL
      );
      CREATE INDEX outgoing_payments_page ON "outgoingPayments" ("walletAddressId", "createdAt", id);
      CREATE INDEX outgoing_payments_due ON "outgoingPayments" ("processAt") WHERE "processAt" IS NOT NULL;
      CREATE INDEX outgoing_payments_grant ON "outgoingPayments" ("grantId", "createdAt") WHERE "grantId" IS NOT NULL;

      CREATE TABLE "outgoingPaymentAttempts" (
        "outgoingPaymentId" uuid NOT NULL REFERENCES "outgoingPayments" ON DELETE CASCADE,
        epoch integer NOT NULL,
        destination text NOT NULL,
        -- AES-256-GCM under a key derived from STREAM_SECRET.
        "sharedSecret" text NOT NULL,
        "firstSequence" bigint NOT NULL,
        "receivedAmountBaseline" numeric(20),
        "minRateNumerator" numeric NOT NULL,
        "minRateDenominator" numeric NOT NULL,
        "createdAt" timestamptz NOT NULL,
        PRIMARY KEY ("outgoingPaymentId", epoch)
      );

      -- Running sums per grant and interval: a check costs the same on the first payment and the ten-thousandth.
      CREATE TABLE "outgoingPaymentGrants" (
        id text PRIMARY KEY,
        "createdAt" timestamptz NOT NULL
      );
      CREATE TABLE "outgoingPaymentGrantSpentAmounts" (
        "grantId" text NOT NULL REFERENCES "outgoingPaymentGrants" ON DELETE CASCADE,
        -- The grant's whole life when -infinity.
        "intervalStart" timestamptz NOT NULL,
        "intervalEnd" timestamptz,
        "debitAmountValue" numeric(39) NOT NULL DEFAULT 0,
        "debitAmountCode" text NOT NULL,
        "debitAmountScale" smallint NOT NULL,
        "receiveAmountValue" numeric(39) NOT NULL DEFAULT 0,
        "receiveAmountCode" text NOT NULL,
        "receiveAmountScale" smallint NOT NULL,
        PRIMARY KEY ("grantId", "intervalStart")
      );
      ALTER TABLE "outgoingPayments"
        ADD COLUMN "grantIntervalStart" timestamptz;
    `
  },
  {
    name: '0004_webhooks_liquidity',
    up: `
      CREATE TABLE "webhookEvents" (
        id uuid PRIMARY KEY,
        type text NOT NULL,
        -- json, not jsonb: kept as it was written, whatever characters a wallet's metadata holds.
        data json NOT NULL,
        "tenantId" uuid NOT NULL REFERENCES tenants,
        -- What the event is about: deliveries of one resource go out in the order of their sequence.
        "resourceKey" text NOT NULL,
        sequence bigserial UNIQUE,
        "withdrawalAccountId" uuid,
        "withdrawalAssetId" uuid,
        "withdrawalAmount" numeric(39),
        "incomingPaymentId" uuid,
        "outgoingPaymentId" uuid,
        "walletAddressId" uuid,
        "peerId" uuid,
        "assetId" uuid,
        "createdAt" timestamptz NOT NULL
      );
      CREATE INDEX webhook_events_page ON "webhookEvents" ("createdAt", id);
      CREATE INDEX webhook_events_incoming ON "webhookEvents" ("incomingPaymentId") WHERE "incomingPaymentId" IS NOT NULL;
      CREATE INDEX webhook_events_outgoing ON "webhookEvents" ("outgoingPaymentId") WHERE "outgoingPaymentId" IS NOT NULL;

      -- One row per recipient of an event.
      CREATE TABLE webhooks (
        id uuid PRIMARY KEY,
        "eventId" uuid NOT NULL REFERENCES "webhookEvents" ON DELETE CASCADE,
        "recipientTenantId" uuid NOT NULL REFERENCES tenants,
        "resourceKey" text NOT NULL,
        sequence bigint NOT NULL,
        state text NOT NULL CHECK (state IN ('PENDING', 'DELIVERED', 'FAILED')),
        attempts integer NOT NULL DEFAULT 0,
        "statusCode" integer,
        "processAt" timestamptz,
        "leaseOwner" uuid,
        "leaseEpoch" integer NOT NULL DEFAULT 0,
        "leaseDeadline" timestamptz,
        "createdAt" timestamptz NOT NULL,
        "updatedAt" timestamptz NOT NULL
      );
      CREATE INDEX webhooks_due ON webhooks ("recipientTenantId", "processAt", sequence) WHERE state = 'PENDING';
      CREATE INDEX webhooks_order ON webhooks ("recipientTenantId", "resourceKey", sequence) WHERE state = 'PENDING';
      CREATE INDEX webhooks_event ON webhooks ("eventId");

      -- Ids that callers chose (deposits, withdrawals) and the ledger ids that stand for them: a ledger id that
      -- was refused is spent, so asking again under the same outer id needs a fresh one.
      CREATE TABLE "liquidityTransfers" (
        id uuid NOT NULL,
        attempt integer NOT NULL,
        "ledgerTransferId" uuid NOT NULL UNIQUE,
        kind text NOT NULL CHECK (kind IN ('DEPOSIT', 'WITHDRAWAL')),
        "accountId" uuid NOT NULL,
        "assetId" uuid NOT NULL REFERENCES assets,
        amount numeric(39) NOT NULL,
        "timeoutSeconds" integer NOT NULL,
        state text NOT NULL CHECK (state IN ('STARTED', 'PENDING', 'POSTED', 'VOIDED', 'REFUSED')),
        "expiresAt" timestamptz,
        "createdAt" timestamptz NOT NULL,
        "updatedAt" timestamptz NOT NULL,
        PRIMARY KEY (id, attempt)
      );
      CREATE INDEX liquidity_transfers_unfinished ON "liquidityTransfers" (id) WHERE state = 'STARTED';

      -- Processes that reserve packets. A dead one's expired reservations are voided by the next that starts.
      CREATE TABLE incarnations (
        id uuid PRIMARY KEY,
        "leaseDeadline" timestamptz NOT NULL,
        "createdAt" timestamptz NOT NULL
      );
    `
  }
]
