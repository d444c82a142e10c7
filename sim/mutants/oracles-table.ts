import { readFileSync } from 'node:fs'
import { format, resolveConfig } from 'prettier'
import { describeViolation } from './model.ts'
import type { Mutant, MutantResult } from './model.ts'

const BEGIN = '<!-- begin of the table that "lab mutants --write-docs" writes -->'
const END = '<!-- end of the table -->'

/** Runs of the tree as it is, and the searches that show something there. */
export interface CleanRuns {
  count: number
  violated: readonly string[]
}

/**
 * A document with its table brought up to date, formatted as the project's files are.
 *
 * @throws Error where the document has no place for it
 */
export async function oraclesTable(
  file: string,
  mutants: readonly Mutant[],
  results: readonly MutantResult[],
  clean: CleanRuns
): Promise<string> {
  const text = readFileSync(file, 'utf8')
  const [begin, end] = [text.indexOf(BEGIN), text.indexOf(END)]
  if (begin < 0 || end < begin) throw new Error(`${file} has no place for the table: ${BEGIN} … ${END}`)
  const written = `${text.slice(0, begin + BEGIN.length)}\n\n${tableOf(mutants, results, clean)}\n\n${text.slice(end)}`
  return format(written, { ...(await resolveConfig(file)), filepath: file })
}

function tableOf(mutants: readonly Mutant[], results: readonly MutantResult[], clean: CleanRuns): string {
  const found = results.filter((result) => result.found).length
  const rows = results.map((result, index) => rowOf(mutants[index]!, result))
  const details = results.flatMap(({ name, found: finding }) =>
    finding
      ? [
          `### ${name}\n\n${[...finding.reproducer, `violated: ${describeViolation(finding)}`].map(codeLine).join('\n')}`
        ]
      : []
  )
  return [
    `${found} of ${results.length} are found. The tree as it is, over the same seeds of the same searches (${clean.count} runs): ${clean.violated.length === 0 ? 'nothing' : `violated in ${clean.violated.join(', ')}`}.`,
    '',
    '| Planted bug | What is wrong then | Found by | Violated | Seeds | Simulated | Actions |',
    '| --- | --- | --- | --- | --- | --- | --- |',
    ...rows,
    '',
    '## Reproducers',
    '',
    details.join('\n\n')
  ].join('\n')
}

function rowOf({ breaks, unreached }: Mutant, { name, found, runs }: MutantResult): string {
  if (!found)
    return `| ${name} | ${cell(breaks)} | – | not found${unreached ? `: ${cell(unreached)}` : ''} | ${runs} runs | – | – |`
  const { search, seed, property, message, actions, worldMs } = found
  const violated = property === 'always' ? message.replace(/^always: /, '') : property
  const time =
    worldMs < 120_000 ? `${(worldMs / 1_000).toFixed(1)} s` : `${(worldMs / 60_000).toFixed(1)} min`
  return `| ${name} | ${cell(breaks)} | \`${search}\` | ${cell(violated)} | ${seed} | ${time} | ${actions} |`
}

function cell(text: string): string {
  return text.replaceAll('|', '\\|').replaceAll('\n', ' ')
}

/** As code: ids and addresses are no Markdown. */
function codeLine(line: string): string {
  return `- \`${line.replaceAll('`', "'").slice(0, 200)}\``
}
