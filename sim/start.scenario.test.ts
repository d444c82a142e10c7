import { spawn, spawnSync } from 'node:child_process'
import type { ChildProcess } from 'node:child_process'
import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync
} from 'node:fs'
import net from 'node:net'
import os from 'node:os'
import path from 'node:path'
import { createInterface } from 'node:readline'
import pg from 'pg'
import { afterAll, afterEach, describe, expect, it } from 'vitest'
import { findTigerBeetle } from './services/tigerbeetle.ts'
import { createRunDirectory } from './worlds/local/run-directory.ts'
import { SHARED_NETWORK_FILE } from './worlds/local/world.ts'

const RUNS = path.resolve('.lab/runs')
const temporary = mkdtempSync(path.join(os.tmpdir(), 'start-test-'))
// PostgreSQL runs as another user where root starts it, and must be able to reach the disk below.
chmodSync(temporary, 0o755)
afterAll(() => rmSync(temporary, { recursive: true, force: true }))

interface Started {
  child: ChildProcess
  lines: Record<string, unknown>[]
  /** The first line that passes. */
  line(test: (line: Record<string, unknown>) => boolean): Promise<Record<string, unknown>>
  ended: Promise<{ status: number | null; signal: string | null; stderr: string }>
}

function start(...args: string[]): Started {
  return startWith({}, ...args)
}

function startWith(environment: Record<string, string>, ...args: string[]): Started {
  const child = spawn(process.execPath, ['sim/start.ts', '--json', ...args], {
    stdio: ['ignore', 'pipe', 'pipe'],
    env: { ...process.env, ...environment }
  })
  const lines: Record<string, unknown>[] = []
  const waiting = new Set<() => void>()
  createInterface({ input: child.stdout! }).on('line', (text) => {
    lines.push(JSON.parse(text) as Record<string, unknown>)
    for (const check of waiting) check()
  })
  let stderr = ''
  child.stderr!.on('data', (chunk: Buffer) => (stderr += chunk.toString()))
  const ended = new Promise<{ status: number | null; signal: string | null; stderr: string }>((resolve) =>
    child.once('close', (status, signal) => resolve({ status, signal, stderr }))
  )
  return {
    child,
    lines,
    ended,
    line(test) {
      return new Promise((resolve, reject) => {
        const check = () => {
          try {
            const found = lines.find(test)
            if (!found) return
            waiting.delete(check)
            resolve(found)
          } catch (error) {
            waiting.delete(check)
            reject(error as Error)
          }
        }
        waiting.add(check)
        void ended.then(({ stderr: text }) =>
          reject(new Error(`it ended before: ${JSON.stringify(lines.at(-1))} ${text}`))
        )
        check()
      })
    }
  }
}

/** Runs a command of the laboratory to its end. */
async function lab(...args: string[]) {
  const child = spawn(process.execPath, ['sim/cli.ts', ...args], { stdio: ['ignore', 'pipe', 'pipe'] })
  let stdout = ''
  let stderr = ''
  child.stdout.on('data', (chunk: Buffer) => (stdout += chunk.toString()))
  child.stderr.on('data', (chunk: Buffer) => (stderr += chunk.toString()))
  const status = await new Promise<number | null>((resolve) => child.once('close', resolve))
  const lines = args.includes('--json')
    ? stdout
        .split('\n')
        .filter((line) => line !== '')
        .map((line) => JSON.parse(line) as Record<string, unknown>)
    : []
  return { status, lines, stderr }
}

/** Processes that belong to a run, as the machine sees them. */
function processesOf(runId: string): string[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .filter((pid) => {
      try {
        return readFileSync(`/proc/${pid}/environ`, 'utf8').includes(`RAFIKI_LAB_RUN=${runId}`)
      } catch {
        return false // ended in between, or another user's
      }
    })
}

function runOf(pid: number): string {
  const found = readdirSync(RUNS).find((name) => name.startsWith(`${pid}-`))
  if (found === undefined) throw new Error(`no run of process ${pid}`)
  return found
}

/** The network is up and its payments are made. */
function isUp(line: Record<string, unknown>): boolean {
  if (line.event === 'error') throw new Error(`npm start failed: ${String(line.message)}`)
  return line.event === 'summary'
}

describe('npm start', () => {
  it('completes the payment, audits clean and exits 0 with --exit', async () => {
    const started = start('--exit')
    const { status, stderr } = await started.ended
    expect({ status, stderr }).toEqual({ status: 0, stderr: '' })
    const summary = started.lines.at(-1) as {
      ok: boolean
      payments: {
        state: string
        debitAmount: { value: string }
        receiveAmount: { value: string }
        receivedAmount: { value: string }
      }[]
      audit: { ok: boolean }
    }
    expect(summary).toMatchObject({ event: 'summary', ok: true })
    expect(summary.audit.ok).toBe(true)
    expect(summary.payments).toHaveLength(1)
    expect(summary.payments[0]!.state).toBe('COMPLETED')
    expect(summary.payments[0]!.debitAmount.value).toBe('10000')
    expect(BigInt(summary.payments[0]!.receivedAmount.value)).toBeGreaterThanOrEqual(
      BigInt(summary.payments[0]!.receiveAmount.value)
    )
  })

  it.skipIf(findTigerBeetle() === undefined)(
    'completes the payment on TigerBeetle, audits clean, and leaves no server or data file',
    async () => {
      const disk = path.join(temporary, 'tigerbeetle')
      mkdirSync(disk)
      chmodSync(disk, 0o777)
      const started = startWith({ LEDGER: 'tigerbeetle', TMPDIR: disk }, '--exit')
      const { status } = await started.ended
      const summary = started.lines.find(isUp) as { payments: { state: string }[]; audit: { ok: boolean } }
      expect(status).toBe(0)
      expect(summary.payments.map(({ state }) => state)).toEqual(['COMPLETED'])
      expect(summary.audit.ok).toBe(true)
      const servers = started.lines
        .filter(({ step }) => step === 'tigerbeetle')
        .map(({ detail }) => String(detail))
      expect(servers).toHaveLength(2)
      for (const server of servers) {
        expect(existsSync(`/proc/${/process (\d+)/.exec(server)![1]}`)).toBe(false)
      }
      expect(readdirSync(disk)).toEqual([])
    }
  )

  it('takes only a ledger that it can audit', async () => {
    const { status, stderr } = await startWith({ LEDGER: 'memory' }, '--exit').ended
    expect([status, stderr]).toEqual([
      2,
      'LEDGER is "memory"; local networks keep their books in postgres or tigerbeetle\n'
    ])
    const option = await startWith({ LEDGER: 'postgres' }, '--ledger', 'paper').ended
    expect([option.status, option.stderr]).toEqual([
      2,
      '--ledger is "paper"; local networks keep their books in postgres or tigerbeetle\n'
    ])
  })

  it('lets another terminal pay, beside a newer network; leaves no process, port or file after an interrupt', async () => {
    const started = start('--no-ui')
    await started.line(isUp)
    const run = runOf(started.child.pid!)
    const elsewhere = createRunDirectory()
    elsewhere.write(SHARED_NETWORK_FILE, JSON.stringify({ nodes: [] }))
    const sent = await lab('pay', 'alice@acacia', 'bob@baobab', '12.50', '--json')
    elsewhere.remove()
    expect(sent).toMatchObject({ status: 0, stderr: '' })
    expect(sent.lines.at(-1)).toMatchObject({
      event: 'summary',
      ok: true,
      payments: [{ state: 'COMPLETED' }]
    })
    const unaffordable = await lab('pay', 'alice@acacia', 'bob@baobab', '99999', '--json')
    expect(unaffordable.status).toBe(1)
    expect(unaffordable.lines.at(-1)).toMatchObject({
      event: 'summary',
      ok: false,
      payments: [{ state: 'CANCELLED', error: 'Account does not have enough balance.' }]
    })
    const unknown = await lab('pay', 'eve@acacia', 'bob@baobab', '1')
    expect(unknown.status).toBe(2)
    expect(unknown.stderr).toMatch(/unknown wallet address "eve@acacia"; there are: alice@acacia, bob@baobab/)
    const wrong = await lab('pay', 'alice@acacia', 'bob@baobab', 'much', '--json')
    expect(wrong).toMatchObject({ status: 2, stderr: '' })
    expect(wrong.lines.at(-1)).toMatchObject({ event: 'summary', ok: false })
    expect(processesOf(run).length).toBeGreaterThanOrEqual(5)
    started.child.kill('SIGINT')
    expect((await started.ended).status).toBe(0)
    expect(processesOf(run)).toEqual([])
    expect(readdirSync(RUNS)).not.toContain(run)
  })

  it('works again after kill -9 of the parent, and cleans up what that left', async () => {
    const killed = start('--no-ui')
    await killed.line(isUp)
    const run = runOf(killed.child.pid!)
    killed.child.kill('SIGKILL')
    await killed.ended
    const next = start('--exit')
    expect((await next.ended).status).toBe(0)
    expect(next.lines.some(({ step }) => step === 'clean-up')).toBe(true)
    expect(processesOf(run)).toEqual([])
    expect(readdirSync(RUNS)).not.toContain(run)
  })

  it('refuses a broken topology with one line and exit status 2, and starts nothing', async () => {
    const file = path.join(temporary, 'broken.json')
    writeFileSync(file, '{"name":"pair","nodes":[],"colour":"red"}')
    const started = start(file)
    expect((await started.ended).status).toBe(2)
    expect(started.lines.map(({ event }) => event)).toEqual(['error', 'summary'])
    expect(started.lines[0]!.message).toMatch(/broken\.json: .*(unknown field "colour"|at least one node)/)
  })

  it('names the port that is in use, and takes down what had started', async () => {
    const server = net.createServer()
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
    const { port } = server.address() as net.AddressInfo
    const topology = JSON.parse(readFileSync('fixtures/topologies/pair.json', 'utf8')) as {
      nodes: { ports?: Record<string, number> }[]
    }
    topology.nodes[0]!.ports = { connector: port }
    const file = path.join(temporary, 'taken.json')
    writeFileSync(file, JSON.stringify(topology))
    const started = start(file, '--exit')
    expect((await started.ended).status).toBe(1)
    const error = started.lines.find(({ event }) => event === 'error')!
    expect(String(error.message)).toContain(String(port))
    expect(String(error.message)).toMatch(/in use/)
    expect(readdirSync(RUNS).some((name) => name.startsWith(`${started.child.pid}-`))).toBe(false)
    await new Promise((resolve) => server.close(resolve))
  })

  it('says so and shuts down in order when PostgreSQL dies', async () => {
    const started = start('--no-ui')
    await started.line(isUp)
    const run = runOf(started.child.pid!)
    const postgres = started.lines.find(({ step }) => step === 'postgresql')!
    const pid = Number(/process (\d+)/.exec(String(postgres.detail))![1])
    process.kill(pid, 'SIGKILL')
    expect((await started.ended).status).toBe(1)
    expect(
      started.lines.some(
        ({ event, message }) => event === 'error' && /PostgreSQL ended/.test(String(message))
      )
    ).toBe(true)
    expect(processesOf(run)).toEqual([])
    expect(readdirSync(RUNS)).not.toContain(run)
  })

  describe.skipIf(!canMount())('on a full disk (needs the right to mount a small one)', () => {
    const disk = path.join(temporary, 'disk')

    function withDisk(megabytes: number): void {
      mkdirSync(disk, { recursive: true })
      expect(
        spawnSync('mount', ['-t', 'tmpfs', '-o', `size=${megabytes}m,mode=1777`, 'tmpfs', disk]).status
      ).toBe(0)
    }
    afterEach(() => {
      spawnSync('umount', [disk])
    })

    it('says how much is missing, and starts nothing', async () => {
      withDisk(20)
      const started = startWith({ TMPDIR: disk }, '--exit')
      expect((await started.ended).status).toBe(1)
      expect(String(started.lines.find(({ event }) => event === 'error')?.message)).toMatch(
        /has \d+ MB left and PostgreSQL needs 256 MB; free some space/
      )
      expect(readdirSync(disk)).toEqual([])
    })

    it('says so when the disk fills up while the network is up, and takes everything down', async () => {
      withDisk(400)
      const started = startWith({ TMPDIR: disk }, '--no-ui')
      await started.line(isUp)
      const run = runOf(started.child.pid!)
      await fillDisk(started)
      const { status } = await started.ended
      expect(status).toBe(1)
      const error = started.lines.find(({ event }) => event === 'error')!
      expect(String(error.message)).toMatch(/No space left on device; free some space/)
      expect(processesOf(run)).toEqual([])
      expect(readdirSync(RUNS)).not.toContain(run)
      expect(readdirSync(disk)).toEqual([])
    })
  })
})

/** Writes to the network's PostgreSQL until its disk is full. */
async function fillDisk(started: Started): Promise<void> {
  const { detail } = started.lines.find(({ step }) => step === 'postgresql')!
  const port = /127\.0\.0\.1:(\d+)/.exec(String(detail))![1]
  const client = new pg.Client({ connectionString: `postgresql://postgres@127.0.0.1:${port}/postgres` })
  client.on('error', () => undefined) // the server may end under it: that is what is tested
  await client.connect()
  const filling = client.query(
    "CREATE TABLE filler AS SELECT repeat('x', 1000) FROM generate_series(1, 1000000)"
  )
  await expect(filling).rejects.toThrow()
  await client.end().catch(() => undefined)
}

/** Only root may mount; elsewhere these two tests say that they were skipped. */
function canMount(): boolean {
  const probe = mkdtempSync(path.join(os.tmpdir(), 'mount-probe-'))
  const mounted = spawnSync('mount', ['-t', 'tmpfs', '-o', 'size=1m', 'tmpfs', probe]).status === 0
  if (mounted) spawnSync('umount', [probe])
  rmSync(probe, { recursive: true, force: true })
  return mounted
}
