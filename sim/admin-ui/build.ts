import { spawn } from 'node:child_process'
import { existsSync, mkdirSync, readdirSync, rmSync, statSync } from 'node:fs'
import path from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'

const ROOT = path.resolve(import.meta.dirname, '../..')
const FRONTEND = path.join(ROOT, 'node/frontend')
const RESULT = path.join(FRONTEND, 'build/server/index.js')
/** Two processes that build at once would take each other's files away. */
const LOCK = path.join(ROOT, 'node_modules/.cache/admin-ui-build')
const LOCK_TIMEOUT_MS = 180_000

/**
 * Builds the admin UI (`npm run frontend:build`) where it is not built, or its sources are newer.
 *
 * @throws an Error with the last lines of the build where it fails; an AbortError where it was stopped
 */
export async function buildAdminUi(signal?: AbortSignal): Promise<'built' | 'up to date'> {
  if (isUpToDate()) return 'up to date'
  await lock(signal)
  try {
    if (isUpToDate()) return 'up to date'
    await build(signal)
    return 'built'
  } finally {
    rmSync(LOCK, { recursive: true, force: true })
  }
}

function isUpToDate(): boolean {
  if (!existsSync(RESULT)) return false
  const builtMs = statSync(RESULT).mtimeMs
  const sources = [
    path.join(ROOT, 'package-lock.json'),
    path.join(FRONTEND, 'vite.config.ts'),
    ...filesBelow(path.join(FRONTEND, 'app'))
  ]
  return sources.every((file) => statSync(file).mtimeMs <= builtMs)
}

function filesBelow(directory: string): string[] {
  return readdirSync(directory, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => path.join(entry.parentPath, entry.name))
}

async function lock(signal: AbortSignal | undefined): Promise<void> {
  mkdirSync(path.dirname(LOCK), { recursive: true })
  const deadlineMs = Date.now() + LOCK_TIMEOUT_MS
  for (;;) {
    try {
      mkdirSync(LOCK)
      return
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error
      // Left by a build that was killed.
      if (Date.now() > deadlineMs) rmSync(LOCK, { recursive: true, force: true })
      await sleep(250, undefined, { signal })
    }
  }
}

function build(signal: AbortSignal | undefined): Promise<void> {
  const child = spawn('npm', ['run', '--silent', 'frontend:build'], {
    cwd: ROOT,
    // A test's NODE_ENV would build something else than what operators run.
    env: { ...process.env, NODE_ENV: 'production' },
    stdio: ['ignore', 'pipe', 'pipe'],
    ...(signal && { signal })
  })
  let output = ''
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (chunk) => (output += String(chunk)))
  return new Promise((resolve, reject) => {
    child.once('error', reject)
    child.once('close', (code) => {
      if (code === 0) resolve()
      else reject(new Error(`the admin UI could not be built:\n${output.split('\n').slice(-15).join('\n')}`))
    })
  })
}
