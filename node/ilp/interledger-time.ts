/** Length of an Interledger time: `YYYYMMDDHHMMSSmmm` (RFC 27, ILP Prepare: expiresAt). */
export const INTERLEDGER_TIME_BYTES = 17

/** The latest instant that 17 digits can write: 9999-12-31T23:59:59.999Z. */
export const LATEST_TIME_MS = 253_402_300_799_999

const ZERO = 0x30
const DAYS = [31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31] as const

/**
 * Milliseconds since 1970 of the Interledger time at `at`; undefined for what is no date. An instant has exactly
 * one text, so digits alone are not enough: there is no 30th of February. Dates before 1970 are none here: the
 * whole node counts from then.
 */
export function readInterledgerTime(bytes: Buffer, at: number): number | undefined {
  for (let index = at; index < at + INTERLEDGER_TIME_BYTES; index += 1) {
    const byte = bytes[index]
    if (byte === undefined || byte < ZERO || byte > ZERO + 9) return undefined
  }
  const year = digits(bytes, at, 4)
  const month = digits(bytes, at + 4, 2)
  const day = digits(bytes, at + 6, 2)
  const hour = digits(bytes, at + 8, 2)
  const minute = digits(bytes, at + 10, 2)
  const second = digits(bytes, at + 12, 2)
  if (year < 1970 || month < 1 || month > 12 || day < 1 || day > daysOf(year, month)) return undefined
  if (hour > 23 || minute > 59 || second > 59) return undefined
  return Date.UTC(year, month - 1, day, hour, minute, second, digits(bytes, at + 14, 3))
}

/** Writes an instant from 1970 to LATEST_TIME_MS as 17 digits. */
export function writeInterledgerTime(bytes: Buffer, at: number, timeMs: number): void {
  const date = new Date(timeMs)
  writeDigits(bytes, at, 4, date.getUTCFullYear())
  writeDigits(bytes, at + 4, 2, date.getUTCMonth() + 1)
  writeDigits(bytes, at + 6, 2, date.getUTCDate())
  writeDigits(bytes, at + 8, 2, date.getUTCHours())
  writeDigits(bytes, at + 10, 2, date.getUTCMinutes())
  writeDigits(bytes, at + 12, 2, date.getUTCSeconds())
  writeDigits(bytes, at + 14, 3, date.getUTCMilliseconds())
}

function daysOf(year: number, month: number): number {
  const isLeap = year % 4 === 0 && (year % 100 !== 0 || year % 400 === 0)
  return month === 2 && isLeap ? 29 : DAYS[month - 1]!
}

function digits(bytes: Buffer, at: number, count: number): number {
  let number = 0
  for (let index = at; index < at + count; index += 1) number = number * 10 + bytes[index]! - ZERO
  return number
}

function writeDigits(bytes: Buffer, at: number, count: number, number: number): void {
  for (let index = at + count - 1, rest = number; index >= at; index -= 1) {
    bytes[index] = ZERO + (rest % 10)
    rest = Math.floor(rest / 10)
  }
}
