import { z } from 'zod'

/** An amount as the Admin API answers it: digits in a string, for JSON's numbers are not exact so far. */
export const uint64 = z.string().regex(/^\d+$/).transform(BigInt)

/** A date-time (ISO 8601). */
export const dateTime = z.string()
