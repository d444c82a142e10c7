/**
 * The way of nearly every batch: a few statements, whatever its size. It books a batch in which every event
 * succeeds whatever the order, else it changes nothing and hands over to the ordered way.
 *
 * Whatever the order: no event depends on another of the batch (plain-batch.ts has seen to that, and says by a list
 * of accounts that it did), every reservation to be ended is held, and no account runs short even if all its debits
 * came before all its credits. Then chains hold by themselves. An id that is stored already violates the primary
 * key, one that was refused is a serialization failure: the caller sends such a batch again, for the ordered way.
 *
 * plain-batch.ts has filled in what posts and voids take from their reservations, and summed up what each account's
 * balances change by; so nothing is joined here, and accounts come sorted.
 *
 * Both ways lock the rows of all accounts involved first, in the order of their ids: no two batches can wait for
 * each other, and each statement after the lock sees what the batches before it committed. Tables are reached by
 * = ANY(array), and nested loops are off, so that a plan made while they were small uses their indexes too. That
 * plan is kept: to plan a lone transfer anew each time takes three times its cost.
 *
 * Answers null when all is ok, else the results in order, joined by commas.
 */
export const plainBatchSql = `
CREATE FUNCTION ledger_create_transfers(
  p_now_ms bigint,
  -- Of a plain batch, else empty: accounts in the order of their ids, and what changes. "New" is what moves from
  -- one account to another without having been reserved before.
  p_accounts uuid[], p_account_ledgers bigint[],
  p_debits_pending numeric[], p_debits_posted numeric[], p_credits_pending numeric[], p_credits_posted numeric[],
  p_new_debits numeric[], p_new_credits numeric[],
  p_ended uuid[], p_reserved uuid[], p_reserved_timeouts bigint[],
  -- Events. An array of a plain batch may be empty instead of all NULL.
  p_ids uuid[], p_debits uuid[], p_credits uuid[], p_amounts numeric[], p_ledgers bigint[], p_codes integer[],
  p_flags integer[], p_timeouts bigint[], p_pending_ids uuid[],
  p_data128 uuid[], p_data64 numeric[], p_data32 bigint[],
  p_refusals text[], p_first_positions integer[]
) RETURNS text LANGUAGE plpgsql
SET plan_cache_mode = force_generic_plan SET enable_seqscan = off SET enable_nestloop = off SET jit = off AS $function$
DECLARE
  events CONSTANT integer := cardinality(p_ids);
  found_ids uuid[];
  found_ledgers bigint[]; found_flags integer[];
  debits_pending numeric[]; debits_posted numeric[]; credits_pending numeric[]; credits_posted numeric[];
  holds boolean;
BEGIN
  IF cardinality(p_accounts) > 0 THEN
    SELECT array_agg(a.id), array_agg(a.ledger), array_agg(a.flags), array_agg(a."debitsPending"),
      array_agg(a."debitsPosted"), array_agg(a."creditsPending"), array_agg(a."creditsPosted")
    INTO found_ids, found_ledgers, found_flags, debits_pending, debits_posted, credits_pending, credits_posted
    FROM (SELECT * FROM "ledgerAccounts" WHERE id = ANY (p_accounts) ORDER BY id FOR NO KEY UPDATE) a;

    holds := coalesce(found_ids = p_accounts, false);
    IF holds THEN
      SELECT bool_and(
        a.ledger = a.asked_ledger
        AND (a.flags & 2 = 0 OR a.debits_pending + a.debits_posted + a.new_debit <= a.credits_posted)
        AND (a.flags & 4 = 0 OR a.credits_pending + a.credits_posted + a.new_credit <= a.debits_posted)
      ) INTO holds
      FROM unnest(
        found_ledgers, p_account_ledgers, found_flags, debits_pending, debits_posted, credits_pending,
        credits_posted, p_new_debits, p_new_credits
      ) AS a(
        ledger, asked_ledger, flags, debits_pending, debits_posted, credits_pending, credits_posted, new_debit,
        new_credit
      );
    END IF;
    IF holds AND cardinality(p_ended) > 0 THEN
      SELECT count(*) = cardinality(p_ended) INTO holds FROM "ledgerPendingTransfers"
      WHERE id = ANY (p_ended) AND ("expiresAtMs" IS NULL OR "expiresAtMs" > p_now_ms);
    END IF;

    IF holds THEN
      UPDATE "ledgerAccounts" a SET
        "debitsPending" = a."debitsPending" + c.debit_pending,
        "debitsPosted" = a."debitsPosted" + c.debit_posted,
        "creditsPending" = a."creditsPending" + c.credit_pending,
        "creditsPosted" = a."creditsPosted" + c.credit_posted
      FROM unnest(p_accounts, p_debits_pending, p_debits_posted, p_credits_pending, p_credits_posted)
        AS c(id, debit_pending, debit_posted, credit_pending, credit_posted)
      WHERE a.id = ANY (p_accounts) AND a.id = c.id;

      INSERT INTO "ledgerTransfers" (
        id, "timestamp", "createdAtMs", "debitAccountId", "creditAccountId", amount, ledger, code, flags,
        "timeoutS", "pendingId", "userData128", "userData64", "userData32"
      )
      SELECT n.id, nextval('"ledgerTimestamps"'), p_now_ms, n.debit, n.credit, n.amount, n.ledger, n.code, n.flags,
        n.timeout_s, n.pending_id, n.data128, n.data64, n.data32
      FROM unnest(
        p_ids, p_debits, p_credits, p_amounts, p_ledgers, p_codes, p_flags, p_timeouts, p_pending_ids,
        p_data128, p_data64, p_data32
      ) AS n(
        id, debit, credit, amount, ledger, code, flags, timeout_s, pending_id, data128, data64, data32
      );

      -- With our rows in, whoever refuses one of these ids waits for us; who refused it before is seen now.
      IF EXISTS (SELECT FROM "ledgerRefusedTransfers" WHERE id = ANY (p_ids)) THEN
        RAISE EXCEPTION 'a transfer of this id was refused' USING ERRCODE = '40001';
      END IF;

      IF cardinality(p_reserved) > 0 THEN
        INSERT INTO "ledgerPendingTransfers" (id, "expiresAtMs")
        SELECT n.id, CASE WHEN n.timeout_s > 0 THEN p_now_ms + n.timeout_s * 1000 END
        FROM unnest(p_reserved, p_reserved_timeouts) AS n(id, timeout_s);
      END IF;
      IF cardinality(p_ended) > 0 THEN
        DELETE FROM "ledgerPendingTransfers" WHERE id = ANY (p_ended);
      END IF;
      RETURN NULL;
    END IF;
  END IF;

  RETURN ledger_create_transfers_in_order(
    p_now_ms, p_ids, p_debits, p_credits, p_amounts, p_ledgers, p_codes, p_flags, p_timeouts,
    CASE WHEN cardinality(p_pending_ids) = 0 THEN array_fill(NULL::uuid, ARRAY[events]) ELSE p_pending_ids END,
    CASE WHEN cardinality(p_data128) = 0 THEN array_fill(NULL::uuid, ARRAY[events]) ELSE p_data128 END,
    CASE WHEN cardinality(p_data64) = 0 THEN array_fill(NULL::numeric, ARRAY[events]) ELSE p_data64 END,
    CASE WHEN cardinality(p_data32) = 0 THEN array_fill(NULL::bigint, ARRAY[events]) ELSE p_data32 END,
    CASE WHEN cardinality(p_refusals) = 0 THEN array_fill(NULL::text, ARRAY[events]) ELSE p_refusals END,
    CASE WHEN cardinality(p_first_positions) = 0 THEN ARRAY(SELECT generate_series(1, events))
      ELSE p_first_positions END
  );
END
$function$;
`
