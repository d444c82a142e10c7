export { insertTogether } from './insert-together.ts'
export type { TableRows } from './insert-together.ts'
