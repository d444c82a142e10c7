import { Link, useNavigate } from '@remix-run/react'
import { useEffect, useRef } from 'react'
import type { ReactNode } from 'react'

/**
 * A dialog that has an address of its own, over the page that it belongs to. Without JavaScript it stands in the page;
 * with it, it is the browser's own modal dialog: focus stays inside, Escape leaves.
 */
export function RouteDialog({
  title,
  parent,
  children
}: {
  title: string
  parent: string
  children: ReactNode
}) {
  const dialog = useRef<HTMLDialogElement>(null)
  const navigate = useNavigate()
  useEffect(() => {
    const element = dialog.current
    if (!element) return
    element.close()
    element.showModal()
  }, [])
  return (
    <dialog
      ref={dialog}
      open
      aria-labelledby="dialog-title"
      onCancel={() => {
        // The browser closes it and gives focus back to what opened it, which stays on the page below.
        void navigate(parent, { preventScrollReset: true })
      }}
      className="m-auto w-full max-w-lg rounded-lg border border-line bg-surface p-6 text-ink shadow-xl backdrop:bg-black/50"
    >
      <div className="flex items-start justify-between gap-4">
        <h2 id="dialog-title" className="text-lg font-semibold">
          {title}
        </h2>
        <Link
          to={parent}
          preventScrollReset
          onClick={() => dialog.current?.close()}
          aria-label="Close"
          className="rounded px-2 text-xl leading-none text-muted no-underline hover:bg-raised"
        >
          ×
        </Link>
      </div>
      <div className="mt-4">{children}</div>
    </dialog>
  )
}
