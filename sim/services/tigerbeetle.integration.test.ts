import { spawn } from 'node:child_process'
import { existsSync, mkdtempSync, readdirSync, readlinkSync, rmSync, writeFileSync } from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import { afterAll, afterEach, beforeAll, describe, expect, inject, it, vi } from 'vitest'
import { createTigerBeetleLedger, TigerBeetleUnavailableError } from '../../node/ledger/index.ts'
import type { AuditableLedger, NewTransfer } from '../../node/ledger/index.ts'
import { createSystemRuntime } from '../../node/runtime/index.ts'
import type { Runtime } from '../../node/runtime/index.ts'
import { ADDRESSES_VARIABLE, findTigerBeetle, startTigerBeetle, startTigerBeetles } from './tigerbeetle.ts'
import type { TigerBeetleProcess } from './tigerbeetle.ts'

const found = findTigerBeetle()
const binary = found?.kind === 'binary' ? found.path : undefined
const missing = 'missing' in inject('tigerBeetle') || binary === undefined

const accounts = [1n, 2n].map((id) => ({ id, ledger: 1, code: 2 }))
const pay = (id: bigint, more: Partial<NewTransfer> = {}): NewTransfer => ({
  id,
  debitAccountId: 1n,
  creditAccountId: 2n,
  amount: 1n,
  ledger: 1,
  code: 1,
  ...more
})

afterEach(() => {
  vi.unstubAllEnvs()
})

describe('finding TigerBeetle', () => {
  it('takes the clusters of the environment first, one per node', async () => {
    vi.stubEnv(ADDRESSES_VARIABLE, '10.0.0.1:3000,10.0.0.2:3000;10.0.0.3:3000')
    const services = await startTigerBeetles(['acacia', 'baobab'])
    expect([...services.values()].map(({ addresses, clusterId }) => [addresses, clusterId])).toEqual([
      [['10.0.0.1:3000', '10.0.0.2:3000'], 0n],
      [['10.0.0.3:3000'], 0n]
    ])
    await expect(startTigerBeetles(['acacia', 'baobab', 'cedar'])).rejects.toThrow(
      `${ADDRESSES_VARIABLE} names 2 cluster(s) and 3 nodes need one each: separate them by semicolons`
    )
  })

  it('says in one line that there is none', async () => {
    vi.stubEnv(ADDRESSES_VARIABLE, '')
    vi.stubEnv('PATH', '/nowhere')
    await expect(startTigerBeetles(['acacia'])).rejects.toThrow(
      /^no TigerBeetle: neither LAB_TIGERBEETLE_ADDRESSES is set nor is there a binary "tigerbeetle" on PATH/
    )
  })

  it('tells the last words of a binary that does not start', async () => {
    const folder = mkdtempSync(path.join(os.tmpdir(), 'no-tigerbeetle-'))
    const file = path.join(folder, 'tigerbeetle')
    writeFileSync(file, '#!/bin/sh\necho "not today" >&2\nexit 3\n', { mode: 0o755 })
    await expect(startTigerBeetle(file)).rejects.toThrow('tigerbeetle format failed: not today')
    writeFileSync(file, '#!/bin/sh\n[ "$1" = format ] && exit 0\necho "not now" >&2\nexit 3\n', {
      mode: 0o755
    })
    await expect(startTigerBeetle(file)).rejects.toThrow('TigerBeetle ended (exit status 3): not now')
    rmSync(folder, { recursive: true })
  })
})

describe.skipIf(missing)('a TigerBeetle server of our own', () => {
  let server: TigerBeetleProcess
  let runtime: Runtime
  const ledgers: AuditableLedger[] = []

  beforeAll(async () => {
    server = await startTigerBeetle(binary!, { clusterId: 9n, durable: false })
  })
  afterAll(() => server?.stop())
  afterEach(async () => {
    for (const ledger of ledgers.splice(0)) await ledger.close()
    runtime.kill()
  })

  function openLedger(options: { requestTimeoutMs?: number; maxUnansweredCalls?: number } = {}) {
    runtime = createSystemRuntime({ name: 'test', logLevel: 'fatal' })
    const { clusterId, addresses } = server
    const ledger = createTigerBeetleLedger({
      ...runtime,
      open: () => runtime.openTigerBeetle({ clusterId, addresses }),
      ...options
    })
    ledgers.push(ledger)
    return ledger
  }

  it('that does not answer: calls end in time, and a repeat finds out what became of them', async () => {
    const ledger = openLedger({ requestTimeoutMs: 300, maxUnansweredCalls: 2 })
    // The first call opens a session as well, which may take longer than a call may.
    await vi.waitFor(() => ledger.createAccounts(accounts), 10_000)
    server.pause()
    const transfer = pay(100n)
    const outcome = (promise: Promise<unknown>) =>
      promise.then(
        () => 'answered',
        (error: unknown) => (error instanceof TigerBeetleUnavailableError ? error.code : error)
      )
    expect(await outcome(ledger.createTransfers([transfer]))).toBe('TIGERBEETLE_TIMEOUT')
    expect(await outcome(ledger.lookupTransfers([100n]))).toBe('TIGERBEETLE_TIMEOUT')
    // What may still be answered is bounded: nothing more is queued behind it.
    expect(await outcome(ledger.createTransfers([pay(101n)]))).toBe('TIGERBEETLE_UNREACHABLE')
    server.resume()
    // The client still sends what was given up: its answer makes room for the repeat, which comes behind it.
    await vi.waitFor(async () => expect(await ledger.createTransfers([transfer])).toEqual(['exists']), 10_000)
    expect(await ledger.lookupTransfers([101n])).toEqual([undefined])
  })

  it('that cannot be found: an address is named', async () => {
    runtime = createSystemRuntime({ name: 'test', logLevel: 'fatal' })
    const ledger = createTigerBeetleLedger({
      ...runtime,
      open: () => runtime.openTigerBeetle({ clusterId: 0n, addresses: ['tigerbeetle.invalid:3000'] })
    })
    await expect(ledger.lookupAccounts([1n])).rejects.toMatchObject({
      code: 'TIGERBEETLE_ADDRESS',
      message: /tigerbeetle\.invalid:3000 cannot be resolved/
    })
    await ledger.close()
    await expect(ledger.lookupAccounts([1n])).rejects.toThrow('the ledger is closed')
  })

  it('resolves host names', async () => {
    runtime = createSystemRuntime({ name: 'test', logLevel: 'fatal' })
    const port = server.addresses[0]!.split(':')[1]!
    const ledger = createTigerBeetleLedger({
      ...runtime,
      open: () => runtime.openTigerBeetle({ clusterId: 9n, addresses: [`localhost:${port}`] })
    })
    ledgers.push(ledger)
    expect(await ledger.lookupAccounts([99n])).toEqual([undefined])
  })

  it('a killed runtime ends its client: nothing is answered any more', async () => {
    const ledger = openLedger()
    await ledger.createAccounts(accounts)
    runtime.kill()
    await expect(ledger.lookupAccounts([1n])).rejects.toMatchObject({ code: 'TIGERBEETLE_CLOSED' })
  })

  it('ends with its parent, however that ends, and leaves no file', async () => {
    const script = `
      const { startTigerBeetle } = await import('${path.join(import.meta.dirname, 'tigerbeetle.ts')}')
      const { pid } = await startTigerBeetle(${JSON.stringify(binary)}, { durable: false })
      console.log(pid)
      setInterval(() => undefined, 1000)`
    const parent = spawn(process.execPath, ['--input-type=module', '-e', script], {
      stdio: ['ignore', 'pipe', 'inherit'],
      env: { ...process.env, TMPDIR: os.tmpdir() }
    })
    const pid = Number(await new Promise((resolve) => parent.stdout.once('data', resolve)))
    const directory = path.dirname(readlinkSync(`/proc/${pid}/fd/${dataFileOf(pid)}`))
    expect(readdirSync(directory)).toEqual(['0_0.tigerbeetle'])
    parent.kill('SIGKILL')
    await vi.waitFor(
      () => expect([existsSync(`/proc/${pid}`), existsSync(directory)]).toEqual([false, false]),
      10_000
    )
  })
})

/** The descriptor by which a server holds its data file. */
function dataFileOf(pid: number): string {
  const descriptors = readdirSync(`/proc/${pid}/fd`)
  const found = descriptors.find((fd) => readlinkSync(`/proc/${pid}/fd/${fd}`).endsWith('.tigerbeetle'))
  if (found === undefined) throw new Error(`process ${pid} holds no data file`)
  return found
}
