import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { testCount } from '../../../test-counts.ts'
import { createMemoryLedger, TransferCode } from '../../ledger/index.ts'
import type { Ledger } from '../../ledger/index.ts'
import { createLogger, createManualClock, createMemoryCache } from '../../runtime/index.ts'
import type { Cache } from '../../runtime/index.ts'
import { CACHE_ANSWER_MS, CACHE_PAUSE_MS } from '../shared-records.ts'
import {
  connectionTagOf,
  createConnectionTotals,
  LEDGER_PAGE,
  LEDGER_REREAD_MS,
  MAX_TRACKED_CONNECTIONS,
  processTagOf,
  SHARED_TOTALS_TTL_MS
} from './connection-totals.ts'

const ID = Buffer.alloc(18, 7).toString('base64url')
const SOURCE = 1n
const TARGET = 2n

/** What becomes of the next exchanges with the cache. */
type CacheFate = 'answers' | 'refuses' | 'losesItsAnswers' | 'isSilent'

/** Processes of one service on one ledger and one cache. */
async function createScene() {
  const clock = createManualClock()
  const ledger = createMemoryLedger({ clock })
  const accounts = [SOURCE, TARGET].map((id) => ({ id, ledger: 1, code: 1 }))
  await ledger.createAccounts(accounts)
  const logs: string[] = []
  const logger = createLogger({ name: 'test', level: 'debug', write: (line) => void logs.push(line) })
  const scene = {
    clock,
    logs,
    fate: 'answers' as CacheFate,
    exchanges: 0,
    queries: 0,
    posted: 0n,
    fulfilled: 0n,
    store: createMemoryCache({ clock })
  }
  const cache: Pick<Cache, 'shareField'> = {
    async shareField(...all) {
      scene.exchanges += 1
      if (scene.fate === 'isSilent') return new Promise(() => undefined)
      if (scene.fate === 'refuses') throw new Error('refused')
      const record = await scene.store.shareField(...all)
      if (scene.fate === 'losesItsAnswers') throw new Error('reset')
      return record
    }
  }
  let ids = 1n
  const createProcess = (ledgerOf: Pick<Ledger, 'queryTransfers'> = ledger) => {
    const incarnationId = 2n ** 100n + ids++
    const totals = createConnectionTotals({
      cache,
      clock,
      logger,
      incarnationId,
      stopped: new AbortController().signal,
      ledger: {
        queryTransfers(filter) {
          scene.queries += 1
          return ledgerOf.queryTransfers(filter)
        }
      }
    })
    /** Credits a packet; `isCounted` false: the process dies before it counts it. */
    async function deliver(amount: bigint, { id = ID, isCounted = true } = {}) {
      const total = await totals.hold(id)
      const [result] = await ledger.createTransfers([
        {
          id: ids++,
          debitAccountId: SOURCE,
          creditAccountId: TARGET,
          amount,
          ledger: 1,
          code: TransferCode.TRANSFER,
          userData128: total.tag,
          userData64: total.processTag
        }
      ])
      if (result !== 'ok') throw new Error(result)
      scene.posted += amount
      if (!isCounted) return undefined
      const told = total.posted(amount)
      total.release()
      const answer = await told
      scene.fulfilled += amount
      return answer
    }
    return { totals, deliver, tag: processTagOf(incarnationId) }
  }
  return Object.assign(scene, { createProcess })
}

describe('totals of a connection over several processes', () => {
  it('tells each packet the total with it, whichever process it reaches', async () => {
    const scene = await createScene()
    const [one, two] = [scene.createProcess(), scene.createProcess()]
    expect(await one.deliver(5n)).toBe(5n)
    expect(await two.deliver(7n)).toBe(12n)
    expect(await two.deliver(1n)).toBe(13n)
    expect(await one.deliver(2n)).toBe(15n)
    expect(await one.totals.fromLedger(ID)).toBe(15n)
    const other = Buffer.alloc(18, 8).toString('base64url')
    expect(await one.deliver(3n, { id: other })).toBe(3n)
  })

  it('asks the ledger once for a new connection, then exchanges once for all packets of a turn', async () => {
    const scene = await createScene()
    const process = scene.createProcess()
    await process.deliver(1n)
    expect(scene.queries).toBe(1)
    const before = scene.exchanges
    const told = await Promise.all(Array.from({ length: 100 }, () => process.deliver(1n)))
    expect(told.at(-1)).toBe(101n)
    expect(new Set(told).size).toBe(100)
    expect(scene.exchanges - before).toBeLessThan(10)
    expect(scene.queries).toBe(1)
  })

  it('is rebuilt from the ledger when the cache lost it, and never shrinks', async () => {
    const scene = await createScene()
    const [one, two] = [scene.createProcess(), scene.createProcess()]
    await one.deliver(5n)
    await two.deliver(7n)
    // One does not know of these: only the cache did.
    await two.deliver(11n)
    scene.store = createMemoryCache({ clock: scene.clock })
    expect(await one.deliver(1n)).toBe(24n)
    expect(await two.deliver(1n)).toBe(25n)
    await scene.clock.advance(SHARED_TOTALS_TTL_MS)
    expect(await one.deliver(1n)).toBe(26n)
  })

  it.each(['refuses', 'losesItsAnswers', 'isSilent'] as const)(
    'is read from the ledger while the cache %s, and shared again later',
    async (fate) => {
      const scene = await createScene()
      const [one, two] = [scene.createProcess(), scene.createProcess()]
      await one.deliver(5n)
      await two.deliver(7n)
      scene.fate = fate
      const told = two.deliver(1n)
      await scene.clock.advance(fate === 'isSilent' ? CACHE_ANSWER_MS : 0)
      expect(await told).toBe(13n)
      const exchanges = scene.exchanges
      expect(await two.deliver(1n)).toBe(14n)
      // The cache rests meanwhile: nobody waits for it again and again.
      expect(scene.exchanges).toBe(exchanges)
      expect(scene.logs.some((line) => line.includes('totals_not_shared'))).toBe(true)
      scene.fate = 'answers'
      await scene.clock.advance(CACHE_PAUSE_MS)
      expect(await two.deliver(1n)).toBe(15n)
      expect(await one.deliver(1n)).toBe(16n)
    }
  )

  it('finds what a process credited and had no time to count', async () => {
    const scene = await createScene()
    const [dead, other] = [scene.createProcess(), scene.createProcess()]
    await dead.deliver(5n)
    await other.deliver(1n)
    await dead.deliver(7n, { isCounted: false })
    // The payer is told the truth at once; a Fulfill covers at least what was fulfilled.
    expect(await other.deliver(1n)).toBe(7n)
    expect(await scene.createProcess().totals.fromLedger(ID)).toBe(14n)
    expect(await scene.createProcess().deliver(1n)).toBe(15n)
    // Whoever goes on finds it by itself.
    await scene.clock.advance(LEDGER_REREAD_MS)
    await other.deliver(1n)
    expect(await other.deliver(1n)).toBe(17n)
  })

  it('tells a payer what is credited and not counted yet, and never less afterwards', async () => {
    const scene = await createScene()
    const process = scene.createProcess()
    await process.deliver(5n)
    await process.deliver(7n, { isCounted: false })
    expect(await process.totals.fromLedger(ID)).toBe(12n)
    expect(await process.deliver(1n)).toBe(12n)
  })

  it('a process that forgot an idle connection goes on where it was', async () => {
    const scene = await createScene()
    const process = scene.createProcess()
    await process.deliver(5n)
    const idOf = (index: number) => {
      const nonce = Buffer.alloc(18, 9)
      nonce.writeUInt32BE(index)
      return nonce.toString('base64url')
    }
    for (let index = 0; index <= MAX_TRACKED_CONNECTIONS; index += 1) {
      const held = await process.totals.hold(idOf(index))
      held.release()
    }
    const queries = scene.queries
    expect(await process.deliver(2n)).toBe(7n)
    expect(scene.queries).toBe(queries + 1)
    expect(await scene.createProcess().deliver(1n)).toBe(8n)
  })

  it('reads long histories page by page', async () => {
    const scene = await createScene()
    const process = scene.createProcess()
    await Promise.all(Array.from({ length: LEDGER_PAGE + 1 }, () => process.deliver(1n)))
    expect(await scene.createProcess().deliver(1n)).toBe(BigInt(LEDGER_PAGE + 2))
  })

  it('books nothing while the ledger cannot be read; answers without a total where it was booked', async () => {
    const scene = await createScene()
    const broken = { queryTransfers: async () => Promise.reject(new Error('gone')) }
    await expect(scene.createProcess(broken).totals.hold(ID)).rejects.toThrow('gone')
    let isBroken = false
    const ledger = { queryTransfers: async () => (isBroken ? broken.queryTransfers() : []) }
    const process = scene.createProcess(ledger)
    expect(await process.deliver(1n)).toBe(1n)
    isBroken = true
    scene.fate = 'refuses'
    expect(await process.deliver(1n)).toBeUndefined()
    await expect(process.totals.fromLedger(ID)).rejects.toThrow('gone')
  })

  it('tags belong to the connection and to the process', () => {
    expect(connectionTagOf(ID)).toBe(BigInt(`0x${'07'.repeat(16)}`))
    expect(processTagOf(2n ** 127n + 5n)).toBe(5n)
  })

  it('is heard of by others soon after the cache is back, without a further packet', async () => {
    const scene = await createScene()
    const [one, two] = [scene.createProcess(), scene.createProcess()]
    await one.deliver(5n)
    scene.fate = 'refuses'
    expect(await two.deliver(7n)).toBe(12n)
    scene.fate = 'answers'
    await scene.clock.advance(CACHE_PAUSE_MS)
    expect(await one.deliver(1n)).toBe(13n)
  })

  /**
   * Whatever happens: no total is above what the ledger has, and none is below one that its process told before.
   * None is below what was fulfilled before, but while the cache is out of some process's reach.
   */
  it('lies between what was fulfilled and what the ledger has, over crashes and losses', async () => {
    const step = fc.oneof(
      {
        weight: 8,
        arbitrary: fc.record({
          kind: fc.constant('deliver' as const),
          at: fc.nat(2),
          many: fc.integer({ min: 1, max: 5 })
        })
      },
      {
        weight: 1,
        arbitrary: fc.record({ kind: fc.constant('die' as const), at: fc.nat(2), uncounted: fc.nat(3) })
      },
      { weight: 1, arbitrary: fc.record({ kind: fc.constant('ask' as const), at: fc.nat(2) }) },
      { weight: 1, arbitrary: fc.constant({ kind: 'loseCache' as const }) },
      {
        weight: 1,
        arbitrary: fc.record({
          kind: fc.constant('pass' as const),
          ms: fc.constantFrom(1_000, 10_000, 600_000)
        })
      },
      {
        weight: 2,
        arbitrary: fc.record({
          kind: fc.constant('fate' as const),
          fate: fc.constantFrom<CacheFate>('answers', 'answers', 'refuses', 'losesItsAnswers')
        })
      }
    )
    await fc.assert(
      fc.asyncProperty(fc.array(step, { maxLength: 40 }), fc.scheduler(), async (steps, scheduler) => {
        const scene = await createScene()
        const processes = [0, 1, 2].map(() => scene.createProcess())
        let uncounted = 0n
        let faults = 0
        let isOutOfReach = false
        const told = new Map<unknown, bigint>()
        const checkTold = (by: unknown, total: bigint, fulfilledBefore: bigint) => {
          expect(total >= (told.get(by) ?? 0n)).toBe(true)
          told.set(by, total)
          expect(total <= scene.posted).toBe(true)
          if (!isOutOfReach) expect(total >= fulfilledBefore).toBe(true)
        }
        for (const one of steps) {
          switch (one.kind) {
            case 'deliver': {
              const { fulfilled } = scene
              // Packets over all processes at once, in whatever order.
              const packets = Array.from({ length: one.many }, async (_, index) => {
                const process = processes[(one.at + index) % 3]!
                await scheduler.schedule(Promise.resolve())
                return { process, total: await process.deliver(BigInt(index + 1)) }
              })
              await scheduler.waitAll()
              const answers = await Promise.all(packets)
              for (const { process, total } of answers.sort((a, b) => Number(a.total! - b.total!))) {
                checkTold(process, total!, fulfilled)
              }
              // The next covers them all, and is exact as long as nothing broke.
              const before = scene.fulfilled
              const last = await processes[one.at]!.deliver(1n)
              checkTold(processes[one.at], last!, before + 1n)
              if (faults === 0 && !isOutOfReach) expect(last).toBe(scene.posted)
              break
            }
            case 'die':
              for (let count = 0; count < one.uncounted; count += 1) {
                await processes[one.at]!.deliver(10n, { isCounted: false })
                uncounted += 10n
                faults += 1
              }
              processes[one.at] = scene.createProcess()
              break
            case 'ask':
              {
                const exact = await processes[one.at]!.totals.fromLedger(ID)
                expect(exact).toBe(scene.posted)
                checkTold(processes[one.at], exact, scene.fulfilled)
              }
              break
            case 'loseCache':
              scene.store = createMemoryCache({ clock: scene.clock })
              break
            case 'pass':
              await scene.clock.advance(one.ms)
              // What could not be shared was, by itself.
              if (scene.fate === 'answers') isOutOfReach = false
              break
            case 'fate':
              scene.fate = one.fate
              isOutOfReach ||= one.fate !== 'answers'
          }
        }
        expect(scene.posted - scene.fulfilled).toBe(uncounted)
      }),
      { numRuns: testCount('connectionTotals') }
    )
  })
})
