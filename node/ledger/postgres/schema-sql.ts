/**
 * Tables. Ids are written as UUIDs (128 bits); a 0 of the port is NULL where a column allows it.
 *
 * A pending transfer has a row in "ledgerPendingTransfers" exactly while its balances are held. What became of
 * it afterwards is told by the transfer whose "pendingId" names it; there is none when it expired. So no row of
 * the growing table is ever updated, and what is in doubt is found in a small one.
 */
export const schemaSql = `
CREATE TABLE "ledgerAccounts" (
  id uuid PRIMARY KEY,
  ledger bigint NOT NULL,
  code integer NOT NULL,
  -- Bits: 1 linked, 2 debits must not exceed credits, 4 credits must not exceed debits, 8 history.
  flags integer NOT NULL,
  "userData128" uuid,
  "debitsPending" numeric NOT NULL DEFAULT 0 CHECK ("debitsPending" >= 0),
  "debitsPosted" numeric NOT NULL DEFAULT 0,
  "creditsPending" numeric NOT NULL DEFAULT 0 CHECK ("creditsPending" >= 0),
  "creditsPosted" numeric NOT NULL DEFAULT 0,
  CHECK (flags & 2 = 0 OR "debitsPending" + "debitsPosted" <= "creditsPosted"),
  CHECK (flags & 4 = 0 OR "creditsPending" + "creditsPosted" <= "debitsPosted")
) WITH (fillfactor = 50, autovacuum_vacuum_scale_factor = 0.02, autovacuum_vacuum_threshold = 1000);
-- Room in the page lets a busy account's new versions stay where the old ones were.

CREATE SEQUENCE "ledgerTimestamps";

CREATE TABLE "ledgerTransfers" (
  id uuid PRIMARY KEY,
  "timestamp" bigint NOT NULL,
  "createdAtMs" bigint NOT NULL,
  "debitAccountId" uuid NOT NULL,
  "creditAccountId" uuid NOT NULL,
  amount numeric(20) NOT NULL CHECK (amount >= 0),
  ledger bigint NOT NULL,
  code integer NOT NULL,
  -- Bits: 1 linked, 2 pending, 4 post pending, 8 void pending, 16 balancing debit.
  flags integer NOT NULL,
  "timeoutS" bigint NOT NULL,
  "pendingId" uuid,
  "userData128" uuid,
  "userData64" numeric(20),
  "userData32" bigint
);
CREATE INDEX "ledgerTransfersOfDebitAccount" ON "ledgerTransfers" ("debitAccountId", "timestamp");
CREATE INDEX "ledgerTransfersOfCreditAccount" ON "ledgerTransfers" ("creditAccountId", "timestamp");
CREATE INDEX "ledgerTransfersOfUserData128" ON "ledgerTransfers" ("userData128", "timestamp")
  WHERE "userData128" IS NOT NULL;
CREATE UNIQUE INDEX "ledgerTransfersOfPendingId" ON "ledgerTransfers" ("pendingId")
  WHERE "pendingId" IS NOT NULL;

CREATE TABLE "ledgerPendingTransfers" (
  id uuid PRIMARY KEY,
  "expiresAtMs" bigint
) WITH (autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 10000);
CREATE INDEX "ledgerPendingTransfersByExpiry" ON "ledgerPendingTransfers" ("expiresAtMs")
  WHERE "expiresAtMs" IS NOT NULL;

-- Ids of transfers that were refused for a reason of the moment: they do not succeed while they are kept here.
CREATE TABLE "ledgerRefusedTransfers" (
  id uuid PRIMARY KEY,
  "refusedAtMs" bigint NOT NULL
);
CREATE INDEX "ledgerRefusedTransfersByAge" ON "ledgerRefusedTransfers" USING brin ("refusedAtMs");
`
