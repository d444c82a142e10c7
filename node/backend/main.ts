import { runCommand, StartError, warnOfNodeEnv } from '../commands/index.ts'
import {
  ConfigurationError,
  createSystemRuntime,
  holdProcess,
  loadEnvironment,
  outliveClosedOutput,
  warnOfSimilarNames
} from '../runtime/index.ts'
import { createBackend } from './backend.ts'
import type { Backend } from './backend.ts'
import { backendCommands } from './check.ts'
import { BACKEND_VARIABLES, loadBackendConfig } from './config.ts'

/*
 * The backend as a process: `npm run backend`. With options it checks or migrates instead (`--help`).
 *
 *   exit 0   stopped in order by SIGINT or SIGTERM
 *   exit 1   could not start (a port, the database, the clock), or a second signal
 *   exit 2   the configuration is wrong: one line per variable on standard error
 */

async function main(): Promise<void> {
  holdProcess()
  outliveClosedOutput()
  const environment = await loadEnvironment()
  const status = await runCommand(backendCommands, process.argv.slice(2), environment)
  if (status !== undefined) process.exit(status)
  const config = loadBackendConfig(environment)
  const runtime = createSystemRuntime({ name: 'backend', logLevel: config.LOG_LEVEL })
  warnOfSimilarNames(environment, BACKEND_VARIABLES, runtime.logger)
  warnOfNodeEnv(config.NODE_ENV, runtime.logger)
  const backend = createBackend(config, runtime)
  const starting = backend.start()
  stopOnSignals(backend, starting, runtime)
  await starting
}

function stopOnSignals(
  backend: Backend,
  starting: Promise<void>,
  { logger, kill }: Pick<ReturnType<typeof createSystemRuntime>, 'logger' | 'kill'>
): void {
  let signals = 0
  for (const signal of ['SIGINT', 'SIGTERM'] as const) {
    process.on(signal, () => {
      signals += 1
      if (signals > 1) process.exit(1)
      logger.info({ event: 'stopping', signal }, 'stopping; a second signal ends it at once')
      starting
        .then(
          () => backend.stop(),
          () => undefined // main tells why it did not start
        )
        .then(
          () => {
            logger.info({ event: 'stopped' }, 'stopped')
            kill()
            process.exit(process.exitCode ?? 0)
          },
          (error: unknown) => fail(error)
        )
    })
  }
}

function fail(error: unknown): void {
  const expected = error instanceof ConfigurationError || error instanceof StartError
  process.stderr.write(`${expected ? error.message : describeUnexpected(error)}\n`)
  process.exit(error instanceof ConfigurationError ? 2 : 1)
}

function describeUnexpected(error: unknown): string {
  return error instanceof Error ? (error.stack ?? error.message) : String(error)
}

await main().catch(fail)
