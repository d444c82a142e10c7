import type { AdminApi } from '../admin-api/admin-api.ts'
import { GET_ASSET } from '../assets/assets.ts'
import { notFound } from '../page.server.ts'
import { amountOf } from '../ui/form-fields.ts'
import { GET_PEER } from './peers.ts'
import type { Peer } from './peers.ts'

/** @throws an answer 404 where there is none, or it is another tenant's */
export async function getPeer(api: AdminApi, id: string | undefined): Promise<Peer> {
  const { peer } = await api.call(GET_PEER, { id })
  if (peer === null) throw notFound('Peer')
  return peer
}

/** Decimals of an asset that was chosen in a form; undefined where there is no such asset any more. */
export async function scaleOf(api: AdminApi, assetId: string): Promise<number | undefined> {
  const { asset } = await api.call(GET_ASSET, { id: assetId })
  return asset?.scale
}

/**
 * Amounts of a form in minor units, as the Admin API takes them; an empty field becomes `null`. Or the first that the
 * asset cannot hold.
 */
export function minorUnits<Name extends string>(
  texts: Readonly<Record<Name, string | undefined>>,
  scale: number
): { ok: true; amounts: Record<Name, string | null> } | { ok: false; field: Name; error: string } {
  const amounts = {} as Record<Name, string | null>
  for (const [field, text] of Object.entries(texts) as [Name, string | undefined][]) {
    if (text === undefined) {
      amounts[field] = null
      continue
    }
    const parsed = amountOf(text, scale)
    if (!parsed.ok) return { ok: false, field, error: parsed.error }
    amounts[field] = parsed.amount.toString()
  }
  return { ok: true, amounts }
}
