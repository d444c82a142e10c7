/**
 * The ordered way: event by event against balances held in arrays, then everything that succeeded is written at
 * once. It says exactly what the model in memory/ says. The rows of all accounts are locked first, in the order of
 * their ids.
 *
 * Answers the results in order, joined by commas.
 */
export const orderedBatchSql = `
CREATE FUNCTION ledger_create_transfers_in_order(
  p_now_ms bigint,
  p_ids uuid[], p_debits uuid[], p_credits uuid[], p_amounts numeric[], p_ledgers bigint[], p_codes integer[],
  p_flags integer[], p_timeouts bigint[], p_pending_ids uuid[],
  p_data128 uuid[], p_data64 numeric[], p_data32 bigint[],
  p_refusals text[], p_first_positions integer[]
) RETURNS text LANGUAGE plpgsql
SET plan_cache_mode = force_generic_plan SET enable_seqscan = off SET enable_nestloop = on SET jit = off AS $function$
DECLARE
  amount_all CONSTANT numeric := 340282366920938463463374607431768211455;
  max_amount CONSTANT numeric := 18446744073709551615;
  events CONSTANT integer := cardinality(p_ids);

  locked_ids uuid[];
  -- Accounts, by their place in account_ids.
  account_ids uuid[]; account_ledgers bigint[]; account_flags integer[];
  debits_pending numeric[]; debits_posted numeric[]; credits_pending numeric[]; credits_posted numeric[];

  -- Transfers that posts and voids name, by their place in held_ids.
  -- States: none, plain (not a pending one), pending, posted, voided, expired.
  held_ids uuid[]; held_states text[]; held_debits uuid[]; held_credits uuid[];
  held_debit_at integer[]; held_credit_at integer[]; held_amounts numeric[]; held_ledgers bigint[];
  held_codes integer[]; held_data128 uuid[]; held_data64 numeric[]; held_data32 bigint[];
  held_expires_ms bigint[];

  -- Events, by their position: what is booked of each.
  results text[] := '{}';
  booked_amounts numeric[] := p_amounts; booked_debits uuid[] := p_debits; booked_credits uuid[] := p_credits;
  booked_ledgers bigint[] := p_ledgers; booked_codes integer[] := p_codes;
  booked_data128 uuid[] := p_data128; booked_data64 numeric[] := p_data64; booked_data32 bigint[] := p_data32;
  booked_debit_at integer[] := array_fill(0, ARRAY[events]);
  booked_credit_at integer[] := array_fill(0, ARRAY[events]);
  -- Of an end: what it ended. Of any: its own place there, if another event of the batch names it.
  booked_held_at integer[] := array_fill(0, ARRAY[events]);
  booked_own_at integer[] := array_fill(0, ARRAY[events]);
  -- By the first position of an id: where it was booked in this batch, and whether it was spent.
  booked_position integer[] := array_fill(0, ARRAY[events]);
  spent boolean[] := array_fill(false, ARRAY[events]);
  refused_ids uuid[] := '{}';

  e record; other integer; held integer; di integer; ci integer; asked numeric; free numeric;
  result text; is_end boolean; is_same boolean;
  chain_start integer; chain_broken boolean := false; chain_open boolean;
BEGIN
  SELECT array_agg(locked.id) INTO locked_ids FROM (
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

  SELECT array_agg(a.id ORDER BY a.id), array_agg(a.ledger ORDER BY a.id), array_agg(a.flags ORDER BY a.id),
    array_agg(a."debitsPending" ORDER BY a.id), array_agg(a."debitsPosted" ORDER BY a.id),
    array_agg(a."creditsPending" ORDER BY a.id), array_agg(a."creditsPosted" ORDER BY a.id)
  INTO account_ids, account_ledgers, account_flags,
    debits_pending, debits_posted, credits_pending, credits_posted
  FROM "ledgerAccounts" a WHERE a.id = ANY (locked_ids);

  SELECT array_agg(n.id ORDER BY n.id), array_agg(t."debitAccountId" ORDER BY n.id),
    array_agg(t."creditAccountId" ORDER BY n.id), array_agg(d.pos ORDER BY n.id), array_agg(c.pos ORDER BY n.id),
    array_agg(t.amount ORDER BY n.id), array_agg(t.ledger ORDER BY n.id), array_agg(t.code ORDER BY n.id),
    array_agg(t."userData128" ORDER BY n.id), array_agg(t."userData64" ORDER BY n.id),
    array_agg(t."userData32" ORDER BY n.id), array_agg(h."expiresAtMs" ORDER BY n.id),
    array_agg(CASE
      WHEN t.id IS NULL THEN 'none'
      WHEN t.flags & 2 = 0 THEN 'plain'
      WHEN h.id IS NOT NULL THEN 'pending'
      WHEN f.flags & 4 <> 0 THEN 'posted'
      WHEN f.flags & 8 <> 0 THEN 'voided'
      ELSE 'expired'
    END ORDER BY n.id)
  INTO held_ids, held_debits, held_credits, held_debit_at, held_credit_at, held_amounts, held_ledgers, held_codes,
    held_data128, held_data64, held_data32, held_expires_ms, held_states
  FROM (SELECT DISTINCT pending_id AS id FROM unnest(p_pending_ids) AS u(pending_id) WHERE pending_id IS NOT NULL) n
  LEFT JOIN LATERAL (SELECT * FROM "ledgerTransfers" x WHERE x.id = n.id OFFSET 0) t ON true
  LEFT JOIN LATERAL (SELECT * FROM "ledgerPendingTransfers" x WHERE x.id = n.id OFFSET 0) h ON true
  LEFT JOIN LATERAL (SELECT x.flags FROM "ledgerTransfers" x WHERE x."pendingId" = n.id OFFSET 0) f ON true
  LEFT JOIN unnest(account_ids) WITH ORDINALITY AS d(id, pos) ON d.id = t."debitAccountId"
  LEFT JOIN unnest(account_ids) WITH ORDINALITY AS c(id, pos) ON c.id = t."creditAccountId";

  FOR held IN 1 .. coalesce(cardinality(held_ids), 0) LOOP
    IF held_states[held] = 'pending' AND (held_debit_at[held] IS NULL OR held_credit_at[held] IS NULL) THEN
      -- It was committed after the lock was taken: its accounts are not among the locked ones.
      RAISE EXCEPTION 'a pending transfer appeared while its batch was waiting' USING ERRCODE = '40001';
    END IF;
  END LOOP;

  FOR e IN
    SELECT n.*, d.pos::integer AS debit_at, c.pos::integer AS credit_at,
      names.pos::integer AS names_at, own.pos::integer AS own_at,
      t.id IS NOT NULL AS is_stored, r.id IS NOT NULL AS is_refused,
      t.flags = n.flags AND t."pendingId" IS NOT DISTINCT FROM n.pending_id AND t."timeoutS" = n.timeout_s
      AND CASE
        WHEN n.pending_id IS NOT NULL THEN
          t.amount = CASE
            WHEN n.flags & 8 <> 0 AND n.amount = 0 THEN o.amount
            WHEN n.flags & 4 <> 0 AND n.amount = amount_all THEN o.amount
            ELSE n.amount
          END
          AND coalesce(n.debit, t."debitAccountId") = t."debitAccountId"
          AND coalesce(n.credit, t."creditAccountId") = t."creditAccountId"
          AND n.ledger IN (0, t.ledger) AND n.code IN (0, t.code)
          AND coalesce(n.data128, o."userData128") IS NOT DISTINCT FROM t."userData128"
          AND coalesce(n.data64, o."userData64") IS NOT DISTINCT FROM t."userData64"
          AND coalesce(n.data32, o."userData32") IS NOT DISTINCT FROM t."userData32"
        ELSE
          (t.amount = n.amount OR (n.flags & 16 <> 0 AND t.amount < n.amount))
          AND t."debitAccountId" = n.debit AND t."creditAccountId" = n.credit
          AND t.ledger = n.ledger AND t.code = n.code
          AND t."userData128" IS NOT DISTINCT FROM n.data128
          AND t."userData64" IS NOT DISTINCT FROM n.data64
          AND t."userData32" IS NOT DISTINCT FROM n.data32
      END AS is_same
    FROM unnest(
      p_ids, p_debits, p_credits, p_amounts, p_ledgers, p_codes, p_flags, p_timeouts, p_pending_ids,
      p_data128, p_data64, p_data32, p_refusals, p_first_positions
    ) WITH ORDINALITY AS n(
      id, debit, credit, amount, ledger, code, flags, timeout_s, pending_id, data128, data64, data32, refusal,
      first_position, pos
    )
    LEFT JOIN unnest(account_ids) WITH ORDINALITY AS d(id, pos) ON d.id = n.debit
    LEFT JOIN unnest(account_ids) WITH ORDINALITY AS c(id, pos) ON c.id = n.credit
    LEFT JOIN unnest(held_ids) WITH ORDINALITY AS names(id, pos) ON names.id = n.pending_id
    LEFT JOIN unnest(held_ids) WITH ORDINALITY AS own(id, pos) ON own.id = n.id
    LEFT JOIN LATERAL (SELECT * FROM "ledgerTransfers" x WHERE x.id = n.id OFFSET 0) t ON true
    LEFT JOIN LATERAL (SELECT * FROM "ledgerTransfers" x WHERE x.id = t."pendingId" OFFSET 0) o ON true
    LEFT JOIN LATERAL (SELECT x.id FROM "ledgerRefusedTransfers" x WHERE x.id = n.id OFFSET 0) r ON true
    ORDER BY n.pos
  LOOP
    is_end := e.flags & 12 <> 0;
    IF e.flags & 1 <> 0 AND chain_start IS NULL THEN chain_start := e.pos; END IF;
    chain_open := e.flags & 1 <> 0 AND e.pos = events;
    result := 'ok';

    IF chain_open THEN
      result := 'linked_event_chain_open';
    ELSIF chain_broken THEN
      result := 'linked_event_failed';
    ELSIF e.is_stored THEN
      result := CASE WHEN e.is_same THEN 'exists' ELSE 'exists_with_different_fields' END;
    ELSIF booked_position[e.first_position] > 0 THEN
      other := booked_position[e.first_position];
      held := booked_held_at[other];
      is_same := e.flags = p_flags[other] AND e.pending_id IS NOT DISTINCT FROM p_pending_ids[other]
        AND e.timeout_s = p_timeouts[other];
      IF is_same AND is_end THEN
        asked := CASE
          WHEN e.flags & 8 <> 0 AND e.amount = 0 THEN held_amounts[held]
          WHEN e.flags & 4 <> 0 AND e.amount = amount_all THEN held_amounts[held]
          ELSE e.amount
        END;
        is_same := asked = booked_amounts[other]
          AND coalesce(e.debit, booked_debits[other]) = booked_debits[other]
          AND coalesce(e.credit, booked_credits[other]) = booked_credits[other]
          AND e.ledger IN (0, booked_ledgers[other]) AND e.code IN (0, booked_codes[other])
          AND coalesce(e.data128, held_data128[held]) IS NOT DISTINCT FROM booked_data128[other]
          AND coalesce(e.data64, held_data64[held]) IS NOT DISTINCT FROM booked_data64[other]
          AND coalesce(e.data32, held_data32[held]) IS NOT DISTINCT FROM booked_data32[other];
      ELSIF is_same THEN
        is_same := (booked_amounts[other] = e.amount OR (e.flags & 16 <> 0 AND booked_amounts[other] < e.amount))
          AND booked_debits[other] = e.debit AND booked_credits[other] = e.credit
          AND booked_ledgers[other] = e.ledger AND booked_codes[other] = e.code
          AND booked_data128[other] IS NOT DISTINCT FROM e.data128
          AND booked_data64[other] IS NOT DISTINCT FROM e.data64
          AND booked_data32[other] IS NOT DISTINCT FROM e.data32;
      END IF;
      result := CASE WHEN is_same THEN 'exists' ELSE 'exists_with_different_fields' END;
    ELSIF e.is_refused OR spent[e.first_position] THEN
      result := 'id_already_failed';
    ELSIF e.refusal IS NOT NULL THEN
      result := e.refusal;
    ELSIF is_end THEN
      held := e.names_at;
      asked := CASE
        WHEN e.flags & 8 <> 0 AND e.amount = 0 THEN held_amounts[held]
        WHEN e.flags & 4 <> 0 AND e.amount = amount_all THEN held_amounts[held]
        ELSE e.amount
      END;
      result := CASE
        WHEN held_states[held] = 'none' THEN 'pending_transfer_not_found'
        WHEN held_states[held] = 'plain' THEN 'pending_transfer_not_pending'
        WHEN e.debit <> held_debits[held] THEN 'pending_transfer_has_different_debit_account_id'
        WHEN e.credit <> held_credits[held] THEN 'pending_transfer_has_different_credit_account_id'
        WHEN e.ledger NOT IN (0, held_ledgers[held]) THEN 'pending_transfer_has_different_ledger'
        WHEN e.code NOT IN (0, held_codes[held]) THEN 'pending_transfer_has_different_code'
        WHEN asked > held_amounts[held] THEN 'exceeds_pending_transfer_amount'
        WHEN e.flags & 8 <> 0 AND asked < held_amounts[held] THEN 'pending_transfer_has_different_amount'
        WHEN held_states[held] = 'posted' THEN 'pending_transfer_already_posted'
        WHEN held_states[held] = 'voided' THEN 'pending_transfer_already_voided'
        WHEN held_states[held] = 'expired' OR held_expires_ms[held] <= p_now_ms THEN 'pending_transfer_expired'
        ELSE 'ok'
      END;
      IF result = 'ok' THEN
        di := held_debit_at[held];
        ci := held_credit_at[held];
        debits_pending[di] := debits_pending[di] - held_amounts[held];
        credits_pending[ci] := credits_pending[ci] - held_amounts[held];
        IF e.flags & 4 <> 0 THEN
          debits_posted[di] := debits_posted[di] + asked;
          credits_posted[ci] := credits_posted[ci] + asked;
          held_states[held] := 'posted';
        ELSE
          held_states[held] := 'voided';
        END IF;
        booked_held_at[e.pos] := held;
        booked_amounts[e.pos] := asked;
        booked_debits[e.pos] := held_debits[held];
        booked_credits[e.pos] := held_credits[held];
        booked_ledgers[e.pos] := held_ledgers[held];
        booked_codes[e.pos] := held_codes[held];
        booked_data128[e.pos] := coalesce(e.data128, held_data128[held]);
        booked_data64[e.pos] := coalesce(e.data64, held_data64[held]);
        booked_data32[e.pos] := coalesce(e.data32, held_data32[held]);
      END IF;
    ELSE
      di := e.debit_at;
      ci := e.credit_at;
      asked := e.amount;
      IF e.flags & 16 <> 0 AND di IS NOT NULL THEN
        free := greatest(0, credits_posted[di] - debits_posted[di] - debits_pending[di]);
        asked := least(asked, free, max_amount);
      END IF;
      result := CASE
        WHEN di IS NULL THEN 'debit_account_not_found'
        WHEN ci IS NULL THEN 'credit_account_not_found'
        WHEN account_ledgers[di] <> account_ledgers[ci] THEN 'accounts_must_have_the_same_ledger'
        WHEN account_ledgers[di] <> e.ledger THEN 'transfer_must_have_the_same_ledger_as_accounts'
        WHEN account_flags[di] & 2 <> 0 AND debits_pending[di] + debits_posted[di] + asked > credits_posted[di]
          THEN 'exceeds_credits'
        WHEN account_flags[ci] & 4 <> 0 AND credits_pending[ci] + credits_posted[ci] + asked > debits_posted[ci]
          THEN 'exceeds_debits'
        ELSE 'ok'
      END;
      IF result = 'ok' THEN
        IF e.flags & 2 <> 0 THEN
          debits_pending[di] := debits_pending[di] + asked;
          credits_pending[ci] := credits_pending[ci] + asked;
        ELSE
          debits_posted[di] := debits_posted[di] + asked;
          credits_posted[ci] := credits_posted[ci] + asked;
        END IF;
        booked_amounts[e.pos] := asked;
        IF e.own_at IS NOT NULL THEN
          held := e.own_at;
          held_states[held] := CASE WHEN e.flags & 2 <> 0 THEN 'pending' ELSE 'plain' END;
          held_debits[held] := e.debit;
          held_credits[held] := e.credit;
          held_debit_at[held] := di;
          held_credit_at[held] := ci;
          held_amounts[held] := asked;
          held_ledgers[held] := e.ledger;
          held_codes[held] := e.code;
          held_data128[held] := e.data128;
          held_data64[held] := e.data64;
          held_data32[held] := e.data32;
          held_expires_ms[held] := CASE WHEN e.timeout_s > 0 THEN p_now_ms + e.timeout_s * 1000 END;
        END IF;
      END IF;
    END IF;

    IF result = 'ok' THEN
      booked_position[e.first_position] := e.pos;
      booked_own_at[e.pos] := coalesce(e.own_at, 0);
      IF NOT is_end THEN
        booked_debit_at[e.pos] := di;
        booked_credit_at[e.pos] := ci;
      ELSIF e.own_at IS NOT NULL THEN
        held_states[e.own_at] := 'plain';
      END IF;
    ELSE
      IF chain_start IS NOT NULL AND NOT chain_broken THEN
        chain_broken := true;
        -- Latest first: an end before the reservation that it ended.
        FOR undone IN REVERSE e.pos - 1 .. chain_start LOOP
          asked := booked_amounts[undone];
          held := booked_held_at[undone];
          IF p_flags[undone] & 12 <> 0 THEN
            di := held_debit_at[held];
            ci := held_credit_at[held];
            debits_pending[di] := debits_pending[di] + held_amounts[held];
            credits_pending[ci] := credits_pending[ci] + held_amounts[held];
            IF p_flags[undone] & 4 <> 0 THEN
              debits_posted[di] := debits_posted[di] - asked;
              credits_posted[ci] := credits_posted[ci] - asked;
            END IF;
            held_states[held] := 'pending';
          ELSE
            di := booked_debit_at[undone];
            ci := booked_credit_at[undone];
            IF p_flags[undone] & 2 <> 0 THEN
              debits_pending[di] := debits_pending[di] - asked;
              credits_pending[ci] := credits_pending[ci] - asked;
            ELSE
              debits_posted[di] := debits_posted[di] - asked;
              credits_posted[ci] := credits_posted[ci] - asked;
            END IF;
          END IF;
          IF booked_own_at[undone] > 0 THEN held_states[booked_own_at[undone]] := 'none'; END IF;
          booked_position[p_first_positions[undone]] := 0;
          results[undone] := 'linked_event_failed';
        END LOOP;
      END IF;
      IF result IN ('debit_account_not_found', 'credit_account_not_found', 'pending_transfer_not_found',
        'exceeds_credits', 'exceeds_debits')
      THEN
        spent[e.first_position] := true;
        refused_ids := refused_ids || e.id;
      END IF;
    END IF;
    results[e.pos] := result;

    IF e.flags & 1 = 0 OR chain_open THEN
      chain_start := NULL;
      chain_broken := false;
    END IF;
  END LOOP;

  IF cardinality(refused_ids) > 0 AND EXISTS (
    SELECT FROM "ledgerTransfers" WHERE id = ANY (ARRAY(
      SELECT n.pending_id FROM unnest(results, p_pending_ids) AS n(result, pending_id)
      WHERE n.result = 'pending_transfer_not_found'
    ))
  ) THEN
    -- Its batch was committed while we read, and some of our answers may have seen it.
    RAISE EXCEPTION 'a pending transfer appeared while its batch was answered' USING ERRCODE = '40001';
  END IF;

  UPDATE "ledgerAccounts" a SET
    "debitsPending" = n.debits_pending, "debitsPosted" = n.debits_posted,
    "creditsPending" = n.credits_pending, "creditsPosted" = n.credits_posted
  FROM unnest(account_ids, debits_pending, debits_posted, credits_pending, credits_posted)
    AS n(id, debits_pending, debits_posted, credits_pending, credits_posted)
  WHERE a.id = ANY (account_ids) AND a.id = n.id
    AND (a."debitsPending", a."debitsPosted", a."creditsPending", a."creditsPosted") IS DISTINCT FROM
      (n.debits_pending, n.debits_posted, n.credits_pending, n.credits_posted);

  INSERT INTO "ledgerTransfers" (
    id, "timestamp", "createdAtMs", "debitAccountId", "creditAccountId", amount, ledger, code, flags,
    "timeoutS", "pendingId", "userData128", "userData64", "userData32"
  )
  SELECT n.id, nextval('"ledgerTimestamps"'), p_now_ms, n.debit, n.credit, n.amount, n.ledger, n.code, n.flags,
    n.timeout_s, n.pending_id, n.data128, n.data64, n.data32
  FROM (
    SELECT * FROM unnest(
      results, p_ids, booked_debits, booked_credits, booked_amounts, booked_ledgers, booked_codes, p_flags,
      p_timeouts, p_pending_ids, booked_data128, booked_data64, booked_data32
    ) WITH ORDINALITY AS u(
      result, id, debit, credit, amount, ledger, code, flags, timeout_s, pending_id, data128, data64, data32, pos
    )
    WHERE u.result = 'ok' ORDER BY u.pos
  ) n;

  INSERT INTO "ledgerPendingTransfers" (id, "expiresAtMs")
  SELECT n.id, CASE WHEN n.timeout_s > 0 THEN p_now_ms + n.timeout_s * 1000 END
  FROM unnest(results, p_ids, p_flags, p_timeouts, booked_own_at) AS n(result, id, flags, timeout_s, own_at)
  -- Unless it was ended in this very batch.
  WHERE n.result = 'ok' AND n.flags & 2 <> 0 AND (n.own_at = 0 OR held_states[n.own_at] = 'pending');

  DELETE FROM "ledgerPendingTransfers" WHERE id = ANY (ARRAY(
    SELECT n.pending_id FROM unnest(results, p_pending_ids) AS n(result, pending_id)
    WHERE n.result = 'ok' AND n.pending_id IS NOT NULL
  ));

  -- An id is either booked or refused, whoever else holds it at the same time. Who books looks for refusals after its
  -- rows are in, who refuses takes the id's place among the transfers until its commit: one of both waits for the other.
  IF EXISTS (
    SELECT FROM "ledgerRefusedTransfers" WHERE id = ANY (ARRAY(
      SELECT n.id FROM unnest(results, p_ids) AS n(result, id) WHERE n.result = 'ok'
    ))
  ) THEN
    RAISE EXCEPTION 'an id was refused while its batch was waiting' USING ERRCODE = '40001';
  END IF;
  IF cardinality(refused_ids) > 0 THEN
    -- Another batch that spends one of these ids at the same time is done again, and finds it spent.
    INSERT INTO "ledgerRefusedTransfers" (id, "refusedAtMs")
    SELECT refused.id, p_now_ms FROM unnest(refused_ids) AS refused(id) ORDER BY id;
    INSERT INTO "ledgerTransfers" (
      id, "timestamp", "createdAtMs", "debitAccountId", "creditAccountId", amount, ledger, code, flags, "timeoutS"
    )
    SELECT refused.id, 0, 0, refused.id, refused.id, 0, 0, 0, 0, 0 FROM unnest(refused_ids) AS refused(id) ORDER BY id;
    DELETE FROM "ledgerTransfers" WHERE id = ANY (refused_ids);
  END IF;

  RETURN array_to_string(results, ',');
END
$function$;
`
