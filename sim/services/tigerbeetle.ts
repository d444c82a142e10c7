import { spawn, spawnSync } from 'node:child_process'
import type { ChildProcess } from 'node:child_process'
import { existsSync, mkdtempSync, rmSync, statfsSync } from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import { folderOnPath } from './on-path.ts'

/** A TigerBeetle cluster for the books of one node (docs/decisions/0007: a cluster has one owner). */
export interface TigerBeetleService {
  readonly description: string
  readonly clusterId: bigint
  readonly addresses: readonly string[]
  /** Resolves with what to tell when it ended by itself; never for a cluster that is not ours. */
  readonly failed: Promise<string>
  stop(): Promise<void>
}

export interface TigerBeetleProcess extends TigerBeetleService {
  readonly pid: number
  /** Holds the server still, as a partition would, and lets it go on. */
  pause(): void
  resume(): void
}

export interface TigerBeetleOptions {
  clusterId?: bigint
  /** False: in memory where the machine has a file system there, for tests whose data nobody will miss. */
  durable?: boolean
  /** Marks of the environment, by which a later run knows the process. */
  environment?: Record<string, string>
}

export class TigerBeetleStartError extends Error {
  override name = 'TigerBeetleStartError'
}

/** Clusters that somebody else runs: addresses of one cluster joined by commas, clusters apart by semicolons. */
export const ADDRESSES_VARIABLE = 'LAB_TIGERBEETLE_ADDRESSES'
/** The id that these clusters have. Default 0. */
export const CLUSTER_ID_VARIABLE = 'LAB_TIGERBEETLE_CLUSTER_ID'
/** Why nothing was found, in one line. */
export const NO_TIGERBEETLE = `no TigerBeetle: neither ${ADDRESSES_VARIABLE} is set nor is there a binary "tigerbeetle" on PATH (docs/tigerbeetle.md)`

const START_TIMEOUT_MS = 60_000
/** The data file of an empty replica (1.1 GB: mostly its log, written in circles), and room to work. */
const NEEDED_BYTES = 2 * 2 ** 30
const MEMORY_FILE_SYSTEM = '/dev/shm'
const MEMORY_NEEDED_BYTES = 4 * 2 ** 30

/** How TigerBeetle can be had here: clusters in the environment, a binary on PATH; undefined: not at all. */
export function findTigerBeetle():
  | { kind: 'clusters'; clusterId: bigint; clusters: string[][] }
  | { kind: 'binary'; path: string }
  | undefined {
  const addresses = process.env[ADDRESSES_VARIABLE]
  if (addresses !== undefined && addresses !== '') {
    const clusters = addresses.split(';').map((cluster) => cluster.split(',').map((one) => one.trim()))
    return { kind: 'clusters', clusterId: BigInt(process.env[CLUSTER_ID_VARIABLE] ?? '0'), clusters }
  }
  const folder = folderOnPath(['tigerbeetle'])
  return folder === undefined ? undefined : { kind: 'binary', path: path.join(folder, 'tigerbeetle') }
}

/**
 * One cluster per node: those of the environment, or servers of our own.
 *
 * @throws TigerBeetleStartError when there is none, or there are too few
 */
export async function startTigerBeetles(
  nodes: readonly string[],
  options: TigerBeetleOptions = {}
): Promise<Map<string, TigerBeetleService>> {
  const found = findTigerBeetle()
  if (found === undefined) throw new TigerBeetleStartError(NO_TIGERBEETLE)
  if (found.kind === 'clusters') {
    if (found.clusters.length < nodes.length) {
      throw new TigerBeetleStartError(
        `${ADDRESSES_VARIABLE} names ${found.clusters.length} cluster(s) and ${nodes.length} nodes need one each: ` +
          'separate them by semicolons'
      )
    }
    return new Map(
      nodes.map((node, index) => [node, useCluster(found.clusterId, found.clusters[index]!)] as const)
    )
  }
  const started = await Promise.allSettled(nodes.map(() => startTigerBeetle(found.path, options)))
  const services = started.flatMap((each) => (each.status === 'fulfilled' ? [each.value] : []))
  const failure = started.find((each) => each.status === 'rejected')
  if (failure) {
    for (const service of services) await service.stop()
    throw failure.reason
  }
  return new Map(nodes.map((node, index) => [node, services[index]!] as const))
}

function useCluster(clusterId: bigint, addresses: string[]): TigerBeetleService {
  return {
    description: `TigerBeetle of ${ADDRESSES_VARIABLE} (${addresses.join(',')}, cluster ${clusterId})`,
    clusterId,
    addresses,
    failed: new Promise(() => undefined),
    stop: async () => undefined
  }
}

/**
 * Starts a cluster of one replica on 127.0.0.1 and a free port, on a fresh data file of its own. It ends when
 * this process does, however that ends: TigerBeetle watches the pipe that only this process holds open.
 *
 * @throws TigerBeetleStartError with TigerBeetle's own last words
 */
export async function startTigerBeetle(
  binary: string,
  { clusterId = 0n, durable = true, environment = {} }: TigerBeetleOptions = {}
): Promise<TigerBeetleProcess> {
  const directory = mkdtempSync(path.join(placeFor(durable), 'rafiki-lab-tigerbeetle-'))
  const file = path.join(directory, '0_0.tigerbeetle')
  const env = { PATH: process.env.PATH, ...environment }
  try {
    const format = ['format', `--cluster=${clusterId}`, '--replica=0', '--replica-count=1', '--development']
    const { status, stderr, error } = spawnSync(binary, [...format, file], { env, encoding: 'utf8' })
    if (status !== 0) {
      throw new TigerBeetleStartError(`tigerbeetle format failed: ${error?.message ?? lastLines(stderr)}`)
    }
    // Port 0: TigerBeetle chooses one and tells it, and ends when its standard input does.
    const start = ['start', '--addresses=0', '--experimental', '--development', '--limit-request=1MiB']
    const server = spawn(binary, [...start, file], { env, stdio: ['pipe', 'pipe', 'pipe'], detached: true })
    return await serve(server, { binary, directory, clusterId, environment })
  } catch (error) {
    rmSync(directory, { recursive: true, force: true })
    throw error
  }
}

async function serve(
  server: ChildProcess,
  parts: { binary: string; directory: string; clusterId: bigint; environment: Record<string, string> }
): Promise<TigerBeetleProcess> {
  const { directory, clusterId, environment } = parts
  let lastWords = ''
  server.stderr!.on('data', (chunk: Buffer) => (lastWords = (lastWords + chunk.toString()).slice(-4_000)))
  const ended = new Promise<string>((resolve) => {
    server.once('error', (error) => resolve(`TigerBeetle could not be started: ${error.message}`))
    server.once('close', (code, signal) =>
      resolve(`TigerBeetle ended (${signal ?? `exit status ${code}`}): ${lastLines(lastWords)}`)
    )
  })
  const watcher = removeWithParent(directory, environment)

  async function stop(): Promise<void> {
    if (server.exitCode === null && server.signalCode === null) server.kill('SIGKILL')
    await ended
    watcher.kill('SIGKILL')
    rmSync(directory, { recursive: true, force: true })
  }

  const tooLong = AbortSignal.timeout(START_TIMEOUT_MS)
  try {
    const port = await Promise.race([
      new Promise<number>((resolve) =>
        server.stdout!.once('data', (chunk) => resolve(Number(String(chunk))))
      ),
      ended.then((how) => Promise.reject(new TigerBeetleStartError(how))),
      new Promise<never>((_resolve, reject) =>
        tooLong.addEventListener('abort', () =>
          reject(new TigerBeetleStartError(`TigerBeetle told no port within ${START_TIMEOUT_MS} ms`))
        )
      )
    ])
    return {
      pid: server.pid!,
      description: `TigerBeetle of ${parts.binary} on 127.0.0.1:${port} (process ${server.pid})`,
      clusterId,
      addresses: [`127.0.0.1:${port}`],
      failed: ended,
      stop,
      pause: () => void server.kill('SIGSTOP'),
      resume: () => void server.kill('SIGCONT')
    }
  } catch (error) {
    await stop()
    throw error
  }
}

/** A shell that waits for the end of a pipe which only this process holds open, and removes the data file then. */
function removeWithParent(directory: string, environment: Record<string, string>): ChildProcess {
  const watcher = spawn(
    '/bin/sh',
    ['-c', 'cat >/dev/null; rm -rf "$1"', 'rafiki-lab-tigerbeetle-watcher', directory],
    { stdio: ['pipe', 'ignore', 'ignore'], env: { PATH: process.env.PATH, ...environment }, detached: true }
  )
  watcher.unref()
  return watcher
}

function placeFor(durable: boolean): string {
  if (!durable && existsSync(MEMORY_FILE_SYSTEM) && freeBytes(MEMORY_FILE_SYSTEM) >= MEMORY_NEEDED_BYTES) {
    return MEMORY_FILE_SYSTEM
  }
  const directory = os.tmpdir()
  const free = freeBytes(directory)
  if (free >= NEEDED_BYTES) return directory
  const megabytes = (bytes: number) => Math.floor(bytes / 2 ** 20)
  throw new TigerBeetleStartError(
    `${directory} has ${megabytes(free)} MB left and TigerBeetle needs ${megabytes(NEEDED_BYTES)} MB; ` +
      'free some space there, or set TMPDIR to a directory that has it'
  )
}

function freeBytes(directory: string): number {
  const { bavail, bsize } = statfsSync(directory)
  return bavail * bsize
}

function lastLines(words: string): string {
  return words.trim().split('\n').slice(-4).join(' | ')
}
