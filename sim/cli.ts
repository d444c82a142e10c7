import { parseArgs } from 'node:util'
import { outliveClosedOutput } from '../node/runtime/index.ts'
import { exploreCommand } from './commands/explore.ts'
import { loadCommand } from './commands/load.ts'
import { mutantsCommand } from './commands/mutants.ts'
import { payCommand } from './commands/pay.ts'
import { reportCommand } from './commands/report.ts'
import { replayCommand } from './commands/replay.ts'
import { runCommand } from './commands/run.ts'
import { statementsCommand } from './commands/statements.ts'

const HELP = `npm run lab -- <command>

  pay FROM TO AMOUNT [--receive] [--json]   pay over the network that npm start keeps up
  run NAME… [--world NAME] [--seed N] …     run scenarios in a virtual or a local world and check what must hold
  explore [--packets] [--runs N] …          search for a history in which something does not hold, and make it small
  replay FILE                               run such a history again
  report compare|show RUN…                  read what load runs left; two of them side by side
  statements [--payments N] [--json]        count the SQL statements of a full payment, by service
  load KIND [--search] [--rate N] …         load a connector or a network and say what it carries
  mutants [NAME…] [--budget S] …            plant bugs in a copy of the tree: each must be found
  help                                      this text

Every command takes --help. Exit status: 0 all is well, 1 a payment failed or a property was violated,
2 wrong use.
`

/** Each command parses its own arguments and resolves to an exit status. */
const commands: Record<string, (args: string[]) => Promise<number>> = {
  explore: exploreCommand,
  load: loadCommand,
  mutants: mutantsCommand,
  pay: payCommand,
  replay: replayCommand,
  report: reportCommand,
  run: runCommand,
  statements: statementsCommand
}

outliveClosedOutput()
process.exitCode = await main(process.argv.slice(2))

async function main(args: string[]): Promise<number> {
  const { positionals } = parseArgs({ args: args.slice(0, 1), allowPositionals: true, strict: false })
  const name = positionals[0]
  if (name === undefined || name === 'help') {
    process.stdout.write(HELP)
    return name === undefined && !args.includes('--help') ? 2 : 0
  }
  const command = Object.hasOwn(commands, name) ? commands[name] : undefined
  if (!command) {
    process.stderr.write(
      `unknown command "${name}"; there are: ${Object.keys(commands).join(', ')}\n\n${HELP}`
    )
    return 2
  }
  return command(args.slice(1))
}
