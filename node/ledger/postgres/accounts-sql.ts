/** Creates accounts in order; answers the results, joined by commas. A record wrong in itself comes with its refusal. */
export const accountsSql = `
CREATE FUNCTION ledger_create_accounts(
  p_ids uuid[], p_ledgers bigint[], p_codes integer[], p_flags integer[], p_data128 uuid[], p_refusals text[]
) RETURNS text LANGUAGE plpgsql AS $function$
DECLARE
  results text[] := '{}';
  existing record;
BEGIN
  FOR n IN 1 .. cardinality(p_ids) LOOP
    IF p_refusals[n] IS NULL THEN
      INSERT INTO "ledgerAccounts" (id, ledger, code, flags, "userData128")
      VALUES (p_ids[n], p_ledgers[n], p_codes[n], p_flags[n], p_data128[n])
      ON CONFLICT (id) DO NOTHING;
      IF FOUND THEN
        results[n] := 'ok';
        CONTINUE;
      END IF;
    END IF;
    SELECT ledger, code, flags, "userData128" INTO existing FROM "ledgerAccounts" WHERE id = p_ids[n];
    results[n] := CASE
      WHEN NOT FOUND THEN p_refusals[n]
      WHEN existing.ledger = p_ledgers[n] AND existing.code = p_codes[n] AND existing.flags = p_flags[n]
        AND existing."userData128" IS NOT DISTINCT FROM p_data128[n] THEN 'exists'
      ELSE 'exists_with_different_fields'
    END;
  END LOOP;
  RETURN array_to_string(results, ',');
END
$function$;
`
