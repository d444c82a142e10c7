import type { Migration } from '../runtime/index.ts'
import { firstTables } from './first-tables.ts'

/**
 * The backend's tables. Time and ids are always parameters: no column has a clock or a generator as default.
 * Amounts are numeric(20): unsigned 64-bit minor units.
 */
export const backendMigrations: Migration[] = [
  ...firstTables,
  {
    name: '0005_low_liquidity',
    up: `
      -- Accounts of assets and peers whose wallet was told that their liquidity is low, until they are filled again.
      CREATE TABLE "lowLiquidity" (
        "accountId" uuid PRIMARY KEY,
        "createdAt" timestamptz NOT NULL
      );
    `
  },
  {
    name: '0006_auto_peering',
    up: `
      ALTER TABLE peers ADD COLUMN "autoPeered" boolean NOT NULL DEFAULT false;

      -- Nodes that ask to peer and wait for the operator.
      CREATE TABLE "autoPeeringRequests" (
        id uuid PRIMARY KEY,
        "peerHost" text NOT NULL,
        "peerUrl" text NOT NULL,
        "staticIlpAddress" text NOT NULL,
        "ilpConnectorUrl" text NOT NULL,
        "assetCode" text NOT NULL,
        "assetScale" smallint NOT NULL,
        name text,
        "createdAt" timestamptz NOT NULL,
        "updatedAt" timestamptz NOT NULL,
        UNIQUE ("peerHost", "assetCode", "assetScale")
      );

      -- Nodes that were asked and whose operator has to approve: on which terms their own request is admitted.
      CREATE TABLE "autoPeeringInvitations" (
        id uuid PRIMARY KEY,
        "tenantId" uuid NOT NULL REFERENCES tenants,
        "assetId" uuid NOT NULL REFERENCES assets,
        "peerHost" text NOT NULL,
        name text,
        "maxPacketAmount" numeric(20),
        "liquidityThreshold" numeric(20),
        "liquidityToDeposit" numeric(20),
        "createdAt" timestamptz NOT NULL,
        "expiresAt" timestamptz NOT NULL,
        UNIQUE ("tenantId", "assetId", "peerHost")
      );
    `
  },
  {
    name: '0007_packet_lifetimes',
    up: `
      -- The longest life of an attempt's packets, in milliseconds: what they left in doubt is settled after it.
      ALTER TABLE "outgoingPaymentAttempts" ADD COLUMN "packetLifetimeMs" integer NOT NULL DEFAULT 30000;
    `
  },
  {
    name: '0008_ledger_owner',
    up: `
      -- Where the books of this database are: one row, written by the first start.
      CREATE TABLE "ledgerOwner" (
        single boolean PRIMARY KEY DEFAULT true CHECK (single),
        ledger text NOT NULL CHECK (ledger IN ('postgres', 'tigerbeetle', 'memory')),
        -- What marks a TigerBeetle cluster as this database's, and whether the mark was seen there.
        "ownerId" uuid NOT NULL,
        "clusterId" numeric(39),
        "isMarked" boolean NOT NULL DEFAULT false,
        "createdAt" timestamptz NOT NULL
      );
    `
  },
  {
    name: '0009_web_monetization',
    up: `
      -- Whether it was ever paid itself, rather than an incoming payment: its ledger account exists then.
      ALTER TABLE "walletAddresses" ADD COLUMN "isPaidDirectly" boolean NOT NULL DEFAULT false;
      CREATE INDEX wallet_addresses_paid_directly ON "walletAddresses" (id) WHERE "isPaidDirectly";
      CREATE INDEX wallet_addresses_due ON "walletAddresses" ("processAt") WHERE "processAt" IS NOT NULL;
    `
  },
  {
    name: '0010_low_liquidity_generations',
    up: `
      -- Rows stay; a change says which state it leaves.
      ALTER TABLE "lowLiquidity"
        ADD COLUMN "isLow" boolean NOT NULL DEFAULT true,
        ADD COLUMN generation integer NOT NULL DEFAULT 1;
    `
  },
  {
    name: '0011_btp_settlements',
    up: `
      ALTER TABLE peers
        ADD COLUMN "maxSettledOverBtp" numeric(20),
        ADD COLUMN "settledOverBtp" numeric(20) NOT NULL DEFAULT 0;

      -- What peers said that they have settled, under their own ids; "id" is the deposit's. Rows outlive the peer.
      CREATE TABLE "btpSettlements" (
        id uuid PRIMARY KEY,
        "peerId" uuid NOT NULL,
        "transferId" text NOT NULL,
        amount numeric(20) NOT NULL CHECK (amount > 0),
        "createdAt" timestamptz NOT NULL,
        UNIQUE ("peerId", "transferId")
      );
    `
  },
  {
    name: '0012_auto_peering_credits',
    up: `
      -- Which peer of a host from the list has the credit that the operator grants the host. Rows outlive the peer.
      CREATE TABLE "autoPeeringCredits" (
        "peerHost" text NOT NULL,
        "assetId" uuid NOT NULL REFERENCES assets,
        "peerId" uuid NOT NULL,
        "depositId" uuid NOT NULL,
        amount numeric(20) NOT NULL CHECK (amount > 0),
        "createdAt" timestamptz NOT NULL,
        PRIMARY KEY ("peerHost", "assetId")
      );
    `
  },
  {
    name: '0013_auto_peered_hosts',
    up: `
      -- Which host peered by itself: its connector may stand on another one.
      ALTER TABLE peers ADD COLUMN "autoPeeredHost" text;
      UPDATE peers SET "autoPeeredHost" = lower(substring("outgoingEndpoint" FROM '^[a-z+]+://(\\[[^]]*\\]|[^/:?#]+)'))
        WHERE "autoPeered";
    `
  },
  {
    name: '0014_card_payments',
    up: `
      -- Of payments that are initiated by CARD. json, not jsonb: what the card signed is kept as it was written.
      ALTER TABLE "outgoingPayments" ADD COLUMN "cardDetails" json;
    `
  },
  {
    name: '0015_webhook_receivers',
    up: `
      -- Who is sent to: a tenant's id, or the name of a service that works for all of them.
      ALTER TABLE webhooks ADD COLUMN receiver text, ADD COLUMN "lastError" text;
      UPDATE webhooks SET receiver = "recipientTenantId"::text;
      ALTER TABLE webhooks ALTER COLUMN receiver SET NOT NULL;
      DROP INDEX webhooks_due;
      DROP INDEX webhooks_order;
      -- First attempts and repeats have places of their own.
      CREATE INDEX webhooks_due ON webhooks (receiver, (attempts > 0), "processAt", sequence) WHERE state = 'PENDING';
      CREATE INDEX webhooks_order ON webhooks (receiver, "resourceKey", sequence) WHERE state = 'PENDING';
      CREATE INDEX webhooks_failed ON webhooks ("eventId") WHERE state = 'FAILED';
    `
  },
  {
    name: '0016_tenants_told',
    up: `
      -- What the authorization server is owed (node/backend/tenants/model.ts).
      ALTER TABLE tenants
        ADD COLUMN state text NOT NULL DEFAULT 'ACTIVE'
          CHECK (state IN ('CREATING', 'ACTIVE', 'UPDATING', 'DELETING', 'DELETED')),
        ADD COLUMN revision integer NOT NULL DEFAULT 1,
        ADD COLUMN pending jsonb,
        ADD COLUMN "processAt" timestamptz;
      UPDATE tenants SET state = 'DELETED' WHERE "deletedAt" IS NOT NULL;
      CREATE INDEX tenants_due ON tenants ("processAt") WHERE "processAt" IS NOT NULL;
      CREATE INDEX tenants_list ON tenants ("createdAt", id);
      CREATE UNIQUE INDEX tenant_settings_wallet_address_url ON "tenantSettings" (lower(rtrim(value, '/')))
        WHERE key = 'WALLET_ADDRESS_URL';

      -- The tenant that had it created on this node, where that is not its own (createReceiver).
      ALTER TABLE "incomingPayments" ADD COLUMN "creatorTenantId" uuid REFERENCES tenants;
    `
  },
  {
    name: '0017_payments_that_need_approval',
    up: `
      ALTER TABLE "incomingPayments" ADD COLUMN "needsApproval" boolean NOT NULL DEFAULT false;
    `
  },
  {
    name: '0018_payment_lists',
    up: `
      -- The lists over all wallet addresses, of each kind and of both together.
      CREATE INDEX incoming_payments_list ON "incomingPayments" ("createdAt", id);
      CREATE INDEX outgoing_payments_list ON "outgoingPayments" ("createdAt", id);
    `
  },
  {
    name: '0019_withdrawals_asked_again',
    up: `
      -- A withdrawal that lapsed may be asked again, as one that was voided; its time is 32 bits without a sign.
      ALTER TABLE "liquidityTransfers" DROP CONSTRAINT "liquidityTransfers_state_check";
      ALTER TABLE "liquidityTransfers" ADD CONSTRAINT "liquidityTransfers_state_check"
        CHECK (state IN ('STARTED', 'PENDING', 'POSTED', 'VOIDED', 'LAPSED', 'REFUSED'));
      ALTER TABLE "liquidityTransfers" ALTER COLUMN "timeoutSeconds" TYPE bigint;
    `
  },
  {
    name: '0020_lists_of_keys',
    up: `
      -- Pages of keys, revoked ones included, of many wallet addresses in one statement.
      CREATE INDEX wallet_address_keys_page ON "walletAddressKeys" ("walletAddressId", "createdAt", id);
    `
  },
  {
    name: '0021_sums_of_each_limit',
    up: `
      -- A grant may limit several wallet addresses, and each may pay in and to several assets: their sums are
      -- apart, and are taken from the payments once more.
      TRUNCATE "outgoingPaymentGrantSpentAmounts";
      ALTER TABLE "outgoingPaymentGrantSpentAmounts"
        DROP CONSTRAINT "outgoingPaymentGrantSpentAmounts_pkey",
        DROP COLUMN "intervalEnd",
        ADD COLUMN "walletAddressId" uuid NOT NULL REFERENCES "walletAddresses",
        ADD COLUMN "createdAt" timestamptz NOT NULL,
        ADD PRIMARY KEY ("grantId", "intervalStart", "walletAddressId", "debitAmountCode", "debitAmountScale",
          "receiveAmountCode", "receiveAmountScale");
      INSERT INTO "outgoingPaymentGrantSpentAmounts" ("grantId", "intervalStart", "walletAddressId",
        "debitAmountCode", "debitAmountScale", "receiveAmountCode", "receiveAmountScale",
        "debitAmountValue", "receiveAmountValue", "createdAt")
      SELECT payments."grantId", counted.start, payments."walletAddressId",
        assets.code, assets.scale, quotes."receiveAmountAssetCode", quotes."receiveAmountAssetScale",
        sum(CASE payments.state WHEN 'CANCELLED' THEN 0 WHEN 'FAILED' THEN payments."sentAmountValue"
          ELSE quotes."debitAmountValue" END),
        sum(CASE WHEN payments.state = 'CANCELLED' THEN 0
          WHEN payments.state IN ('FAILED', 'COMPLETED') THEN payments."deliveredAmountValue"
          ELSE quotes."receiveAmountValue" END),
        min(payments."createdAt")
      FROM "outgoingPayments" payments
        JOIN "outgoingPaymentGrants" grants ON grants.id = payments."grantId"
        JOIN quotes ON quotes.id = payments.id
        JOIN assets ON assets.id = quotes."assetId"
        CROSS JOIN LATERAL (VALUES ('-infinity'::timestamptz), (payments."grantIntervalStart")) counted (start)
      WHERE counted.start IS NOT NULL
      GROUP BY 1, 2, 3, 4, 5, 6, 7;
    `
  },
  {
    name: '0022_creation_claims',
    up: `
      -- Ids of what is made under idempotency keys, for the keys' lifetime: a repeat makes the same row, or finds it.
      CREATE TABLE "creationClaims" (
        "keyHash" bytea PRIMARY KEY,
        "inputHash" bytea NOT NULL,
        id uuid NOT NULL,
        "expiresAt" timestamptz NOT NULL
      );
      CREATE INDEX creation_claims_ended ON "creationClaims" ("expiresAt");
    `
  },
  {
    name: '0023_repeated_creation_claims',
    up: `
      -- A claim that a second call found: the first, when it is refused, leaves it to that one.
      ALTER TABLE "creationClaims" ADD COLUMN "isRepeated" boolean NOT NULL DEFAULT false;
    `
  },
  {
    name: '0024_numbers_of_assets',
    up: `
      -- Ledger number and id of an asset, before its accounts and its row: who asks for the same asset gets the same.
      CREATE TABLE "assetNumbers" (
        "tenantId" uuid NOT NULL REFERENCES tenants ON DELETE CASCADE,
        code text NOT NULL,
        scale smallint NOT NULL,
        ledger smallint NOT NULL UNIQUE,
        id uuid NOT NULL UNIQUE,
        PRIMARY KEY ("tenantId", code, scale)
      );
    `
  },
  {
    name: '0025_lists_of_tenants',
    up: `
      -- Lists of one tenant beside many rows of others, and of all wallet addresses.
      CREATE INDEX wallet_addresses_list ON "walletAddresses" ("createdAt", id);
      CREATE INDEX wallet_addresses_of_tenant ON "walletAddresses" ("tenantId", "createdAt", id);
      CREATE INDEX incoming_payments_of_tenant ON "incomingPayments" ("tenantId", "createdAt", id);
      CREATE INDEX outgoing_payments_of_tenant ON "outgoingPayments" ("tenantId", "createdAt", id);
      CREATE INDEX webhook_events_of_tenant ON "webhookEvents" ("tenantId", "createdAt", id);
    `
  },
  {
    name: '0026_search_of_payments',
    up: `
      -- Payments of a state, of which there may be few among many, and of a receiver, whose URL may be longer than
      -- an index takes.
      CREATE INDEX incoming_payments_state ON "incomingPayments" (state, "createdAt", id) WHERE "deletedAt" IS NULL;
      CREATE INDEX incoming_payments_tenant_state ON "incomingPayments" ("tenantId", state, "createdAt", id)
        WHERE "deletedAt" IS NULL;
      CREATE INDEX outgoing_payments_state ON "outgoingPayments" (state, "createdAt", id);
      CREATE INDEX outgoing_payments_tenant_state ON "outgoingPayments" ("tenantId", state, "createdAt", id);
      CREATE INDEX outgoing_payments_receiver ON "outgoingPayments" (md5(receiver), "createdAt", id);
    `
  },
  {
    name: '0027_events_of_a_resource',
    up: `
      -- Lists of the events about one payment, wallet address, peer or asset.
      CREATE INDEX webhook_events_resource ON "webhookEvents"
        (coalesce("incomingPaymentId", "outgoingPaymentId", "walletAddressId", "peerId", "assetId"), "createdAt", id);
    `
  }
]
