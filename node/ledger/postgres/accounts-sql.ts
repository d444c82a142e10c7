/**
 * Creates accounts in order; answers the results, joined by commas. A record wrong in itself comes with its refusal.
 * Of a linked chain (flag 1) all are created or none.
 */
export const accountsSql = `
CREATE FUNCTION ledger_create_accounts(
  p_ids uuid[], p_ledgers bigint[], p_codes integer[], p_flags integer[], p_data128 uuid[], p_refusals text[]
) RETURNS text LANGUAGE plpgsql AS $function$
DECLARE
  events CONSTANT integer := cardinality(p_ids);
  results text[] := '{}';
  existing record;
  result text;
  chain_start integer; chain_broken boolean := false;
BEGIN
  FOR n IN 1 .. events LOOP
    IF p_flags[n] & 1 <> 0 AND chain_start IS NULL THEN chain_start := n; END IF;
    result := NULL;
    IF p_flags[n] & 1 <> 0 AND n = events THEN
      result := 'linked_event_chain_open';
    ELSIF chain_broken THEN
      result := 'linked_event_failed';
    ELSIF p_refusals[n] IS NULL THEN
      INSERT INTO "ledgerAccounts" (id, ledger, code, flags, "userData128")
      VALUES (p_ids[n], p_ledgers[n], p_codes[n], p_flags[n], p_data128[n])
      ON CONFLICT (id) DO NOTHING;
      IF FOUND THEN result := 'ok'; END IF;
    END IF;
    IF result IS NULL THEN
      SELECT ledger, code, flags, "userData128" INTO existing FROM "ledgerAccounts" WHERE id = p_ids[n];
      result := CASE
        WHEN NOT FOUND THEN p_refusals[n]
        WHEN existing.ledger = p_ledgers[n] AND existing.code = p_codes[n] AND existing.flags = p_flags[n]
          AND existing."userData128" IS NOT DISTINCT FROM p_data128[n] THEN 'exists'
        ELSE 'exists_with_different_fields'
      END;
    END IF;
    results[n] := result;

    IF result <> 'ok' AND chain_start IS NOT NULL AND NOT chain_broken THEN
      chain_broken := true;
      DELETE FROM "ledgerAccounts" WHERE id = ANY (p_ids[chain_start : n - 1]);
      FOR undone IN chain_start .. n - 1 LOOP results[undone] := 'linked_event_failed'; END LOOP;
    END IF;
    IF p_flags[n] & 1 = 0 THEN
      chain_start := NULL;
      chain_broken := false;
    END IF;
  END LOOP;
  RETURN array_to_string(results, ',');
END
$function$;
`
