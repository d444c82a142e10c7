import { parseArgs } from 'node:util'

/** What a service's command line asks for. */
export type Command =
  | { kind: 'start' }
  | { kind: 'help' }
  | { kind: 'check'; json: boolean }
  | { kind: 'migrate'; json: boolean; dryRun: boolean }
  | { kind: 'wrong'; reason: string }

/** Reads the options of `npm run backend -- …` and `npm run auth -- …`. */
export function readCommand(args: readonly string[]): Command {
  let values: {
    help?: boolean
    check?: boolean
    migrate?: boolean
    'dry-run'?: boolean
    list?: boolean
    json?: boolean
  }
  try {
    const flag = { type: 'boolean' } as const
    const options = { help: flag, check: flag, migrate: flag, 'dry-run': flag, list: flag, json: flag }
    ;({ values } = parseArgs({ args: [...args], options, allowPositionals: false }))
  } catch (error) {
    return { kind: 'wrong', reason: (error as Error).message }
  }
  const { help, check, migrate, list, json = false } = values
  const dryRun = list === true || values['dry-run'] === true
  if (help) return { kind: 'help' }
  if (check && (migrate || dryRun)) return { kind: 'wrong', reason: '--check stands alone, or with --json' }
  if (check) return { kind: 'check', json }
  if (migrate || list) return { kind: 'migrate', json, dryRun }
  if (dryRun || json) return { kind: 'wrong', reason: '--dry-run and --json go with --check or --migrate' }
  return { kind: 'start' }
}

export function helpText(service: string): string {
  return `npm run ${service}                        starts the service; SIGTERM stops it in order
npm run ${service} -- --check             says what is wrong with the configuration; starts nothing
npm run ${service} -- --migrate           brings the database up to date, then ends
npm run ${service} -- --migrate --dry-run what --migrate would do (the same as --list)
  --json   one JSON object per line, the last one {"event":"summary","ok":…}
  --help   this text

Exit status: 0 well; 1 it could not start or the database could not be reached; 2 wrong use, or a fault was found.
Variables and their defaults: docs/operations.md
`
}
