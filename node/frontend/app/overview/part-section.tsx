import type { ReactNode } from 'react'
import { Section } from '../ui/page.tsx'
import type { Part } from './parts.server.ts'

/** A part of the page in its place; where it could not be loaded, why. */
export function PartSection<Value>({
  title,
  help,
  part,
  children
}: {
  title: string
  help?: ReactNode
  part: Part<Value>
  children(value: Value): ReactNode
}) {
  return (
    <Section title={title} help={help}>
      {part.ok ? (
        children(part.value)
      ) : (
        <p className="rounded border border-bad bg-bad-soft p-3 text-bad">
          {part.error}{' '}
          <a href="/overview" className="underline">
            Try again
          </a>
        </p>
      )}
    </Section>
  )
}
