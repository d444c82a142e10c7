import { readFileSync, readdirSync } from 'node:fs'
import { describe, expect, it } from 'vitest'

// docs/compatibility.md says of each known defect of the reference what became of it, and which test holds that.

const DEFECTS = 41
const HEADING = '## Known defects and quirks of the reference'

interface Row {
  number: number
  outcome: string
  /** Paths end in `file`. */
  tests: { file: string; title: string }[]
}

function readRows(): Row[] {
  const text = readFileSync('docs/compatibility.md', 'utf8')
  const start = text.indexOf(HEADING)
  const end = text.indexOf('\n## ', start + 1)
  const section = text.slice(start, end === -1 ? undefined : end)
  return [...section.matchAll(/^\| (\d+) +\|(.*)$/gm)].map(([, number, rest]) => {
    const cells = rest!.split(' | ').map((cell) => cell.trim())
    return {
      number: Number(number),
      outcome: cells[1]!,
      tests: [...rest!.matchAll(/`([\w./-]+\.test\.ts)`: “([^”]+)”/g)].map(([, file, title]) => ({
        file: file!,
        title: title!
      }))
    }
  })
}

describe('the known defects of the reference', () => {
  const rows = readRows()

  it('have a row each, in order', () => {
    expect(rows.map(({ number }) => number)).toEqual(Array.from({ length: DEFECTS }, (_, index) => index + 1))
  })

  it('are kept, mended, or said to be of what is not built', () => {
    for (const { number, outcome } of rows) {
      expect(outcome, `row ${number}`).toMatch(/^(kept|mended|not built: )/)
    }
  })

  it('are held by tests that exist, but for what is not built', () => {
    const paths = ['node', 'sim', 'scenarios'].flatMap((folder) =>
      readdirSync(folder, { recursive: true, encoding: 'utf8' }).map((path) => `${folder}/${path}`)
    )
    for (const { number, outcome, tests } of rows) {
      if (!outcome.startsWith('not built')) expect(tests.length, `row ${number}`).toBeGreaterThan(0)
      for (const { file, title } of tests) {
        const found = paths.filter((path) => path.endsWith(`/${file}`))
        expect(found, `row ${number}: ${file}`).toHaveLength(1)
        const source = readFileSync(found[0]!, 'utf8').replaceAll("\\'", "'")
        expect(
          source.includes(`'${title}'`) || source.includes(`"${title}"`),
          `row ${number}: ${title}`
        ).toBe(true)
      }
    }
  })
})
