import { holdProcess } from '../../node/runtime/index.ts'
import type { LoadReport } from '../load/engine/model.ts'
import { writeLoadReport } from '../load/report/files.ts'
import { LOAD_HELP, parseLoadOptions } from '../load/options.ts'
import type { LoadOptions } from '../load/options.ts'
import { runLoadCommand } from '../load/run-load.ts'
import { createProgress } from '../reports/progress.ts'
import type { Progress } from '../reports/progress.ts'
import { WrongUse } from './wrong-use.ts'

/** `lab load`: what a connector, or a network, carries. */
export async function loadCommand(args: string[]): Promise<number> {
  const json = args.includes('--json')
  const progress = createProgress({ json })
  const hold = holdProcess()
  try {
    const options = parseLoadOptions(args)
    if (options === undefined) {
      process.stdout.write(LOAD_HELP)
      return 0
    }
    const report = await runLoadCommand(options, `npm run lab -- load ${args.join(' ')}`, {
      ...progress,
      json
    })
    if (options.report !== undefined) progress.step('report', writeLoadReport(options.report, report))
    tell(progress, options, report)
    return report.ok ? 0 : 1
  } catch (error) {
    const { message } = error as Error
    progress.error(message)
    progress.summary({ ok: false, error: message })
    return error instanceof WrongUse ? 2 : 1
  } finally {
    hold.release()
  }
}

function tell(progress: Progress, { kind }: LoadOptions, report: LoadReport): void {
  const { reconciliation, problems, limit, slopes, profiles, stages, senders, unit } = report
  progress.say()
  if (limit) {
    const why = limit.saturatedBy === undefined ? '' : `; what is full: ${limit.saturatedBy}`
    progress.step('limit', `${Math.round(limit.perSecond * 10) / 10} ${unit}/s${why}`)
  }
  for (const { what, count, amount } of reconciliation.counts) {
    progress.step('counted', `${what}: ${[count, amount && `${amount} units`].filter(Boolean).join(', ')}`)
  }
  for (const { where, count, cause } of reconciliation.orphans) {
    progress.step('orphans', `${where}: ${count}; ${cause}`)
  }
  for (const { what, unit, mean, perHour, low, high, isFlat } of slopes ?? []) {
    const figures = [mean, perHour, low, high].map((value) => value.toFixed(2))
    progress.step(
      isFlat ? 'flat' : 'slope',
      `${what}: ${figures[0]} ${unit}, ${figures[1]} per hour (95 %: ${figures[2]} to ${figures[3]})`
    )
  }
  for (const { process, calls, steps } of profiles ?? []) {
    progress.say(`\n${process}, µs of a processor per ${unit.replace(/s$/, '')} (${calls} of them)`)
    for (const { step, microseconds, share } of steps) {
      progress.say(
        `  ${microseconds.toFixed(1).padStart(9)}  ${String(Math.round(share * 100)).padStart(3)} %  ${step}`
      )
    }
  }
  for (const problem of problems) progress.error(`PROBLEM ${problem}`)
  const last = stages.at(-1)
  progress.say(report.ok ? 'It adds up.' : 'It failed.')
  progress.summary({
    ok: report.ok,
    kind,
    ...(limit && { limit }),
    ...(senders && { senders }),
    ...(last && {
      completedPerSecond: last.completedPerSecond,
      latency: last.latency,
      outcomes: last.outcomes
    }),
    reconciliation,
    problems
  })
}
