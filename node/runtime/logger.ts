import pino from 'pino'

export type Logger = pino.Logger

/** Names of fields whose values never reach a log, at any depth that our records have. */
const SECRET_FIELDS = [
  'authorization',
  'Authorization',
  'apiSecret',
  'authToken',
  'authTokens',
  'accessToken',
  'access_token',
  'continueToken',
  'sharedSecret',
  'privateKey',
  'signature',
  'idpSecret',
  'cookie',
  'x-idp-secret'
]

export interface LoggerOptions {
  level: string
  name: string
  /** Where lines go; standard output when absent. */
  write?: (line: string) => void
}

/** A logger of JSON lines with secrets redacted. Made once per service: a packet never builds one. */
export function createLogger({ level, name, write }: LoggerOptions): Logger {
  const options: pino.LoggerOptions = {
    name,
    level,
    base: { name },
    redact: {
      paths: SECRET_FIELDS.flatMap((field) => {
        const path = field.includes('-') ? `["${field}"]` : field
        const nested = field.includes('-') ? path : `.${path}`
        return [path, `*${nested}`, `*.*${nested}`]
      }),
      censor: '[redacted]'
    }
  }
  return write ? pino(options, { write }) : pino(options)
}
