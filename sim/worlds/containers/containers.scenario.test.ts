import { getContainerRuntimeClient } from 'testcontainers'
import { afterEach, expect, it, vi } from 'vitest'
import { createCatalogue } from '../../scenarios/catalogue.ts'
import { runCommand } from '../../commands/run.ts'

const engine = await getContainerRuntimeClient().then(
  () => true,
  () => false
)
if (!engine) process.stderr.write('The run in containers is skipped: no container engine answers\n')

afterEach(() => void vi.restoreAllMocks())

async function lab(...args: string[]): Promise<{ status: number; out: string }> {
  let out = ''
  vi.spyOn(process.stdout, 'write').mockImplementation((text) => ((out += String(text)), true))
  return { status: await runCommand(args, createCatalogue()), out }
}

it.skipIf(engine)('without an engine a run is skipped, and says so in one line', async () => {
  const { status, out } = await lab('single-payments', '--world', 'containers', '--json')
  expect(status).toBe(0)
  expect(out.trimEnd().split('\n')).toHaveLength(1)
  expect(JSON.parse(out.trimEnd().split('\n').at(-1)!)).toMatchObject({
    event: 'summary',
    ok: true,
    runs: 0,
    skipped: expect.stringMatching(/^no container engine answers: /) as string
  })
})

// Images come from a registry, or LAB_POSTGRES_IMAGE and LAB_REDIS_IMAGE name others.
it.runIf(engine && process.env.RAFIKI_LAB_LONG === 'true')('pays on servers in containers', async () => {
  const { status, out } = await lab('single-payments', '--world', 'containers', '--json')
  expect(JSON.parse(out.trimEnd().split('\n').at(-1)!)).toMatchObject({ ok: true, runs: 1, payments: 6 })
  expect(status).toBe(0)
})
