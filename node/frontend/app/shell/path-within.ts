/** A path of this UI to go to; `/` where the value names none: nobody is sent to another host. */
export function pathWithin(value: unknown): string {
  if (typeof value !== 'string' || !value.startsWith('/')) return '/'
  const here = new URL('http://here.invalid/')
  if (!URL.canParse(value, here)) return '/'
  const url = new URL(value, here)
  return url.origin === here.origin ? url.pathname + url.search : '/'
}
