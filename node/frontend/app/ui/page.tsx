import { Link } from '@remix-run/react'
import type { ReactNode } from 'react'

/** A page's head: where one is, its title, what can be done. */
export function Page({
  title,
  parents = [],
  actions,
  children
}: {
  title: string
  parents?: readonly { to: string; label: string }[]
  actions?: ReactNode
  children: ReactNode
}) {
  return (
    <div className="flex flex-col gap-6">
      <div className="flex flex-col gap-2">
        {parents.length > 0 && (
          <nav aria-label="Breadcrumbs">
            <ol className="flex flex-wrap gap-2 text-sm text-muted">
              {parents.map(({ to, label }) => (
                <li key={to} className="flex gap-2">
                  <Link to={to} className="underline">
                    {label}
                  </Link>
                  <span aria-hidden="true">/</span>
                </li>
              ))}
            </ol>
          </nav>
        )}
        <div className="flex flex-wrap items-center justify-between gap-3">
          <h1 className="break-words text-2xl font-semibold">{title}</h1>
          {actions !== undefined && <div className="flex flex-wrap gap-2">{actions}</div>}
        </div>
      </div>
      {children}
    </div>
  )
}

/** A part of a page, with a heading of its own. */
export function Section({ title, help, children }: { title: string; help?: ReactNode; children: ReactNode }) {
  const id = `section-${title.toLowerCase().replaceAll(/\W+/g, '-')}`
  return (
    <section aria-labelledby={id} className="rounded-lg border border-line bg-surface p-4 md:p-6">
      <h2 id={id} className="text-lg font-semibold">
        {title}
      </h2>
      {help !== undefined && <p className="mt-1 max-w-prose text-sm text-muted">{help}</p>}
      <div className="mt-4 flex flex-col gap-4">{children}</div>
    </section>
  )
}

/** Names and values: what is known of one thing. */
export function Facts({ facts }: { facts: readonly (readonly [name: string, value: ReactNode])[] }) {
  return (
    <dl className="grid gap-x-8 gap-y-3 sm:grid-cols-2">
      {facts.map(([name, value]) => (
        <div key={name} className="min-w-0">
          <dt className="text-sm text-muted">{name}</dt>
          <dd className="break-words">{value ?? '—'}</dd>
        </div>
      ))}
    </dl>
  )
}

export function EmptyState({ children }: { children: ReactNode }) {
  return (
    <p className="rounded-lg border border-dashed border-line bg-surface p-8 text-center text-muted">
      {children}
    </p>
  )
}

/** An id, in the letters that tell 0 from O. */
export function Id({ children }: { children: string }) {
  return <span className="break-all font-mono text-sm">{children}</span>
}
