export * from './app.ts'
export * from './request-body.ts'
