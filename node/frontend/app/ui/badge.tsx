const LOOKS = {
  good: 'bg-good-soft text-good',
  warn: 'bg-warn-soft text-warn',
  bad: 'bg-bad-soft text-bad',
  plain: 'bg-raised text-ink'
} as const

export type BadgeLook = keyof typeof LOOKS

/** A state in one word. Its colour only repeats what the word says. */
export function Badge({ children, look = 'plain' }: { children: string; look?: BadgeLook }) {
  return (
    <span className={`inline-block rounded px-2 py-0.5 text-sm font-medium ${LOOKS[look]}`}>{children}</span>
  )
}
