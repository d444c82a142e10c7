/**
 * The backend's public entry point: `createBackend(config, runtime)`. `main.ts` runs it as a process;
 * `composition.ts` shows how its parts fit.
 */
export { createBackend } from './backend.ts'
export { backendMigrationSets } from './check.ts'
export type { Backend, BackendAddresses } from './backend.ts'
export { loadBackendConfig } from './config.ts'
export type { BackendConfig } from './config.ts'
export { StartError } from '../commands/index.ts'
