// The process of one virtual world. The globals are patched before any library is imported, so the imports at the top
// are only what needs none; the rest is imported in `live`, in order.
import { closeSync, openSync, writeSync } from 'node:fs'
import path from 'node:path'
import { installGlobals } from './globals/index.ts'
import { createImage, writeImage } from './pglite-engine.ts'
import type { ChildJob, ChildMessage } from './spawn.ts'
import { createWorldCore } from './world-core.ts'
import type { VirtualWorld } from './world.ts'

const PROJECT_DIRECTORY = path.resolve(import.meta.dirname, '../../..')
/** Names of active resources that stand for work on the thread pool: time waits for it. */
const THREAD_POOL_WORK = /^FSReq/
/** Text of the log collected before it is written. */
const LOG_CHUNK_CHARACTERS = 1_048_576

const leave = process.exit.bind(process)
const readActiveResources = process.getActiveResourcesInfo.bind(process)
const job = JSON.parse(process.argv[2]!) as ChildJob
process.on('uncaughtException', (error) => answer({ ok: false, error: describe(error) }))
process.on('unhandledRejection', (error) => answer({ ok: false, error: describe(error) }))

// A world without a parent has nobody to answer.
process.on('disconnect', () => leave(1))

const logFile = openLogFile(job.kind === 'run' ? job.logFile : undefined)
const core = createWorldCore({ seed: job.kind === 'run' ? job.seed : 'image', writeLog: logFile?.write })
const globals = installGlobals({
  scheduler: core.scheduler,
  fallback: core.createOwner('world'),
  projectDirectory: PROJECT_DIRECTORY
})

if (job.kind === 'image') {
  writeImage(await createImage())
  answer({
    ok: true,
    result: null,
    hash: core.log.hash(),
    events: core.log.length,
    simulatedMs: 0,
    wallMs: 0
  })
} else {
  await live(job)
}

async function live({
  seed,
  module,
  args,
  latencyMs,
  database,
  limitMs
}: ChildJob & { kind: 'run' }): Promise<void> {
  const { createVirtualWorld } = await import('./world.ts')
  const { WorldError } = await import('./scheduler.ts')
  const { installWeb } = await import('./web.ts')
  // Imported by @interledger/open-payments when first needed; here, so that no import falls into simulated time.
  await import('ky')
  const options = {
    seed,
    ...(latencyMs !== undefined && { latencyMs }),
    ...(database !== undefined && { database })
  }
  const world = await createVirtualWorld(options, core)
  installWeb(world.runtimeOf)
  const { default: scenario, prepare } = (await import(module)) as {
    default: VirtualScenario
    prepare?: (args: unknown) => Promise<unknown>
  }
  await prepare?.(args)
  world.scheduler.addBlocker(() =>
    readActiveResources().some((name) => THREAD_POOL_WORK.test(name)) ? 'wait' : undefined
  )
  globals.seal()

  const startMs = world.nowMs()
  const startedAt = process.cpuUsage()
  const laboratory = world.runtimeOf(undefined)
  try {
    const result = await world.run(
      laboratory.run(async () => scenario(world, args)),
      limitMs === undefined ? {} : { limitMs }
    )
    const { user, system } = process.cpuUsage(startedAt)
    answer({
      ok: true,
      result: result ?? null,
      hash: world.hash(),
      events: world.log.length,
      simulatedMs: world.nowMs() - startMs,
      wallMs: Math.round((user + system) / 1000)
    })
  } catch (error) {
    answer({ ok: false, error: describe(error), fault: error instanceof WorldError ? 'world' : 'scenario' })
  }
}

type VirtualScenario = (world: VirtualWorld, args: unknown) => Promise<unknown>

function answer(message: ChildMessage): void {
  logFile?.close()
  process.send!(message, () => leave(message.ok ? 0 : 1))
}

function describe(error: unknown): string {
  if (!(error instanceof Error)) return String(error)
  const cause = error.cause === undefined ? '' : `\ncaused by ${describe(error.cause)}`
  return `${error.stack ?? error.message}${cause}`
}

function openLogFile(file: string | undefined) {
  if (file === undefined) return undefined
  const descriptor = openSync(file, 'w')
  // The real functions: after the seal, a file is out of reach for everybody else.
  const [write, close] = [writeSync, closeSync]
  let collected = ''
  const flush = () => {
    write(descriptor, collected)
    collected = ''
  }
  return {
    write(line: string) {
      collected += `${line}\n`
      if (collected.length > LOG_CHUNK_CHARACTERS) flush()
    },
    close() {
      flush()
      close(descriptor)
    }
  }
}
