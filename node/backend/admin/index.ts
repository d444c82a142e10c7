export { createAdminApi, createAdminSchema } from './server.ts'
export type { AdminApi, AdminApiDependencies } from './server.ts'
export type { AdminServices } from './context.ts'
