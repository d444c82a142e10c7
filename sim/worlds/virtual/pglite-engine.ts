import { createHash } from 'node:crypto'
import { existsSync, mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import path from 'node:path'
import type { EngineModule } from './pglite-snapshot.ts'
import { backendMessages, cString, dataRow, int32, message, simpleQuery, SYNC } from './pglite-wire.ts'

/** One session of a database that answers protocol messages at once. */
export interface SqlEngine {
  /** The server's messages for the client's. */
  execute(messages: Uint8Array): Buffer
}

/** A whole server, in memory. */
export interface Engine extends SqlEngine {
  /** For `snapshotEngine`. */
  readonly module: EngineModule
  /** Its data directory as a tar file, to start later engines from. */
  dump(): Promise<Buffer>
}

/**
 * Starts PGlite: PostgreSQL compiled to WebAssembly, in memory. Its clock and randomness are the globals of this
 * process at the time of the call.
 *
 * @param image a data directory made by `createImage`; without it one is made, which takes seconds
 */
export async function startEngine(image?: Buffer): Promise<Engine> {
  const database = await startPglite(image)
  return {
    module: database.Module as unknown as EngineModule,
    execute(messages) {
      const parts: Buffer[] = []
      const onRawData = (part: Uint8Array) => void parts.push(Buffer.from(part))
      // It executes at once, only its promise comes later: of an engine that broke, as an unhandled rejection, which
      // ends the process. The other ways to execute parse every answer as well.
      void database.execProtocolRawStream(messages, { syncToFs: false, onRawData })
      return parts.length === 1 ? parts[0]! : Buffer.concat(parts)
    },
    async dump() {
      const dump = await database.dumpDataDir('none')
      return Buffer.from(await dump.arrayBuffer())
    }
  }
}

/** A fresh data directory as a tar file, to start later engines from. */
export async function createImage(): Promise<Buffer> {
  const engine = await startEngine()
  return engine.dump()
}

const SETTINGS = [
  // Its own timer, every ten seconds for ever.
  'log_startup_progress_interval=0',
  // No crash ever reaches the server: its disk is this process's memory.
  'fsync=off',
  'synchronous_commit=off',
  'full_page_writes=off',
  // What nobody reads here.
  'track_activities=off',
  'track_counts=off',
  // Prepared statements are planned once: the tables of a run never grow so much that another plan would be better.
  'plan_cache_mode=force_generic_plan'
]

async function startPglite(image: Buffer | undefined) {
  const { PGlite } = await import('@electric-sql/pglite')
  const files = pgliteFiles()
  return PGlite.create({
    pgliteWasmModule: new WebAssembly.Module(readFileSync(files.server)),
    initdbWasmModule: new WebAssembly.Module(readFileSync(files.initdb)),
    startParams: [...PGlite.defaultStartParams, ...SETTINGS.flatMap((setting) => ['-c', setting])],
    fsBundle: new Blob([readFileSync(files.data)]),
    ...(image && { loadDataDir: new Blob([new Uint8Array(image)]) })
  })
}

function pgliteFiles() {
  const directory = path.dirname(createRequire(import.meta.url).resolve('@electric-sql/pglite'))
  return {
    directory,
    server: path.join(directory, 'pglite.wasm'),
    initdb: path.join(directory, 'initdb.wasm'),
    data: path.join(directory, 'pglite.data')
  }
}

/** Where the image for the installed PGlite is kept between runs. */
export function imagePath(): string {
  const { directory, server, data } = pgliteFiles()
  const digest = createHash('sha256').update(readFileSync(server)).update(readFileSync(data)).digest('hex')
  const modules = path.resolve(directory, '../../..')
  return path.join(modules, '.cache', 'rafiki-lab', `pglite-${digest.slice(0, 16)}.tar`)
}

export function readImage(file = imagePath()): Buffer | undefined {
  return existsSync(file) ? readFileSync(file) : undefined
}

/** Whole or not at all: several processes may write it at once. */
export function writeImage(image: Buffer, file = imagePath()): void {
  mkdirSync(path.dirname(file), { recursive: true })
  const partial = `${file}.${process.pid}`
  writeFileSync(partial, image)
  renameSync(partial, file)
}

/** Raised where a statement of the gate's own failed. */
export class EngineError extends Error {
  override name = 'EngineError'
}

/**
 * Runs SQL of the gate's own and returns its rows as text.
 *
 * @throws EngineError with the server's message
 */
export function queryEngine(engine: SqlEngine, sql: string): (string | null)[][] {
  return readRows(engine.execute(simpleQuery(sql)), sql)
}

/** Parses a statement without parameters under a name that no session has. */
export function prepareOnEngine(engine: SqlEngine, name: string, sql: string): void {
  readRows(engine.execute(Buffer.concat([message('P', `${name}\0${sql}\0`, NO_PARAMETERS), SYNC])), sql)
}

/** Runs a statement that `prepareOnEngine` parsed and returns its rows as text. */
export function executeOnEngine(engine: SqlEngine, name: string): (string | null)[][] {
  const bind = message('B', `\0${name}\0`, NO_PARAMETERS, NO_PARAMETERS, NO_PARAMETERS)
  return readRows(engine.execute(Buffer.concat([bind, message('E', '\0', int32(0)), SYNC])), name)
}

/** An empty list, of parameters or of formats. */
const NO_PARAMETERS = Buffer.alloc(2)

function readRows(answer: Buffer, sql: string): (string | null)[][] {
  const rows: (string | null)[][] = []
  for (const { type, start, end } of backendMessages(answer)) {
    if (type === 'D') rows.push(dataRow(answer, start))
    if (type === 'E') throw new EngineError(`${errorText(answer.subarray(start, end))} (in: ${sql})`)
  }
  return rows
}

/** Severity and text of an ErrorResponse. */
export function errorText(bytes: Buffer): string {
  const fields = new Map<string, string>()
  let at = 5
  while (at < bytes.length && bytes[at] !== 0) {
    const { text, next } = cString(bytes, at)
    fields.set(text[0]!, text.slice(1))
    at = next
  }
  return `${fields.get('C')}: ${fields.get('M')}`
}
