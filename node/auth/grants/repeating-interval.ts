const DURATION =
  /^P(?=.)(?:\d+W|(?:\d+Y)?(?:\d+M)?(?:\d+D)?(?:T(?=\d)(?:\d+H)?(?:\d+M)?(?:\d+(?:[.,]\d+)?S)?)?)$/
const DATE_TIME = /^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}(?::\d{2}(?:\.\d+)?)?(?:Z|[+-]\d{2}:?\d{2})$/

/**
 * Whether a text is a repeating interval (ISO 8601-1, 5.6): `R[n]/<start>/<duration>`, `R[n]/<start>/<end>` or
 * `R[n]/<duration>/<end>`; `R-1` repeats without end, as Open Payments writes it.
 */
export function isRepeatingInterval(text: string): boolean {
  const [repetitions, from, to, ...rest] = text.split('/')
  if (rest.length > 0 || from === undefined || to === undefined) return false
  if (!/^R(?:-1|\d{1,9})?$/.test(repetitions!)) return false
  if (isDateTime(from)) return DURATION.test(to) || (isDateTime(to) && Date.parse(from) < Date.parse(to))
  return DURATION.test(from) && isDateTime(to)
}

function isDateTime(text: string): boolean {
  return DATE_TIME.test(text) && !Number.isNaN(Date.parse(text))
}
