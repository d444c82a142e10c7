/**
 * Frees the balances of up to p_limit reservations whose time has passed, the oldest first, and answers how many.
 * Account rows are locked in the order of their ids, as batches do.
 */
export const sweepSql = `
CREATE FUNCTION ledger_sweep_expired(p_now_ms bigint, p_limit integer)
RETURNS integer LANGUAGE plpgsql SET plan_cache_mode = force_generic_plan SET enable_seqscan = off SET jit = off AS $function$
DECLARE
  expired uuid[];
  accounts uuid[];
BEGIN
  SELECT array_agg(due.id) INTO expired FROM (
    SELECT id FROM "ledgerPendingTransfers" WHERE "expiresAtMs" <= p_now_ms ORDER BY "expiresAtMs", id LIMIT p_limit
  ) due;
  IF expired IS NULL THEN
    RETURN 0;
  END IF;

  SELECT array_agg(locked.id) INTO accounts FROM (
    SELECT a.id FROM "ledgerAccounts" a
    WHERE a.id = ANY (ARRAY(
      SELECT "debitAccountId" FROM "ledgerTransfers" WHERE id = ANY (expired)
      UNION
      SELECT "creditAccountId" FROM "ledgerTransfers" WHERE id = ANY (expired)
    ))
    ORDER BY a.id
    FOR NO KEY UPDATE
  ) locked;

  -- Others may have ended or swept some of them while this waited for the locks.
  WITH freed AS (
    DELETE FROM "ledgerPendingTransfers" WHERE id = ANY (expired) RETURNING id
  ), changes AS (
    SELECT m.account, sum(m.debits) AS debits, sum(m.credits) AS credits
    FROM freed
    CROSS JOIN LATERAL (SELECT * FROM "ledgerTransfers" x WHERE x.id = freed.id OFFSET 0) t
    CROSS JOIN LATERAL (VALUES (t."debitAccountId", t.amount, 0), (t."creditAccountId", 0, t.amount))
      AS m(account, debits, credits)
    GROUP BY m.account
  )
  UPDATE "ledgerAccounts" a SET
    "debitsPending" = a."debitsPending" - c.debits,
    "creditsPending" = a."creditsPending" - c.credits
  FROM changes c
  WHERE a.id = ANY (accounts) AND a.id = c.account;

  RETURN cardinality(expired);
END
$function$;
`
