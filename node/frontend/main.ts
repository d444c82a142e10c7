import { parseArgs } from 'node:util'
import {
  ConfigurationError,
  createSystemRuntime,
  holdProcess,
  loadEnvironment,
  outliveClosedOutput,
  warnOfSimilarNames
} from '../runtime/index.ts'
import type { Environment, Runtime } from '../runtime/index.ts'
import { FRONTEND_VARIABLES, loadFrontendConfig } from './config.ts'
import type { FrontendConfig } from './config.ts'
import { createFrontend, NotBuiltError } from './frontend.ts'
import type { Frontend } from './frontend.ts'

/*
 * The admin UI as a process: `npm run frontend`.
 *
 *   exit 0   stopped in order by SIGINT or SIGTERM; --check found nothing wrong
 *   exit 1   could not start (not built, a port), or a second signal
 *   exit 2   wrong use, or the configuration is wrong: one line per variable on standard error
 */

const HELP = `npm run frontend             starts the admin UI; SIGTERM stops it in order
npm run frontend -- --check  says what is wrong with the configuration; starts nothing
npm run frontend:build       builds it, once per version
  --help   this text

Exit status: 0 well; 1 it could not start; 2 wrong use, or the configuration is wrong.
Variables and their defaults: docs/operations.md
`

async function main(): Promise<void> {
  const hold = holdProcess()
  outliveClosedOutput()
  const environment = await loadEnvironment()
  const status = runCommand(process.argv.slice(2), environment)
  if (status !== undefined) process.exit(status)
  const config = loadFrontendConfig(environment)
  const runtime = createSystemRuntime({ name: 'frontend', logLevel: config.LOG_LEVEL })
  warnOfSimilarNames(environment, FRONTEND_VARIABLES, runtime.logger)
  const frontend = createFrontend(config, runtime)
  stopOnSignals(frontend, runtime)
  try {
    await frontend.start()
  } catch (error) {
    process.stderr.write(`${whyNotStarted(error as NodeJS.ErrnoException, config)}\n`)
    process.exitCode = 1
    hold.release()
    return
  }
  const { host, port } = frontend.address!
  runtime.logger.info({ event: 'started', address: `${host}:${port}` }, 'the admin UI is up')
}

/** Undefined: no option was given, it shall start. */
function runCommand(args: string[], environment: Environment): number | undefined {
  let values
  try {
    ;({ values } = parseArgs({ args, options: { check: { type: 'boolean' }, help: { type: 'boolean' } } }))
  } catch (error) {
    process.stderr.write(`${(error as Error).message}\n\n${HELP}`)
    return 2
  }
  if (values.help) {
    process.stdout.write(HELP)
    return 0
  }
  if (!values.check) return undefined
  loadFrontendConfig(environment)
  process.stdout.write('the configuration is well\n')
  return 0
}

/** The first signal lets running requests finish; a second one ends the process at once with status 1. */
function stopOnSignals(frontend: Frontend, { logger }: Runtime): void {
  let isStopping = false
  for (const signal of ['SIGINT', 'SIGTERM'] as const) {
    process.on(signal, () => {
      if (isStopping) process.exit(1)
      isStopping = true
      logger.info({ event: 'stopping', signal }, 'stopping; a second signal ends it at once')
      frontend.stop().then(
        () => {
          logger.info({ event: 'stopped' }, 'stopped')
          process.exit(0)
        },
        (error: unknown) => {
          logger.error({ err: error }, 'the admin UI could not stop in order')
          process.exit(1)
        }
      )
    })
  }
}

function whyNotStarted(error: NodeJS.ErrnoException, { PORT }: FrontendConfig): string {
  if (error instanceof NotBuiltError) return error.message
  if (error.code === 'EADDRINUSE')
    return `PORT ${PORT} is in use: stop what listens there, or name another port`
  return `The admin UI could not start: ${error.stack ?? error.message}`
}

await main().catch((error: unknown) => {
  if (!(error instanceof ConfigurationError)) throw error
  process.stderr.write(`${error.message}\n`)
  process.exit(2)
})
