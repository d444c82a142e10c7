import { Link, useNavigation } from '@remix-run/react'
import type { ReactNode } from 'react'

const LOOKS = {
  primary: 'bg-accent text-accent-ink hover:opacity-90',
  secondary: 'border border-field-line bg-surface text-ink hover:bg-raised',
  danger: 'border border-bad bg-surface text-bad hover:bg-bad-soft'
} as const

const SHAPE =
  'inline-flex cursor-pointer items-center justify-center rounded px-4 py-2 font-medium no-underline'

export type ButtonLook = keyof typeof LOOKS

/** Sends the form that it stands in; says so, and cannot be pressed again, while that is under way. */
export function SubmitButton({
  children,
  look = 'primary',
  intent
}: {
  children: ReactNode
  look?: ButtonLook
  /** The `intent` of a page that has several forms. */
  intent?: string
}) {
  const { state, formData } = useNavigation()
  const isPending = state === 'submitting' && (intent === undefined || formData?.get('intent') === intent)
  return (
    <button
      type="submit"
      aria-disabled={isPending}
      onClick={(event) => {
        if (isPending) event.preventDefault()
      }}
      className={`${SHAPE} ${LOOKS[look]} aria-disabled:opacity-60`}
      {...(intent !== undefined && { name: 'intent', value: intent })}
    >
      {children}
    </button>
  )
}

/** Goes to another page, and looks like a button. */
export function LinkButton({
  to,
  children,
  look = 'secondary',
  isDocument = false
}: {
  to: string
  children: ReactNode
  look?: ButtonLook
  /** The browser itself goes there: what answers may be another site. */
  isDocument?: boolean
}) {
  return (
    <Link to={to} reloadDocument={isDocument} className={`${SHAPE} ${LOOKS[look]}`}>
      {children}
    </Link>
  )
}
