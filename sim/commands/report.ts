import { writeFileSync } from 'node:fs'
import { parseArgs } from 'node:util'
import { compareHtmlOf } from '../load/report/compare-html.ts'
import { compareReports, differences } from '../load/report/compare.ts'
import { NoReportError, readLoadReport, writeLoadReport } from '../load/report/files.ts'
import { shortNumber } from '../load/report/line-chart.ts'
import { headline } from '../load/report/summary.ts'
import { WrongUse } from './wrong-use.ts'

const HELP = `npm run lab -- report <command>

  compare A B [--out FILE]   two runs of lab load side by side, with ratios; FILE: as an HTML page, too
  show RUN [--out DIR]       a run in a sentence; DIR: writes its page again

A, B and RUN are a load.json, or the directory that it is in. Exit status: 0 done, 2 wrong use.
`

/** `lab report`: what `lab load --report` left. */
export function reportCommand(args: string[]): Promise<number> {
  try {
    const { values, positionals } = parse(args)
    if (values.help) {
      process.stdout.write(HELP)
      return Promise.resolve(0)
    }
    const [command, ...files] = positionals
    if (command === 'compare' && files.length === 2) compare(files[0]!, files[1]!, values.out)
    else if (command === 'show' && files.length === 1) show(files[0]!, values.out)
    else throw new WrongUse('compare takes two runs, show takes one')
    return Promise.resolve(0)
  } catch (error) {
    if (!(error instanceof WrongUse || error instanceof NoReportError)) throw error
    process.stderr.write(error instanceof WrongUse ? `${error.message}\n\n${HELP}` : `${error.message}\n`)
    return Promise.resolve(2)
  }
}

function parse(args: string[]) {
  try {
    return parseArgs({
      args,
      allowPositionals: true,
      options: { out: { type: 'string' }, help: { type: 'boolean', default: false } }
    })
  } catch (error) {
    throw new WrongUse((error as Error).message)
  }
}

function compare(first: string, second: string, out: string | undefined): void {
  const [a, b] = [readLoadReport(first), readLoadReport(second)]
  process.stdout.write(`A  ${headline(a)}\nB  ${headline(b)}\n\n`)
  for (const { what, unit, a: one, b: other, ratio } of compareReports(a, b)) {
    const cells = [shortNumber(one), shortNumber(other), ratio === undefined ? '–' : ratio.toFixed(2)]
    process.stdout.write(`${what.padEnd(46)} ${cells.map((cell) => cell.padStart(9)).join(' ')}  ${unit}\n`)
  }
  const different = differences(a, b)
  if (different.length > 0)
    process.stdout.write(`\nWhat else differs:\n${different.map((line) => `  ${line}\n`).join('')}`)
  if (out !== undefined) writeFileSync(out, compareHtmlOf(a, b))
}

function show(file: string, out: string | undefined): void {
  const report = readLoadReport(file)
  process.stdout.write(`${headline(report)}\n`)
  if (out !== undefined) process.stdout.write(`${writeLoadReport(out, report)}\n`)
}
