import childProcess from 'node:child_process'
import crypto from 'node:crypto'
import dgram from 'node:dgram'
import dns from 'node:dns'
import fs from 'node:fs'
import net from 'node:net'
import path from 'node:path'
import tls from 'node:tls'
import workerThreads from 'node:worker_threads'
import zlib from 'node:zlib'
import { refuse } from './refusal.ts'

type Callable = (...args: never[]) => unknown
type Functions = Record<string, Callable>

/** File descriptors of standard output and standard error. */
const STANDARD_DESCRIPTORS = new Set<unknown>([1, 2])

/**
 * Shuts every way around the world's doors: from `seal()` to `unseal()`, what can't be simulated throws and names its
 * caller. Reading files of `projectDirectory`, and of the modules that it links to, stays allowed, and happens at once,
 * so that it takes the same turn of the event loop every time.
 */
export function installOutside(projectDirectory: string): { seal(): void; unseal(): void } {
  let sealed = false

  function forbid(target: object, names: readonly string[], prefix: string, why: string): void {
    const functions = target as Functions
    for (const name of names) {
      const real = functions[name]
      if (typeof real !== 'function') continue
      const forbidden = function (this: unknown, ...args: unknown[]) {
        if (sealed) return refuse(`${prefix}.${name}`, why)
        return new.target ? Reflect.construct(real, args, new.target) : Reflect.apply(real, this, args)
      }
      Object.setPrototypeOf(forbidden, real)
      forbidden.prototype = real.prototype as object
      Object.defineProperty(functions, name, {
        value: forbidden,
        configurable: true,
        writable: true,
        enumerable: true
      })
    }
  }

  const socketWhy = 'there is no real network'
  forbid(net.Socket.prototype, ['connect'], 'net.Socket', socketWhy)
  forbid(net.Server.prototype, ['listen'], 'net.Server', socketWhy)
  forbid(net, ['connect', 'createConnection'], 'net', socketWhy)
  forbid(tls, ['connect'], 'tls', socketWhy)
  forbid(dgram, ['createSocket'], 'dgram', socketWhy)
  const dnsNames = Object.keys(dns).filter((name) => /^(lookup|resolve|reverse)/.test(name))
  forbid(dns, dnsNames, 'dns', socketWhy)
  forbid(dns.promises, dnsNames, 'dns.promises', socketWhy)
  const processNames = ['spawn', 'spawnSync', 'exec', 'execSync', 'execFile', 'execFileSync', 'fork']
  forbid(childProcess, processNames, 'child_process', 'there are no other processes')
  forbid(workerThreads, ['Worker'], 'worker_threads', 'threads run in an order that no seed decides')
  forbid(process, ['exit', 'abort', 'chdir'], 'process', 'the process is the whole world')

  const threadWhy = 'it works on another thread; use the synchronous function'
  forbid(
    crypto,
    ['pbkdf2', 'scrypt', 'hkdf', 'generateKeyPair', 'generateKey', 'generatePrime', 'checkPrime'],
    'crypto',
    threadWhy
  )
  forbid(
    crypto,
    ['generateKeySync', 'generatePrimeSync', 'createECDH', 'createDiffieHellman', 'randomUUIDv7'],
    'crypto',
    'no seed reaches its randomness'
  )
  const zlibNames = [
    'Deflate',
    'Inflate',
    'Gzip',
    'Gunzip',
    'DeflateRaw',
    'InflateRaw',
    'Unzip',
    'BrotliCompress',
    'BrotliDecompress',
    'ZstdCompress',
    'ZstdDecompress'
  ]
  forbid(
    zlib,
    zlibNames.flatMap((name) => [name[0]!.toLowerCase() + name.slice(1), `create${name}`, name]),
    'zlib',
    threadWhy
  )

  installFiles(() => sealed, forbid, projectDirectory)
  installWebAssembly()
  installReferences()
  return { seal: () => void (sealed = true), unseal: () => void (sealed = false) }
}

const WRITING = [
  'writeFile',
  'appendFile',
  'mkdir',
  'mkdtemp',
  'rm',
  'rmdir',
  'unlink',
  'rename',
  'truncate',
  'ftruncate',
  'symlink',
  'link',
  'copyFile',
  'cp',
  'chmod',
  'chown',
  'utimes'
]
const READING = ['readFile', 'stat', 'lstat', 'access', 'readdir', 'realpath', 'readlink'] as const
/** Their answers come through the thread pool and have no synchronous twin that could stand in for them. */
const STREAMING = [
  'createReadStream',
  'createWriteStream',
  'watch',
  'watchFile',
  'opendir',
  'openAsBlob',
  'read',
  'readv'
]

function installFiles(
  sealed: () => boolean,
  forbid: (target: object, names: readonly string[], prefix: string, why: string) => void,
  projectDirectory: string
): void {
  const why = 'the world has no disk'
  forbid(fs, [...WRITING, ...WRITING.map((name) => `${name}Sync`)], 'fs', why)
  forbid(fs.promises, [...WRITING, 'open', 'watch'], 'fs.promises', why)
  forbid(fs, STREAMING, 'fs', 'it works on another thread')

  const functions = fs as unknown as Functions
  const promises = fs.promises as unknown as Functions
  const modules = path.join(projectDirectory, 'node_modules')
  const readable = [projectDirectory, ...(fs.existsSync(modules) ? [fs.realpathSync(modules)] : [])]

  function guard(name: string, target: unknown): void {
    if (typeof target === 'number') return
    const file = path.resolve(target instanceof URL ? target.pathname : String(target))
    if (!readable.some((directory) => file.startsWith(directory)))
      refuse(`fs.${name} of ${file}`, 'it lies outside of the project')
  }

  for (const name of READING) {
    const synchronous = functions[`${name}Sync`]!
    const original = functions[name]!
    const originalPromise = promises[name]!
    functions[name] = (...args: unknown[]) => {
      if (!sealed()) return Reflect.apply(original, fs, args)
      const callback = args.pop() as (...results: unknown[]) => void
      guard(name, args[0])
      let results: unknown[]
      try {
        results = [null, Reflect.apply(synchronous, fs, args)]
      } catch (error) {
        results = [error]
      }
      process.nextTick(callback, ...results)
      return undefined
    }
    Object.assign(functions[name], original)
    promises[name] = async (...args: unknown[]) => {
      if (!sealed()) return Reflect.apply(originalPromise, fs.promises, args)
      guard(name, args[0])
      return Reflect.apply(synchronous, fs, args)
    }
  }

  // Standard output is open to logs; any other descriptor would be a file or a socket.
  const { write, writeSync } = fs
  functions.writeSync = (...args: unknown[]) => {
    if (sealed() && !STANDARD_DESCRIPTORS.has(args[0])) return refuse('fs.writeSync', why)
    return Reflect.apply(writeSync, fs, args)
  }
  functions.write = (...args: unknown[]) => {
    if (!sealed()) return Reflect.apply(write, fs, args)
    if (!STANDARD_DESCRIPTORS.has(args[0])) return refuse('fs.write', why)
    const callback = args.pop() as (error: unknown, written?: number) => void
    process.nextTick(callback, null, Reflect.apply(writeSync, fs, args) as number)
    return undefined
  }
}

/** Compiling on another thread takes an unknown number of turns: it is done at once. */
function installWebAssembly(): void {
  const { Module, Instance } = WebAssembly
  const instantiate = async (source: BufferSource | WebAssembly.Module, imports?: WebAssembly.Imports) => {
    if (source instanceof Module) return new Instance(source, imports)
    const module = new Module(source)
    return { module, instance: new Instance(module, imports) }
  }
  WebAssembly.compile = async (source: BufferSource) => new Module(source)
  WebAssembly.instantiate = instantiate as typeof WebAssembly.instantiate
}

/** When memory is collected depends on the machine: nothing may follow from it. */
function installReferences(): void {
  class InertRegistry {
    register(): void {
      return undefined
    }
    unregister(): boolean {
      return false
    }
  }
  class LastingReference<T extends object> {
    readonly #target: T
    constructor(target: T) {
      this.#target = target
    }
    deref(): T {
      return this.#target
    }
  }
  Object.assign(globalThis, { FinalizationRegistry: InertRegistry, WeakRef: LastingReference })
}
