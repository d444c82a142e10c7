import { isRouteErrorResponse, Link, useLocation, useRouteError } from '@remix-run/react'
import { isPageProblem } from './problem.ts'
import type { PageProblem } from './problem.ts'

const NOT_FOUND: PageProblem = {
  kind: 'not-found',
  title: 'There is no such page',
  detail: 'The address may be mistyped.'
}

/** In place of a page that could not be shown: what was wrong and what to do. */
export function ErrorPage() {
  const error = useRouteError()
  const { pathname, search } = useLocation()
  const problem = problemOf(error)
  return (
    <section aria-labelledby="problem" className="rounded-lg border border-line bg-surface p-6">
      <h1 id="problem" className="text-2xl font-semibold">
        {problem?.title ?? 'This page failed'}
      </h1>
      <p className="mt-2 text-muted">
        {problem?.detail ??
          'Something that was not foreseen went wrong; the log of the admin UI has its cause.'}
      </p>
      <p className="mt-4 flex gap-4">
        {problem?.kind !== 'not-found' && problem?.kind !== 'forged-form' && (
          <a href={pathname + search} className="text-accent underline">
            Try again
          </a>
        )}
        <Link to="/" className="text-accent underline">
          Home
        </Link>
      </p>
    </section>
  )
}

function problemOf(error: unknown): PageProblem | undefined {
  if (!isRouteErrorResponse(error)) return undefined
  const body: unknown = error.data
  if (isPageProblem(body)) return body
  return error.status === 404 ? NOT_FOUND : undefined
}
