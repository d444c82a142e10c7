import { z } from 'zod'
import type { PageProblem } from './problem.ts'

/** Relay's page info, as every list of the Admin API answers it. */
export const pageInfo = z.object({
  hasNextPage: z.boolean(),
  hasPreviousPage: z.boolean(),
  startCursor: z.string().nullish(),
  endCursor: z.string().nullish()
})
export type PageInfo = z.output<typeof pageInfo>

/** To be asked for in every list. */
export const PAGE_INFO = 'pageInfo { hasNextPage hasPreviousPage startCursor endCursor }'

/** A list as the Admin API answers it. */
export function connection<Node extends z.ZodType>(node: Node) {
  return z.object({ edges: z.array(z.object({ node })), pageInfo })
}

const PAGE_SIZE = 20
const MAX_PAGE_SIZE = 100

const size = z.coerce.number().int().min(1).max(MAX_PAGE_SIZE).optional()
const pageQuery = z
  .object({ after: z.uuid().optional(), before: z.uuid().optional(), first: size, last: size })
  .refine(({ after, before }) => after === undefined || before === undefined)
  .refine(({ first, last }) => first === undefined || last === undefined)

/**
 * The arguments of a list from a page's address: `after`, `before` (cursors), `first`, `last` (facts 9.2).
 *
 * @throws an answer 400 where they cannot be
 */
export function pageArguments({ searchParams }: URL): {
  after?: string
  before?: string
  first?: number
  last?: number
} {
  const given = Object.fromEntries(
    ['after', 'before', 'first', 'last'].flatMap((name) => {
      const value = searchParams.get(name)
      return value === null || value === '' ? [] : [[name, value]]
    })
  )
  const parsed = pageQuery.safeParse(given)
  if (!parsed.success) {
    const problem: PageProblem = {
      kind: 'refused',
      title: 'There is no such page of the list',
      detail: `after and before are cursors (UUIDs), first and last go from 1 to ${MAX_PAGE_SIZE}, and one of each is enough.`
    }
    throw Response.json(problem, { status: 400 })
  }
  const { after, before, first, last } = parsed.data
  if (before !== undefined) return { before, last: last ?? first ?? PAGE_SIZE }
  return { ...(after !== undefined && { after }), first: first ?? last ?? PAGE_SIZE }
}
