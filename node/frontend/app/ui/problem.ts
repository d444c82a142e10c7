/** What kept a page from being shown, in words for its reader. */
export interface PageProblem {
  kind: 'node-down' | 'refused-credentials' | 'not-found' | 'refused' | 'forged-form'
  title: string
  detail: string
}

/** Whether a thrown answer tells of a problem in words. */
export function isPageProblem(value: unknown): value is PageProblem {
  return typeof value === 'object' && value !== null && 'title' in value && 'detail' in value
}
