/** Pages as the nouns' lists answer them: the same for both services (`node/pagination`). */
export { selectPage } from '../pagination/index.ts'
export type { Page, PageRequest } from '../pagination/index.ts'
