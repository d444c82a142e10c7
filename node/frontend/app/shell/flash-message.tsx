import { useEffect, useState } from 'react'
import type { Flash } from '../session/session.ts'

const SHOWN_MS = 5_000

/** What the last change came to: shown for 5 s, an error until it is closed. Without JavaScript it stays. */
export function FlashMessage({ flash }: { flash: Flash | undefined }) {
  const [shown, setShown] = useState(flash)
  const [seen, setSeen] = useState(flash)
  if (flash !== undefined && flash !== seen) {
    setSeen(flash)
    setShown(flash)
  }
  useEffect(() => {
    if (shown?.type !== 'success') return undefined
    const timer = setTimeout(() => setShown(undefined), SHOWN_MS)
    return () => clearTimeout(timer)
  }, [shown])
  return (
    <div
      role={shown?.type === 'error' ? 'alert' : 'status'}
      className="fixed right-4 top-4 z-20 max-w-[calc(100vw-2rem)]"
    >
      {shown && (
        <div
          className={`flex items-start gap-3 rounded border p-3 shadow-lg ${
            shown.type === 'error' ? 'border-bad bg-bad-soft text-bad' : 'border-good bg-good-soft text-good'
          }`}
        >
          <p>{shown.message}</p>
          <button
            type="button"
            aria-label="Close the message"
            onClick={() => setShown(undefined)}
            className="cursor-pointer rounded px-1.5 hover:bg-surface"
          >
            ×
          </button>
        </div>
      )}
    </div>
  )
}
