import { z } from 'zod'
import { operation } from './admin-api.ts'

/** Whose credentials these are. */
export const WHOAMI = operation(
  /* GraphQL */ `
    query Whoami {
      whoami {
        id
        isOperator
      }
    }
  `,
  z.object({ whoami: z.object({ id: z.string(), isOperator: z.boolean() }) })
)

/** The tenant's name: asked for separately, because a deleted tenant still has credentials but no entry. */
export const TENANT_NAME = operation(
  /* GraphQL */ `
    query TenantName($id: String!) {
      tenant(id: $id) {
        publicName
      }
    }
  `,
  z.object({ tenant: z.object({ publicName: z.string().nullable() }) })
)
