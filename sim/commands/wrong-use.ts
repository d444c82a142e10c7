/** A command was given what it cannot use: told in one line, exit status 2. */
export class WrongUse extends Error {
  override name = 'WrongUse'
}

/**
 * Reads an option that is a whole number.
 *
 * @throws WrongUse naming the option and what it takes
 */
export function numberIn(option: string, text: string, low: number, high: number): number {
  const value = Number(text)
  if (!/^\d+$/.test(text) || value < low || value > high)
    throw new WrongUse(`${option} needs a whole number from ${low} to ${high}, not "${text}"`)
  return value
}
