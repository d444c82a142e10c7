export { createOpenPaymentsServer } from './server.ts'
export type { OpenPaymentsServer, OpenPaymentsServerDependencies } from './server.ts'
