import { parseArgs } from 'node:util'
import {
  countPaymentStatements,
  describeStatements,
  MAX_STATEMENTS_PER_PAYMENT,
  totalOf
} from '../load/statements/model.ts'
import { createProgress } from '../reports/progress.ts'

const MAX_PAYMENTS = 1_000

const HELP = `npm run lab -- statements [--payments N] [--json]

Counts the SQL statements of a full payment (GNAP to the last withdrawal, two nodes, all services) in the virtual
world, and lists them by service.

  --payments N   payments to count over, one after the other: 1 to ${MAX_PAYMENTS} (default 10)
  --json         one JSON object per line, the last {"event":"summary","ok":…}

Exit status 1: there are more than the bound, ${MAX_STATEMENTS_PER_PAYMENT}.
`

/** `lab statements`: what one payment asks of the database. */
export async function statementsCommand(args: string[]): Promise<number> {
  const progress = createProgress({ json: args.includes('--json') })
  let payments: number
  try {
    const { values } = parseArgs({
      args,
      options: {
        payments: { type: 'string', default: '10' },
        json: { type: 'boolean', default: false },
        help: { type: 'boolean', default: false }
      }
    })
    if (values.help) {
      process.stdout.write(HELP)
      return 0
    }
    payments = Number(values.payments)
    if (!/^\d+$/.test(values.payments) || payments < 1 || payments > MAX_PAYMENTS)
      throw new Error(`--payments needs a whole number from 1 to ${MAX_PAYMENTS}, not "${values.payments}"`)
  } catch (error) {
    const { message } = error as Error
    progress.error(message)
    progress.say(`\n${HELP}`)
    progress.summary({ ok: false, error: message })
    return 2
  }
  const { statements, cpuMsPerPayment } = await countPaymentStatements(payments)
  for (const line of describeStatements(statements)) progress.say(line)
  const perPayment = Number(totalOf(statements).toFixed(1))
  progress.step('statements', `${perPayment} per payment; ${cpuMsPerPayment} ms of a processor each`)
  const ok = perPayment <= MAX_STATEMENTS_PER_PAYMENT
  if (!ok) progress.error(`more than the bound, ${MAX_STATEMENTS_PER_PAYMENT}`)
  progress.summary({
    ok,
    perPayment,
    bound: MAX_STATEMENTS_PER_PAYMENT,
    payments,
    cpuMsPerPayment,
    statements
  })
  return ok ? 0 : 1
}
