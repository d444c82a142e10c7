import type { AdminClient } from '../actors/admin-client.ts'

const PAGE = 100

/**
 * All rows of a list of an Admin API.
 *
 * @param query with the variables `first` and `after`
 * @param field the list in its answer
 */
export async function readPages<Row>(
  admin: Pick<AdminClient, 'call'>,
  query: string,
  field: string
): Promise<Row[]> {
  const rows: Row[] = []
  let after: string | undefined
  for (;;) {
    const answer = await admin.call<
      Record<string, { edges: { node: Row }[]; pageInfo: { endCursor: string; hasNextPage: boolean } }>
    >(query, { first: PAGE, ...(after !== undefined && { after }) })
    const { edges, pageInfo } = answer[field]!
    rows.push(...edges.map(({ node }) => node))
    if (!pageInfo.hasNextPage) return rows
    after = pageInfo.endCursor
  }
}
