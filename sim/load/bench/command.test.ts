import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { benchCommand } from './command.ts'
import { WrongUseError } from './model.ts'
import type { Benchmark, BenchmarkContext, BenchmarkResult } from './model.ts'

let output = ''
let errors = ''
beforeEach(() => {
  output = errors = ''
  vi.spyOn(process.stdout, 'write').mockImplementation((text) => ((output += String(text)), true))
  vi.spyOn(process.stderr, 'write').mockImplementation((text) => ((errors += String(text)), true))
})
afterEach(() => {
  vi.restoreAllMocks()
})

const RESULT: BenchmarkResult = {
  perSecond: 200,
  limitPerSecond: 100,
  ratio: 2,
  p50Ms: 1.5,
  p99Ms: 3,
  audit: { ok: true },
  colour: 'green'
}

function benchmark(run: Benchmark['run'] = async () => RESULT, more: Partial<Benchmark> = {}): Benchmark {
  return {
    name: 'paint',
    title: 'walls per second',
    options: { colour: { type: 'string', value: 'NAME', default: 'green', help: 'of the wall' } },
    run,
    ...more
  }
}

const lastLine = () => JSON.parse(output.trim().split('\n').at(-1)!) as Record<string, unknown>

describe('npm run bench', () => {
  it('ends with the summary as its last line, its fields in their order, and status 0', async () => {
    expect(await benchCommand(['paint', '--json'], [benchmark()])).toBe(0)
    expect(output.trim().split('\n').at(-1)).toMatch(
      /^\{"event":"summary","bench":"paint","perSecond":200,"limitPerSecond":100,"ratio":2,"p50Ms":1.5,"p99Ms":3,"audit":\{"ok":true\},"colour":"green",/
    )
    for (const line of output.trim().split('\n')) expect(() => JSON.parse(line) as unknown).not.toThrow()
  })

  it('hands over its seconds and the options of the benchmark', async () => {
    const contexts: BenchmarkContext[] = []
    const run: Benchmark['run'] = async (context) => (contexts.push(context), RESULT)
    await benchCommand(['paint'], [benchmark(run)])
    await benchCommand(['paint', '--seconds', '7', '--colour', 'red'], [benchmark(run)])
    expect(contexts.map(({ seconds, options }) => ({ seconds, ...options }))).toEqual([
      { seconds: 20, colour: 'green' },
      { seconds: 7, colour: 'red' }
    ])
  })

  it('has status 1 when the audit is not clean', async () => {
    const run = async () => ({ ...RESULT, audit: { ok: false, problems: ['a wall is missing'] } })
    expect(await benchCommand(['paint', '--json'], [benchmark(run)])).toBe(1)
    expect(lastLine()).toMatchObject({ perSecond: 200, audit: { ok: false } })
  })

  it('has status 1 and still a summary when the benchmark fails, and takes down what was up, the last first', async () => {
    const down: string[] = []
    const run: Benchmark['run'] = async ({ defer }) => {
      defer(() => void down.push('wall'))
      defer(async () => void down.push('ladder'))
      throw new Error('out of paint')
    }
    expect(await benchCommand(['paint', '--json'], [benchmark(run)])).toBe(1)
    expect(down).toEqual(['ladder', 'wall'])
    expect(lastLine()).toMatchObject({
      event: 'summary',
      bench: 'paint',
      perSecond: null,
      audit: { ok: false, problems: ['out of paint'] }
    })
  })

  it('has status 1 when something cannot be taken down, and still takes down the rest', async () => {
    const down: string[] = []
    const run: Benchmark['run'] = async ({ defer }) => {
      defer(() => void down.push('wall'))
      defer(() => Promise.reject(new Error('the ladder is stuck')))
      return RESULT
    }
    expect(await benchCommand(['paint', '--json'], [benchmark(run)])).toBe(1)
    expect(down).toEqual(['wall'])
    expect(errors).toContain('the ladder is stuck')
  })

  it('ends at its limit, telling the benchmark', async () => {
    const reasons: unknown[] = []
    const run: Benchmark['run'] = ({ signal }) =>
      new Promise((_, reject) => {
        signal.addEventListener('abort', () => {
          reasons.push(signal.reason)
          reject(signal.reason as Error)
        })
      })
    expect(await benchCommand(['paint', '--json'], [benchmark(run, { limitS: () => 0.01 })])).toBe(1)
    expect(String(reasons[0])).toContain('limit of 0.01 s')
    expect(lastLine()).toMatchObject({ audit: { ok: false } })
  })

  it('has status 2, and says what there is, for a benchmark that there is not', async () => {
    expect(await benchCommand(['dance'], [benchmark()])).toBe(2)
    expect(errors).toContain('unknown benchmark "dance"; there are: paint')
  })

  it.each([
    [['paint', '--seconds', '0'], '--seconds is "0"'],
    [['paint', '--seconds', '1.5'], '--seconds is "1.5"'],
    [['paint', '--seconds', '3601'], 'from 1 to 3600'],
    [['paint', '--size', '3'], '--size'],
    [['paint', 'blue'], 'blue']
  ])('has status 2 for %j', async (args, message) => {
    expect(await benchCommand(args, [benchmark()])).toBe(2)
    expect(errors).toContain(message)
    expect(errors).toContain('npm run bench -- paint')
  })

  it('has status 2 for what only the benchmark knows to be wrong', async () => {
    const run = () => Promise.reject(new WrongUseError('there is no such colour'))
    expect(await benchCommand(['paint'], [benchmark(run)])).toBe(2)
    expect(errors).toContain('there is no such colour')
  })

  it('lists what there is, and each one its options', async () => {
    expect(await benchCommand([], [benchmark()])).toBe(2)
    expect(await benchCommand(['--help'], [benchmark()])).toBe(0)
    expect(output).toContain('walls per second')
    expect(await benchCommand(['paint', '--help'], [benchmark()])).toBe(0)
    expect(output).toContain('--colour NAME')
    expect(output).toContain('(default 20)')
  })
})
