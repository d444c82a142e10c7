import { ConfigurationError, createSystemRuntime } from '../runtime/index.ts'
import type { Environment, Runtime } from '../runtime/index.ts'
import { helpText, readCommand } from './arguments.ts'
import type { MigrationSet } from './checks.ts'
import { describeError } from './findings.ts'
import type { Check } from './findings.ts'
import { runChecks, runMigrations } from './run.ts'
import type { Write } from './run.ts'

const PROCESS_OUTPUT = {
  write: (text: string) => void process.stdout.write(text),
  writeError: (text: string) => void process.stderr.write(text)
}

/** What the commands of a service need to know of it. */
export interface CommandedService<Config> {
  name: 'backend' | 'auth'
  variables: readonly string[]
  load(environment: Environment): Config
  checks(config: Config, runtime: Runtime): Record<string, Check>
  /** Where its tables are: the variable and what it holds. */
  database(config: Config): { variable: string; url: string }
  migrationSets(config: Config): readonly MigrationSet[]
}

/**
 * Does what the command line asks for besides starting.
 *
 * @returns the exit status; undefined where the service is to be started
 * @throws ConfigurationError where migrations are asked for and the configuration cannot be read
 */
export async function runCommand<Config>(
  service: CommandedService<Config>,
  args: readonly string[],
  environment: Environment,
  { write, writeError }: { write: Write; writeError: Write } = PROCESS_OUTPUT
): Promise<number | undefined> {
  const command = readCommand(args)
  if (command.kind === 'start') return undefined
  if (command.kind === 'help') {
    write(helpText(service.name))
    return 0
  }
  if (command.kind === 'wrong') {
    writeError(`${command.reason}\n\n${helpText(service.name)}`)
    return 2
  }
  const runtime = createSystemRuntime({ name: service.name, logLevel: 'silent' })
  try {
    if (command.kind === 'check') {
      const { clock } = runtime
      return await runChecks(
        { clock, write, json: command.json },
        environment,
        service.variables,
        (read) => service.load(read),
        (config) => service.checks(config, runtime)
      )
    }
    const config = service.load(environment)
    const { variable, url } = service.database(config)
    try {
      const database = runtime.openDatabase({ url, maxConnections: 2 })
      await runMigrations(database, service.migrationSets(config), { write, ...command })
      return 0
    } catch (error) {
      if (error instanceof ConfigurationError) throw error
      writeError(`${variable}: the database could not be brought up to date: ${describeError(error)}\n`)
      return 1
    }
  } finally {
    runtime.kill()
  }
}
