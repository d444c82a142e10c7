export * from './app.ts'
export * from './health.ts'
export * from './request-body.ts'
