/** Sums of bigint are several times faster than sums of numeric; larger amounts go the ordered way. */
export const LARGEST_PLAIN_AMOUNT = 2n ** 62n

/**
 * The way of nearly every batch: two statements, whatever its size. It applies a batch in which every event
 * succeeds whatever the order, else it changes nothing and hands over to the ordered way.
 *
 * Whatever the order: no event depends on another of the batch (the caller says so by p_plain: distinct ids,
 * distinct pending ids, none of them created here, nothing balancing, no
 * amount above LARGEST_PLAIN_AMOUNT, no open chain, no record wrong in itself),
 * and no account runs short even if all its debits came before all its credits. Then chains hold by themselves.
 *
 * Both ways lock the rows of all accounts involved first, in the order of their ids: no two batches can wait for
 * each other, and each statement after the lock sees what the batches before it committed. Tables are reached
 * through LATERAL … OFFSET 0 or = ANY(array), so that a plan made while they were small uses their indexes too.
 * That plan is kept: to plan a lone transfer anew each time takes three times its cost.
 */
export const plainBatchSql = `
CREATE FUNCTION ledger_create_transfers(
  p_now_ms bigint, p_plain boolean,
  p_ids uuid[], p_debits uuid[], p_credits uuid[], p_amounts numeric[], p_ledgers bigint[], p_codes integer[],
  p_flags integer[], p_timeouts bigint[], p_pending_ids uuid[],
  p_data128 uuid[], p_data64 numeric[], p_data32 bigint[],
  p_refusals text[], p_first_positions integer[]
) RETURNS text LANGUAGE plpgsql SET plan_cache_mode = force_generic_plan SET enable_seqscan = off SET jit = off AS $function$
DECLARE
  accounts uuid[];
  applied boolean;
BEGIN
  SELECT array_agg(locked.id) INTO accounts FROM (
    SELECT a.id FROM "ledgerAccounts" a
    WHERE a.id = ANY (ARRAY(
      SELECT unnest(p_debits) UNION SELECT unnest(p_credits) UNION
      SELECT side.account
      FROM unnest(p_pending_ids) AS n(pending_id)
      CROSS JOIN LATERAL (
        SELECT t."debitAccountId", t."creditAccountId" FROM "ledgerTransfers" t WHERE t.id = n.pending_id OFFSET 0
      ) p
      CROSS JOIN LATERAL (VALUES (p."debitAccountId"), (p."creditAccountId")) AS side(account)
    ))
    ORDER BY a.id
    FOR NO KEY UPDATE
  ) locked;

  IF p_plain THEN
    WITH events AS MATERIALIZED (
      SELECT n.pos, n.id, n.flags, n.timeout_s, n.pending_id,
        CASE WHEN n.pending_id IS NULL THEN n.debit ELSE p."debitAccountId" END AS debit,
        CASE WHEN n.pending_id IS NULL THEN n.credit ELSE p."creditAccountId" END AS credit,
        CASE WHEN n.pending_id IS NULL THEN n.amount ELSE p.asked END::bigint AS amount,
        -- What leaves the pending balances.
        CASE WHEN n.pending_id IS NULL THEN 0 ELSE p.amount END::bigint AS released,
        CASE WHEN n.pending_id IS NULL THEN n.ledger ELSE p.ledger END AS ledger,
        CASE WHEN n.pending_id IS NULL THEN n.code ELSE p.code END AS code,
        coalesce(n.data128, p."userData128") AS data128,
        coalesce(n.data64, p."userData64") AS data64,
        coalesce(n.data32, p."userData32") AS data32
      FROM unnest(
        p_ids, p_debits, p_credits, p_amounts, p_ledgers, p_codes, p_flags, p_timeouts, p_pending_ids,
        p_data128, p_data64, p_data32
      ) WITH ORDINALITY AS n(
        id, debit, credit, amount, ledger, code, flags, timeout_s, pending_id, data128, data64, data32, pos
      )
      LEFT JOIN LATERAL (
        SELECT t."debitAccountId", t."creditAccountId", t.amount, t.ledger, t.code,
          t."userData128", t."userData64", t."userData32", asked.asked
        FROM "ledgerTransfers" t
        CROSS JOIN LATERAL (
          SELECT CASE
            WHEN n.flags & 8 <> 0 AND n.amount = 0 THEN t.amount
            WHEN n.flags & 4 <> 0 AND n.amount = 340282366920938463463374607431768211455 THEN t.amount
            ELSE n.amount
          END AS asked
        ) asked
        WHERE t.id = n.pending_id
          AND t.amount <= ${LARGEST_PLAIN_AMOUNT}
          AND EXISTS (
            SELECT FROM "ledgerPendingTransfers" held
            WHERE held.id = n.pending_id AND (held."expiresAtMs" IS NULL OR held."expiresAtMs" > p_now_ms)
            OFFSET 0
          )
          AND coalesce(n.debit, t."debitAccountId") = t."debitAccountId"
          AND coalesce(n.credit, t."creditAccountId") = t."creditAccountId"
          AND (n.ledger = 0 OR n.ledger = t.ledger)
          AND (n.code = 0 OR n.code = t.code)
          AND CASE WHEN n.flags & 8 <> 0 THEN asked.asked = t.amount ELSE asked.asked <= t.amount END
        OFFSET 0
      ) p ON n.pending_id IS NOT NULL
    ),
    -- Few pairs of accounts move much: their sums first. An end whose reservation was not found has no account
    -- and fails below.
    pairs AS (
      SELECT debit, credit, min(ledger) AS lowest_ledger, max(ledger) AS highest_ledger,
        sum(CASE WHEN flags & 2 <> 0 THEN amount ELSE -released END) AS pending,
        sum(CASE WHEN flags & 10 <> 0 THEN 0 ELSE amount END) AS posted,
        sum(CASE WHEN pending_id IS NULL THEN amount ELSE 0 END) AS new
      FROM events
      GROUP BY debit, credit
    ),
    changes AS MATERIALIZED (
      SELECT side.account, min(lowest_ledger) AS lowest_ledger, max(highest_ledger) AS highest_ledger,
        sum(side.debit_pending) AS debit_pending, sum(side.debit_posted) AS debit_posted,
        sum(side.credit_pending) AS credit_pending, sum(side.credit_posted) AS credit_posted,
        sum(side.new_debit) AS new_debit, sum(side.new_credit) AS new_credit
      FROM pairs
      CROSS JOIN LATERAL (VALUES
        (debit, pending, posted, 0, 0, new, 0),
        (credit, 0, 0, pending, posted, 0, new)
      ) AS side(account, debit_pending, debit_posted, credit_pending, credit_posted, new_debit, new_credit)
      GROUP BY side.account
    ),
    verdict AS MATERIALIZED (
      SELECT NOT EXISTS (
        SELECT FROM changes c
        LEFT JOIN LATERAL (
          SELECT * FROM "ledgerAccounts" WHERE id = c.account OFFSET 0
        ) a ON true
        -- An account that was committed while this waited for the locks is not locked.
        LEFT JOIN unnest(accounts) AS locked(id) ON locked.id = c.account
        WHERE a.id IS NULL OR locked.id IS NULL OR c.lowest_ledger <> a.ledger OR c.highest_ledger <> a.ledger
          OR (a.flags & 2 <> 0 AND a."debitsPending" + a."debitsPosted" + c.new_debit > a."creditsPosted")
          OR (a.flags & 4 <> 0 AND a."creditsPending" + a."creditsPosted" + c.new_credit > a."debitsPosted")
      )
      AND NOT EXISTS (SELECT FROM "ledgerTransfers" WHERE id = ANY (p_ids))
      AND NOT EXISTS (SELECT FROM "ledgerRefusedTransfers" WHERE id = ANY (p_ids)) AS holds
    ),
    updated AS (
      UPDATE "ledgerAccounts" a SET
        "debitsPending" = a."debitsPending" + c.debit_pending,
        "debitsPosted" = a."debitsPosted" + c.debit_posted,
        "creditsPending" = a."creditsPending" + c.credit_pending,
        "creditsPosted" = a."creditsPosted" + c.credit_posted
      FROM changes c, verdict
      WHERE verdict.holds AND a.id = ANY (accounts) AND a.id = c.account
    ),
    booked AS (
      INSERT INTO "ledgerTransfers" (
        id, "timestamp", "createdAtMs", "debitAccountId", "creditAccountId", amount, ledger, code, flags,
        "timeoutS", "pendingId", "userData128", "userData64", "userData32"
      )
      SELECT e.id, nextval('"ledgerTimestamps"'), p_now_ms, e.debit, e.credit, e.amount, e.ledger, e.code, e.flags,
        e.timeout_s, e.pending_id, e.data128, e.data64, e.data32
      FROM (SELECT events.* FROM events, verdict WHERE verdict.holds ORDER BY pos) e
    ),
    reserved AS (
      INSERT INTO "ledgerPendingTransfers" (id, "expiresAtMs")
      SELECT e.id, CASE WHEN e.timeout_s > 0 THEN p_now_ms + e.timeout_s * 1000 END
      FROM events e, verdict WHERE verdict.holds AND e.flags & 2 <> 0
    ),
    ended AS (
      DELETE FROM "ledgerPendingTransfers"
      WHERE id = ANY (p_pending_ids) AND (SELECT holds FROM verdict)
    )
    SELECT holds INTO applied FROM verdict;
    IF applied THEN
      -- All are ok.
      RETURN NULL;
    END IF;
  END IF;

  RETURN ledger_create_transfers_in_order(
    accounts, p_now_ms, p_ids, p_debits, p_credits, p_amounts, p_ledgers, p_codes, p_flags, p_timeouts,
    p_pending_ids, p_data128, p_data64, p_data32, p_refusals, p_first_positions
  );
END
$function$;
`
