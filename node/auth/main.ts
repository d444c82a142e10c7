import { runCommand, StartError, warnOfNodeEnv } from '../commands/index.ts'
import {
  ConfigurationError,
  createSystemRuntime,
  holdProcess,
  loadEnvironment,
  outliveClosedOutput,
  warnOfSimilarNames
} from '../runtime/index.ts'
import type { Runtime } from '../runtime/index.ts'
import { createAuth } from './auth.ts'
import type { Auth } from './auth.ts'
import { authCommands } from './check.ts'
import { AUTH_VARIABLES, loadAuthConfig } from './config.ts'
import type { AuthConfig } from './config.ts'

/*
 * The authorization server as a process: `npm run auth`. With options it checks or migrates instead (`--help`).
 *
 *   exit 0   stopped in order by SIGINT or SIGTERM
 *   exit 1   could not start (a port, the database), or a second signal
 *   exit 2   the configuration is wrong: one line per variable on standard error
 */

async function main(): Promise<void> {
  const hold = holdProcess()
  outliveClosedOutput()
  const environment = await loadEnvironment()
  const status = await runCommand(authCommands, process.argv.slice(2), environment)
  if (status !== undefined) process.exit(status)
  const config = loadAuthConfig(environment)
  const runtime = createSystemRuntime({ name: 'auth', logLevel: config.LOG_LEVEL })
  warnOfSimilarNames(environment, AUTH_VARIABLES, runtime.logger)
  warnOfNodeEnv(config.NODE_ENV, runtime.logger)
  const auth = createAuth(config, runtime)
  stopOnSignals(auth, runtime)
  try {
    await auth.start()
  } catch (error) {
    if (error instanceof ConfigurationError) throw error
    reportFailedStart(error as NodeJS.ErrnoException & { variable?: string }, config, runtime)
    process.exitCode = 1
    hold.release()
    return
  }
  const addresses = Object.entries(auth.addresses ?? {}).map(([name, { host, port }]) => [
    name,
    `${host}:${port}`
  ])
  runtime.logger.info(
    { event: 'started', ...Object.fromEntries(addresses) },
    'the authorization server is up'
  )
}

/** The first signal lets running requests finish; a second one ends the process at once with status 1. */
function stopOnSignals(auth: Auth, { logger }: Runtime): void {
  let stopping = false
  for (const signal of ['SIGINT', 'SIGTERM'] as const) {
    process.on(signal, () => {
      if (stopping) process.exit(1)
      stopping = true
      logger.info({ event: 'stopping', signal }, 'stopping; a second signal ends it at once')
      auth.stop().then(
        () => {
          logger.info({ event: 'stopped' }, 'stopped')
          process.exit(0)
        },
        (error: unknown) => {
          logger.error({ err: error }, 'the authorization server could not stop in order')
          process.exit(1)
        }
      )
    })
  }
}

function reportFailedStart(
  error: NodeJS.ErrnoException & { variable?: string },
  config: AuthConfig,
  { logger }: Runtime
): void {
  if (error.code === 'EADDRINUSE' && error.variable !== undefined) {
    const port = config[error.variable as keyof AuthConfig]
    process.stderr.write(
      `${error.variable} ${String(port)} is in use: stop what listens there, or name another port\n`
    )
    return
  }
  if (error instanceof StartError) {
    process.stderr.write(`${error.message}\n`)
    return
  }
  logger.error({ err: error }, 'the authorization server could not start')
  const { hostname, port } = new URL(config.AUTH_DATABASE_URL)
  process.stderr.write(
    `The authorization server could not start: ${error.message} (AUTH_DATABASE_URL names ${hostname}:${port || 5432})\n`
  )
}

await main().catch((error: unknown) => {
  if (!(error instanceof ConfigurationError)) throw error
  process.stderr.write(`${error.message}\n`)
  process.exit(2)
})
