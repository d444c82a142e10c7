import DataLoader from 'dataloader'
import type { Page, PageRequest } from '../../pagination/index.ts'

/** A page of a list that an entry of another list owns: that of a wallet address's quotes, for example. */
export interface OwnedPage<Filter extends object> {
  ownerId: string
  /** As `pageRequest` writes it: what is not given is absent, so that equal pages look equal. */
  request: PageRequest
  filter?: Filter
}

export type PageLoader<Entry, Filter extends object = Record<never, never>> = DataLoader<
  OwnedPage<Filter>,
  Page<Entry>,
  string
>

/** Owners whose pages one statement reads: with pages of 100 it answers 10,100 rows at most. */
export const MAX_OWNERS_PER_STATEMENT = 100

/**
 * Loads pages of many owners. Those of one request that ask for the same page share their statements, by up to
 * MAX_OWNERS_PER_STATEMENT owners: a list of at most that many entries costs the same however many it has.
 */
export function createPageLoader<Entry, Filter extends object = Record<never, never>>(
  pagesOf: (ownerIds: string[], request: PageRequest, filter: Partial<Filter>) => Promise<Page<Entry>[]>
): PageLoader<Entry, Filter> {
  const argumentsOf = ({ request, filter = {} as Filter }: OwnedPage<Filter>) =>
    JSON.stringify([request, filter])
  const keyOf = (page: OwnedPage<Filter>) => `${page.ownerId} ${argumentsOf(page)}`

  async function load(asked: readonly OwnedPage<Filter>[]): Promise<Page<Entry>[]> {
    const found = new Map<string, Page<Entry>>()
    const groups = [...Map.groupBy(asked, argumentsOf).values()].flatMap((group) =>
      Array.from({ length: Math.ceil(group.length / MAX_OWNERS_PER_STATEMENT) }, (_, part) =>
        group.slice(part * MAX_OWNERS_PER_STATEMENT, (part + 1) * MAX_OWNERS_PER_STATEMENT)
      )
    )
    await Promise.all(
      groups.map(async (group) => {
        const { request, filter } = group[0]!
        const ownerIds = group.map(({ ownerId }) => ownerId)
        const pages = await pagesOf(ownerIds, request, filter ?? {})
        for (const [place, page] of pages.entries()) found.set(keyOf(group[place]!), page)
      })
    )
    return asked.map((page) => found.get(keyOf(page))!)
  }
  return new DataLoader(load, { cacheKeyFn: keyOf })
}
