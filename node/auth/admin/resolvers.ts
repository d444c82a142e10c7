import DataLoader from 'dataloader'
import type { Knex } from 'knex'
import { adminError, checkPageRequest, toConnection } from '../../admin-api/index.ts'
import { selectPage } from '../../pagination/index.ts'
import type { PageRequest } from '../../pagination/index.ts'
import type { Clock, Database } from '../../runtime/index.ts'
import type { GrantFinalization, GrantState } from '../grants/model.ts'
import { revokeGrant } from '../grants/store.ts'
import type { AccessRow, GrantRow, SubjectRow } from '../grants/store.ts'
import { isUuid } from '../secrets.ts'

/** What resolvers of one request share. */
export interface ResolverContext {
  database: Database
  clock: Clock
  /** The calling tenant. */
  tenantId: string
  isOperator: boolean
  accessOfGrant: DataLoader<string, AccessRow[]>
  subjectsOfGrant: DataLoader<string, SubjectRow[]>
}

export function createResolverContext(
  caller: Pick<ResolverContext, 'database' | 'clock' | 'tenantId' | 'isOperator'>
): ResolverContext {
  const { knex } = caller.database
  return {
    ...caller,
    accessOfGrant: createChildLoader<AccessRow>(knex, 'accesses'),
    subjectsOfGrant: createChildLoader<SubjectRow>(knex, 'subjects')
  }
}

/** Loads the rows of many grants by one statement, so that a page costs no query per grant. */
function createChildLoader<Row extends { grantId: string }>(
  knex: Knex,
  table: string
): DataLoader<string, Row[]> {
  return new DataLoader(async (grantIds) => {
    const rows: Row[] = await knex(table)
      .whereIn('grantId', [...grantIds])
      .orderBy(['grantId', 'position'])
    const byGrant = Map.groupBy(rows, ({ grantId }) => grantId)
    return grantIds.map((grantId) => byGrant.get(grantId) ?? [])
  })
}

interface GrantFilter {
  identifier?: { in?: string[] | null } | null
  state?: { in?: GrantState[] | null; notIn?: GrantState[] | null } | null
  finalizationReason?: { in?: GrantFinalization[] | null; notIn?: GrantFinalization[] | null } | null
}

type GrantsArguments = PageRequest & { filter?: GrantFilter | null; tenantId?: string | null }

export const resolvers = {
  Query: {
    async grants(_: unknown, { filter, tenantId, ...page }: GrantsArguments, context: ResolverContext) {
      checkPageRequest(page)
      const visible = context.isOperator ? (tenantId ?? undefined) : context.tenantId
      if (visible !== undefined && !isUuid(visible)) {
        throw adminError('BAD_USER_INPUT', 'Invalid Tenant ID')
      }
      const { knex } = context.database
      const select = () => filterGrants(knex('grants').select('grants.*'), filter ?? {}, visible)
      return toConnection(await selectPage<GrantRow>('grants', select, page, { tenantId: visible }))
    },
    async grant(_: unknown, { id }: { id: string }, context: ResolverContext) {
      const grant = await findVisibleGrant(context, id)
      if (!grant) throw adminError('NOT_FOUND', 'No grant')
      return grant
    }
  },
  Mutation: {
    async revokeGrant(_: unknown, { input }: { input: { grantId: string } }, context: ResolverContext) {
      if (input.grantId === '') throw adminError('FORBIDDEN', 'Grant id is not provided')
      const grant = await findVisibleGrant(context, input.grantId)
      if (!grant) throw adminError('NOT_FOUND', 'Revoke grant was not successful')
      // A grant that is over already stays as it is: the call may be repeated.
      await context.database.transaction((trx) => revokeGrant(trx, grant.id, context.clock.nowMs()))
      return { id: grant.id }
    }
  },
  Model: {
    __resolveType(row: object) {
      if ('continueId' in row) return 'Grant'
      return 'subId' in row ? 'SubjectItem' : 'Access'
    }
  },
  Grant: {
    access: ({ id }: GrantRow, _: unknown, { accessOfGrant }: ResolverContext) => accessOfGrant.load(id),
    async subject({ id }: GrantRow, _: unknown, { subjectsOfGrant }: ResolverContext) {
      const subjects = await subjectsOfGrant.load(id)
      return subjects.length === 0 ? null : { sub_ids: subjects }
    },
    createdAt: isoTime
  },
  Access: { createdAt: isoTime },
  SubjectItem: { createdAt: isoTime }
}

function isoTime({ createdAt }: { createdAt: Date }): string {
  return createdAt.toISOString()
}

async function findVisibleGrant(context: ResolverContext, id: string): Promise<GrantRow | undefined> {
  if (!isUuid(id)) return undefined
  const query = context.database.knex<GrantRow>('grants').where({ id })
  if (!context.isOperator) void query.where({ tenantId: context.tenantId })
  const [grant] = await query.limit(1)
  return grant as GrantRow | undefined
}

/** Every condition that is given must hold. */
function filterGrants(
  query: Knex.QueryBuilder,
  filter: GrantFilter,
  tenantId: string | undefined
): Knex.QueryBuilder {
  if (tenantId !== undefined) void query.where('grants.tenantId', tenantId)
  const { identifier, state, finalizationReason } = filter
  if (identifier?.in) {
    void query.whereExists((access) =>
      access
        .from('accesses')
        .whereRaw('accesses."grantId" = grants.id')
        .whereIn('accesses.identifier', identifier.in!)
    )
  }
  if (state?.in) void query.whereIn('grants.state', state.in)
  if (state?.notIn) void query.whereNotIn('grants.state', state.notIn)
  if (finalizationReason?.in) void query.whereIn('grants.finalizationReason', finalizationReason.in)
  if (finalizationReason?.notIn) {
    const excluded = finalizationReason.notIn
    void query.where((reason) =>
      reason.whereNull('grants.finalizationReason').orWhereNotIn('grants.finalizationReason', excluded)
    )
  }
  return query
}
