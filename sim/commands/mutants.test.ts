import { afterEach, describe, expect, it, vi } from 'vitest'
import { mutantsCommand } from './mutants.ts'

describe('lab mutants', () => {
  afterEach(() => void vi.restoreAllMocks())

  async function run(...args: string[]) {
    const lines: string[] = []
    const write = (text: unknown) => {
      lines.push(String(text).trimEnd())
      return true
    }
    vi.spyOn(process.stdout, 'write').mockImplementation(write)
    vi.spyOn(process.stderr, 'write').mockImplementation(write)
    return { status: await mutantsCommand(args), lines }
  }

  it('lists them', async () => {
    const { status, lines } = await run('--list', '--json')
    expect(status).toBe(0)
    expect(JSON.parse(lines.at(-1)!)).toMatchObject({ event: 'summary', ok: true, mutants: lines.length - 1 })
  })

  it.each([
    [['no-such-bug'], 'unknown planted bug "no-such-bug"; lab mutants --list names them'],
    [['--budget', '0'], '--budget needs a whole number from 1 to 86400, not "0"'],
    [['--jobs', 'x'], '--jobs needs a whole number from 1 to 64, not "x"'],
    [['--seed', '-1'], undefined],
    [
      ['--write-docs', 'expiry-not-reduced'],
      '--write-docs writes the whole table: name no planted bugs with it'
    ],
    [['--unknown'], undefined]
  ])('refuses %j with one line and status 2', async (args, message) => {
    const { status, lines } = await run(...args)
    expect(status).toBe(2)
    expect(lines).toHaveLength(1)
    if (message !== undefined) expect(lines[0]).toBe(message)
  })
})
