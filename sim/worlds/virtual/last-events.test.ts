import { appendFileSync, mkdtempSync, rmSync, truncateSync, writeFileSync } from 'node:fs'
import { constants } from 'node:buffer'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { afterAll, describe, expect, it } from 'vitest'
import { lastEventsIn } from './last-events.ts'

const directory = mkdtempSync(path.join(tmpdir(), 'last-events-'))
afterAll(() => rmSync(directory, { recursive: true }))
const file = path.join(directory, 'history')

const events = (from: number, to: number) =>
  Array.from({ length: to - from }, (_, index) => `at message ${from + index}`)
const noise = (lines: number) => 'at timer-set x\nat random 00\n'.repeat(lines)

describe('the last events of a history', () => {
  it('are its last 30 messages, without timers and random draws', () => {
    writeFileSync(file, `${events(0, 40).join('\n')}\n${noise(5)}`)
    expect(lastEventsIn(file)).toEqual(events(10, 40))
  })

  it('are looked for further back where the end has too few', () => {
    writeFileSync(file, `${events(0, 30).join('\n')}\n${noise(50_000)}at message last\n`)
    expect(lastEventsIn(file)).toEqual([...events(1, 30), 'at message last'])
  })

  it('are found in a history that is longer than a string may be', () => {
    writeFileSync(file, '')
    truncateSync(file, constants.MAX_STRING_LENGTH + 1)
    appendFileSync(file, `\n${events(0, 3).join('\n')}\n`)
    expect(lastEventsIn(file)).toEqual(events(0, 3))
  })

  it('are cut where they are long', () => {
    writeFileSync(file, `at ${'é'.repeat(2_000)}\n`)
    expect(lastEventsIn(file)).toEqual([`at ${'é'.repeat(237)}`])
  })

  it('are none where nothing was written', () => {
    expect(lastEventsIn(path.join(directory, 'nothing'))).toEqual([])
  })
})
