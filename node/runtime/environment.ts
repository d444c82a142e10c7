import { z } from 'zod'

/**
 * Raised when the environment does not describe a service that can start. The message has one line per
 * variable: its name, what it holds and what is allowed.
 */
export class ConfigurationError extends Error {
  override name = 'ConfigurationError'
}

export type Environment = Record<string, string | undefined>

/** The environment of this process. The only place that reads it. */
export function processEnvironment(): Environment {
  return process.env
}

/** Names whose values are not repeated in error messages; the second: times of keys and tokens, and where a key is. */
const SECRET_NAME = /SECRET|KEY|TOKEN|PASSWORD/
const PLAIN_NAME = /_(MS|SECONDS|DAYS|FILE|PATH|ID)$/

/** A value as a message repeats it. */
function shown(name: string, value: string): string {
  if (SECRET_NAME.test(name) && !PLAIN_NAME.test(name)) return 'holds a value that is not allowed'
  // Credentials of a URL.
  return `holds "${value.replace(/\/\/.*@/, '//…@')}"`
}

/**
 * Reads a service's configuration from the environment. Empty strings count as absent, as in Rafiki's
 * "required" variables.
 *
 * @throws ConfigurationError naming every wrong variable at once
 */
export function parseEnvironment<Schema extends z.ZodType>(
  schema: Schema,
  environment: Environment
): z.output<Schema> {
  const present = Object.fromEntries(
    Object.entries(environment).filter(([, value]) => value !== undefined && value !== '')
  )
  const result = schema.safeParse(present)
  if (result.success) return result.data
  const lines = result.error.issues.map((issue) => {
    const name = String(issue.path[0] ?? '(environment)')
    const value = present[name]
    return `${name} ${value === undefined ? 'is not set' : shown(name, value)}: ${issue.message}`
  })
  throw new ConfigurationError(lines.join('\n'))
}

const LOG_LEVELS = ['trace', 'debug', 'info', 'warn', 'error', 'fatal', 'silent'] as const

/** Variables as Rafiki reads them: strings in, typed values out, defaults named beside each. */
export const variable = {
  string: (fallback: string) => z.string().default(fallback),
  required: () => z.string({ error: 'a value is required' }),
  optional: () => z.string().optional(),
  /** True only for the exact string `true`. */
  boolean: (fallback: boolean) =>
    z
      .string()
      .transform((value) => value === 'true')
      .default(fallback),
  /** A whole number of at least `min`. */
  integer: (fallback: number, min = 0) => integerString(min).default(fallback),
  optionalInteger: (min = 0) => integerString(min).optional(),
  port: (fallback: number) =>
    integerString(0)
      .refine((value) => value <= 65535, 'a port from 0 to 65535 is needed')
      .default(fallback),
  /** An http(s) URL. */
  url: () => httpUrlString(),
  optionalUrl: () => httpUrlString().optional(),
  /** An http(s) URL that others are made from: without query, fragment and credentials. */
  baseUrl: () =>
    httpUrlString().refine(
      (value) => !isHttpUrl(value) || isBase(value),
      'a URL without query, fragment and credentials is needed: others are made from it'
    ),
  /** Where a service of another kind is: a URL of one of these schemes. */
  serviceUrl: (fallback: string, schemes: readonly string[]) =>
    z
      .string()
      .refine(
        (value) => schemes.some((scheme) => value.startsWith(`${scheme}://`)) && URL.canParse(value),
        `a URL is needed, such as ${fallback.replace(/\/\/.*@/, '//user:password@')}`
      )
      .default(fallback),
  uuid: () =>
    z
      .string({ error: 'a UUID is required' })
      .regex(/^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i, 'a UUID is needed'),
  /** What the log writes, by pino's names. */
  logLevel: () => variable.oneOf(LOG_LEVELS).default('info'),
  oneOf: <const Values extends readonly [string, ...string[]]>(values: Values) =>
    z.enum(values, { error: `one of ${values.join(', ')} is needed` })
}

function httpUrlString() {
  return z
    .string({ error: 'a URL is required' })
    .refine(isHttpUrl, 'an http(s) URL is needed, such as https://example.com')
}

function isHttpUrl(value: string): boolean {
  return URL.canParse(value) && /^https?:$/.test(new URL(value).protocol)
}

function isBase(value: string): boolean {
  const { username, password } = new URL(value)
  return !/[?#]/.test(value) && username === '' && password === ''
}

function integerString(min: number) {
  return z
    .string()
    .regex(/^-?\d+$/, `a whole number of at least ${min} is needed`)
    .transform(Number)
    .refine(
      (value) => Number.isSafeInteger(value) && value >= min,
      `a whole number of at least ${min} is needed`
    )
}
