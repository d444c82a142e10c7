import { ConfigurationError } from './environment.ts'

/** Files that the operator named for the connection to Redis. One of them is enough for TLS to be spoken. */
export interface CacheTlsFiles {
  REDIS_TLS_CA_FILE_PATH?: string | undefined
  REDIS_TLS_KEY_FILE_PATH?: string | undefined
  REDIS_TLS_CERT_FILE_PATH?: string | undefined
}

/** What the files hold, as PEM. */
export interface CacheTls {
  /** Whom the server's certificate must be from; absent: whom the system trusts. */
  ca?: string
  key?: string
  cert?: string
}

/**
 * Reads the files of `REDIS_TLS_*_FILE_PATH`. Undefined where none is named.
 *
 * @throws ConfigurationError naming the variable whose file cannot be read, or which of key and certificate is missing
 */
export async function readCacheTls(
  files: CacheTlsFiles,
  readTextFile: (path: string) => Promise<string>
): Promise<CacheTls | undefined> {
  const { REDIS_TLS_CA_FILE_PATH, REDIS_TLS_KEY_FILE_PATH, REDIS_TLS_CERT_FILE_PATH } = files
  if ((REDIS_TLS_KEY_FILE_PATH === undefined) !== (REDIS_TLS_CERT_FILE_PATH === undefined)) {
    const missing =
      REDIS_TLS_KEY_FILE_PATH === undefined ? 'REDIS_TLS_KEY_FILE_PATH' : 'REDIS_TLS_CERT_FILE_PATH'
    throw new ConfigurationError(
      `${missing} is not set: a key and its certificate are needed together, or none`
    )
  }
  const read = async (name: keyof CacheTlsFiles): Promise<string | undefined> => {
    const path = files[name]
    if (path === undefined) return undefined
    try {
      return await readTextFile(path)
    } catch (error) {
      const reason = error instanceof Error ? error.message : String(error)
      throw new ConfigurationError(`${name} holds "${path}": the file cannot be read (${reason})`)
    }
  }
  if (REDIS_TLS_CA_FILE_PATH === undefined && REDIS_TLS_KEY_FILE_PATH === undefined) return undefined
  const [ca, key, cert] = await Promise.all([
    read('REDIS_TLS_CA_FILE_PATH'),
    read('REDIS_TLS_KEY_FILE_PATH'),
    read('REDIS_TLS_CERT_FILE_PATH')
  ])
  return {
    ...(ca !== undefined && { ca }),
    ...(key !== undefined && { key }),
    ...(cert !== undefined && { cert })
  }
}
