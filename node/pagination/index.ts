/** Pages of lists, as both services' APIs show them: by cursor, both ways, with true flags. */
export { DEFAULT_PAGE_SIZE, MAX_PAGE_SIZE, PageRequestError, pageRequestProblem } from './plan.ts'
export type { Page, PageRequest } from './plan.ts'
export { selectPage } from './select-page.ts'
export type { ListOwner, Nearest } from './select-page.ts'
export { mapPages, selectPages } from './select-pages.ts'
export type { OwnedLists } from './select-pages.ts'
