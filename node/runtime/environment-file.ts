import { readFile } from 'node:fs/promises'
import { parseEnv } from 'node:util'
import { ConfigurationError, processEnvironment } from './environment.ts'
import type { Environment } from './environment.ts'

const DEFAULT_FILE = '.env'

/** The environment of this process with the file of `ENV_FILE` below it. */
export function loadEnvironment(): Promise<Environment> {
  return withEnvironmentFile(processEnvironment(), (path) => readFile(path, 'utf8'))
}

/**
 * The environment, and below it what the file of `ENV_FILE` holds (lines of `NAME=value`): a variable of the
 * environment itself beats the file's. Unless `ENV_FILE` names one, `.env` is read where there is one.
 *
 * @throws ConfigurationError when the file that `ENV_FILE` names cannot be read
 */
export async function withEnvironmentFile(
  environment: Environment,
  readTextFile: (path: string) => Promise<string>
): Promise<Environment> {
  const path = environment.ENV_FILE || DEFAULT_FILE
  let text: string
  try {
    text = await readTextFile(path)
  } catch (error) {
    const { code, message } = error as { code?: string; message: string }
    if (!environment.ENV_FILE && code === 'ENOENT') return environment
    throw new ConfigurationError(`ENV_FILE names "${path}": the file cannot be read (${message})`)
  }
  return { ...parseEnv(text), ...environment }
}
