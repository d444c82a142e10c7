import { z } from 'zod'

/** What signs a session in (facts 9.1). */
export const credentialsForm = z.object({
  tenantId: z.uuid({ error: 'The tenant id is a UUID, such as 438fa74a-fa7d-4317-9ced-dde32ece1787' }),
  apiSecret: z
    .string({ error: 'The API secret is needed' })
    .max(255, 'An API secret has at most 255 characters'),
  /** Where to go then. */
  next: z.string().optional()
})
