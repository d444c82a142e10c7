export { createAuth } from './auth.ts'
export type { Auth, AuthAddresses } from './auth.ts'
export { loadAuthConfig } from './config.ts'
export type { AuthConfig } from './config.ts'
