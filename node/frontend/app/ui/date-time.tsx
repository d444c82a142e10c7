/** A moment, in UTC: the same for everybody who speaks of it. */
export function DateTime({ value }: { value: string }) {
  const date = new Date(value)
  const text = date.toISOString()
  return <time dateTime={text}>{`${text.slice(0, 10)} ${text.slice(11, 19)} UTC`}</time>
}
