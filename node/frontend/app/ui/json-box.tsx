/** JSON as people read it. It scrolls inside its box, which the keyboard reaches. */
export function JsonBox({ label, value }: { label: string; value: unknown }) {
  return (
    <pre
      tabIndex={0}
      role="region"
      aria-label={label}
      className="max-h-96 overflow-auto rounded border border-line bg-raised p-3 font-mono text-sm"
    >
      {JSON.stringify(value, null, 2)}
    </pre>
  )
}
