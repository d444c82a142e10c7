import { idToUuid } from '../../runtime/index.ts'
import type { TransferFilter } from '../model.ts'

/** One statement with its parameters; `?` marks a parameter. */
export interface Statement {
  sql: string
  parameters: (string | number)[]
}

/**
 * The statement for a filter. Each way reads an index in order and stops at the limit; with neither account nor
 * tag it reads all transfers (`pendingOnly`: all pending ones, which are few).
 */
export function transferQuery(filter: TransferFilter, nowMs: number): Statement {
  const { accountId, side, userData128, code, pendingOnly, after, order, limit } = filter
  const conditions: string[] = []
  const shared: (string | number)[] = []
  const add = (condition: string, ...parameters: (string | number)[]) => {
    conditions.push(condition)
    shared.push(...parameters)
  }
  if (userData128 !== undefined) {
    if (userData128 === 0n) add('t."userData128" IS NULL')
    else add('t."userData128" = ?', idToUuid(userData128))
  }
  if (code !== undefined) add('t.code = ?', code)
  const newestFirst = order === 'newestFirst'
  if (after !== undefined) add(`t."timestamp" ${newestFirst ? '<' : '>'} ?`, String(after))
  if (pendingOnly) add('(held."expiresAtMs" IS NULL OR held."expiresAtMs" > ?)', nowMs)

  const from = pendingOnly
    ? '"ledgerPendingTransfers" held JOIN "ledgerTransfers" t ON t.id = held.id'
    : '"ledgerTransfers" t'
  const end = `ORDER BY "timestamp" ${newestFirst ? 'DESC' : 'ASC'} LIMIT ?`
  const part = (extra: string[]) => {
    const all = [...extra, ...conditions]
    return `SELECT t.* FROM ${from}${all.length > 0 ? ` WHERE ${all.join(' AND ')}` : ''} ${end}`
  }
  if (accountId === undefined) return { sql: part([]), parameters: [...shared, limit] }

  // Each side by its own index; a transfer never has one account on both.
  const account = idToUuid(accountId)
  const debits = part(['t."debitAccountId" = ?'])
  const credits = part(['t."creditAccountId" = ?'])
  const parameters = [account, ...shared, limit]
  if (side === 'debit') return { sql: debits, parameters }
  if (side === 'credit') return { sql: credits, parameters }
  return {
    sql: `(${debits}) UNION ALL (${credits}) ${end}`,
    parameters: [...parameters, ...parameters, limit]
  }
}

// The array is a subselect: with its length known, a plan of its own would be made for each call.
export const lookupAccountsSql = 'SELECT * FROM "ledgerAccounts" WHERE id = ANY ((SELECT ?::uuid[])::uuid[])'

export const lookupTransfersSql = 'SELECT * FROM "ledgerTransfers" WHERE id = ANY (?::uuid[])'

/** What became of pending transfers: still held, ended by a transfer that names it, or else expired. */
export const pendingStatesSql = `
  SELECT t.id, CASE
    WHEN held.id IS NOT NULL AND (held."expiresAtMs" IS NULL OR held."expiresAtMs" > ?) THEN 'pending'
    WHEN ending.flags & 4 <> 0 THEN 'posted'
    WHEN ending.flags & 8 <> 0 THEN 'voided'
    ELSE 'expired'
  END AS state
  FROM "ledgerTransfers" t
  LEFT JOIN "ledgerPendingTransfers" held ON held.id = t.id
  LEFT JOIN "ledgerTransfers" ending ON ending."pendingId" = t.id
  WHERE t.id = ANY (?::uuid[]) AND t.flags & 2 <> 0`

export const totalsSql = `
  SELECT ledger, sum("debitsPosted") AS "debitsPosted", sum("creditsPosted") AS "creditsPosted",
    sum("debitsPending") AS "debitsPending", sum("creditsPending") AS "creditsPending",
    array_to_string(array_agg(id ORDER BY id) FILTER (WHERE
      (flags & 2 <> 0 AND "debitsPending" + "debitsPosted" > "creditsPosted") OR
      (flags & 4 <> 0 AND "creditsPending" + "creditsPosted" > "debitsPosted")
    ), ',') AS overdrawn
  FROM "ledgerAccounts" GROUP BY ledger ORDER BY ledger`
