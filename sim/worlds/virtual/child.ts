// The process of virtual worlds, one after the other. The globals are patched before any library is imported, so the
// imports at the top are only what needs none; the rest is imported in `createHost`, in order.
//
//   idle ──job──▶ loading ──▶ living ──the scenario has ended──▶ ending ──▶ idle, as before
//                                └──something is left behind──▶ answered as an error, the process ends
import path from 'node:path'
import { createStage, installGlobals } from './globals/index.ts'
import { createImage, writeImage } from './pglite-engine.ts'
import { openLogFile } from './log-file.ts'
import type { Host } from './host.ts'
import type { ChildJob, ChildMessage } from './child-job.ts'
import { createWorldCore } from './world-core.ts'
import type { WorldCore } from './world-core.ts'

const PROJECT_DIRECTORY = path.resolve(import.meta.dirname, '../../..')

const leave = process.exit.bind(process)
const send = process.send!.bind(process)
/** Whatever is not caught ends the process: nobody knows what it left undone. */
const fail = (error: unknown) => send({ ok: false, error: describe(error) }, () => leave(1))
process.on('uncaughtException', fail)
process.on('unhandledRejection', fail)
// A world without a parent has nobody to answer.
process.on('disconnect', () => leave(1))

const newCore = (seed: string, writeLog?: (line: string) => void) => createWorldCore({ seed, writeLog })
const between = newCore('between worlds')
const stage = createStage({ scheduler: between.scheduler, fallback: between.createOwner('world') })
const globals = installGlobals({ stage, projectDirectory: PROJECT_DIRECTORY })

/** From here on the globals of this process are those of a world. */
function enter(core: WorldCore): void {
  stage.enter({ scheduler: core.scheduler, fallback: core.createOwner('world') })
}

let host: Promise<Host> | undefined

process.on('message', (job: ChildJob) => {
  work(job).then(
    (message) => void send(message),
    (error: unknown) => fail(error)
  )
})

async function work(job: ChildJob): Promise<ChildMessage> {
  if (job.kind === 'image') {
    writeImage(await createImage())
    return { ok: true, result: null, hash: '', events: 0, simulatedMs: 0, wallMs: 0, rssBytes: 0 }
  }
  host ??= import('./host.ts').then(({ createHost }) => createHost({ globals, newCore, enter, openLogFile }))
  return (await host).run(job)
}

function describe(error: unknown): string {
  if (!(error instanceof Error)) return String(error)
  const cause = error.cause === undefined ? '' : `\ncaused by ${describe(error.cause)}`
  return `${error.stack ?? error.message}${cause}`
}
