import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { testCount } from '../../../test-counts.ts'
import { createMemoryLedger, TransferCode } from '../../ledger/index.ts'
import { createLogger, createManualClock, createMemoryCache } from '../../runtime/index.ts'
import type { Cache } from '../../runtime/index.ts'
import { CLOCK_SKEW_MS } from '../incarnation.ts'
import { CACHE_ANSWER_MS, CACHE_PAUSE_MS } from '../shared-records.ts'
import {
  createSharedAdmissions,
  HOLD_MS,
  HOLD_REFRESH_MS,
  LOSS_PAUSE_MS,
  SHARE_INTERVAL_MS,
  SHARED_ADMISSION_TTL_MS
} from './shared-admission.ts'

const SOURCE = 1n
const TARGET = 2n
const ID = 'payment'
const PACKET_TTL_MS = HOLD_MS + CLOCK_SKEW_MS

/** What becomes of the next exchanges with the cache. */
type CacheFate = 'answers' | 'refuses' | 'losesItsAnswers' | 'isSilent'

/** Processes of one service on one ledger and one cache, which book for one payment. */
async function createScene(receiveMax: bigint) {
  const clock = createManualClock()
  const ledger = createMemoryLedger({ clock })
  await ledger.createAccounts([SOURCE, TARGET].map((id) => ({ id, ledger: 1, code: 1 })))
  const logs: string[] = []
  const logger = createLogger({ name: 'test', level: 'debug', write: (line) => void logs.push(line) })
  const scene = {
    clock,
    logs,
    fate: 'answers' as CacheFate,
    isLedgerGone: false,
    isAlone: false,
    exchanges: 0,
    queries: 0,
    store: createMemoryCache({ clock }),
    received: async () => (await ledger.lookupAccounts([TARGET]))[0]!.creditsPosted
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
  let isFirst = true
  async function createProcess() {
    const processTag = 2n ** 40n + ids++
    const admissions = createSharedAdmissions({
      cache,
      clock,
      logger,
      processTag,
      isAlone: async () => scene.isAlone,
      ledger: {
        async queryTransfers(filter) {
          scene.queries += 1
          if (scene.isLedgerGone) throw new Error('gone')
          return ledger.queryTransfers(filter)
        }
      }
    })
    const received = isFirst ? 0n : await scene.received()
    isFirst = false
    const payment = admissions.of({ id: ID, accountId: TARGET, receiveMax, received })
    async function credit(amount: bigint, tag: bigint): Promise<void> {
      const [result] = await ledger.createTransfers([
        {
          id: ids++,
          debitAccountId: SOURCE,
          creditAccountId: TARGET,
          amount,
          ledger: 1,
          code: TransferCode.TRANSFER,
          userData64: tag
        }
      ])
      if (result !== 'ok') throw new Error(result)
    }
    return {
      payment,
      claim: (amount: bigint) => payment.claim(amount),
      /** An admitted packet is booked. `isDying`: its process does not get to say so. */
      async post(amount: bigint, { isDying = false } = {}) {
        await credit(amount, processTag)
        if (!isDying) payment.posted(amount)
      },
      async postUntagged(amount: bigint) {
        await credit(amount, amount)
        payment.posted(amount, 'untagged')
      },
      /** Claims, and books what is admitted. */
      async deliver(amount: bigint) {
        const claim = await payment.claim(amount)
        if (claim === 'admitted') await this.post(amount)
        return claim
      },
      kill: () => admissions.stop()
    }
  }
  return Object.assign(scene, { createProcess })
}

function countOf(claims: readonly string[]): Record<string, number> {
  const counts: Record<string, number> = {}
  for (const claim of claims) counts[claim] = (counts[claim] ?? 0) + 1
  return counts
}

describe('a payment that several processes book for', () => {
  it('takes exactly what it asks for when packets reach both at once', async () => {
    const scene = await createScene(1_000n)
    const processes = [await scene.createProcess(), await scene.createProcess()]
    const claims = await Promise.all(
      Array.from({ length: 60 }, (_, index) => processes[index % 2]!.deliver(100n))
    )
    expect(countOf(claims).admitted).toBe(10)
    expect(await scene.received()).toBe(1_000n)
    for (const process of processes) expect(await process.deliver(1n)).toMatch(/^(full|later)$/)
    // In the end both know that all is posted, without being told of the payment's end.
    await scene.clock.advance(PACKET_TTL_MS + 1)
    for (const process of processes) expect(await process.deliver(1n)).toBe('full')
  })

  it('the last packet may exceed it, and only one', async () => {
    const scene = await createScene(100n)
    const [one, two] = [await scene.createProcess(), await scene.createProcess()]
    expect(await one.deliver(99n)).toBe('admitted')
    const claims = await Promise.all([one.claim(70n), two.claim(70n)])
    expect(countOf(claims)).toMatchObject({ admitted: 1 })
  })

  it('exchanges and reads once for all packets of a turn, and then exchanges only', async () => {
    const scene = await createScene(10_000n)
    const process = await scene.createProcess()
    await Promise.all(Array.from({ length: 100 }, () => process.deliver(1n)))
    expect(scene.exchanges).toBe(1)
    expect(scene.queries).toBe(1)
    // What was posted is shared a little later, and then it is quiet.
    await scene.clock.advance(10 * HOLD_REFRESH_MS)
    expect(scene.exchanges).toBe(2)
    await Promise.all(Array.from({ length: 100 }, () => process.deliver(1n)))
    expect(scene.exchanges).toBe(3)
    expect(scene.queries).toBe(1)
    await scene.clock.advance(10 * HOLD_REFRESH_MS)
    expect(scene.clock.nextTimerMs()).toBeUndefined()
  })

  it('what one gives back another may take at once', async () => {
    const scene = await createScene(100n)
    const [one, two] = [await scene.createProcess(), await scene.createProcess()]
    expect(await one.claim(100n)).toBe('admitted')
    expect(await two.claim(1n)).toBe('later')
    expect(await one.claim(1n)).toBe('full')
    one.payment.released(100n)
    expect(await two.claim(100n)).toBe('admitted')
    expect(await one.claim(1n)).toBe('later')
    await two.post(100n)
    expect(await two.claim(1n)).toBe('full')
  })

  it('what a process gives back while it stops another may take at once', async () => {
    const scene = await createScene(100n)
    const [one, two] = [await scene.createProcess(), await scene.createProcess()]
    expect(await one.claim(100n)).toBe('admitted')
    one.kill()
    one.payment.released(100n)
    expect(await two.claim(100n)).toBe('admitted')
    expect(scene.exchanges).toBe(3)
  })

  it('a process that died holding something blocks the rest for the life of a packet, and no longer', async () => {
    const scene = await createScene(100n)
    const [dead, other] = [await scene.createProcess(), await scene.createProcess()]
    expect(await dead.claim(60n)).toBe('admitted')
    expect(await dead.claim(60n)).toBe('admitted')
    await dead.post(60n, { isDying: true })
    dead.kill()
    expect(await other.claim(1n)).toBe('later')
    await scene.clock.advance(PACKET_TTL_MS)
    expect(await other.claim(1n)).toBe('later')
    await scene.clock.advance(1)
    // What it posted counts, what it held does not.
    expect(await other.deliver(39n)).toBe('admitted')
    expect(await other.deliver(1n)).toBe('admitted')
    expect(await other.deliver(1n)).toBe('full')
    expect(await scene.received()).toBe(100n)
  })

  it('what a living process holds counts for as long as it takes', async () => {
    const scene = await createScene(100n)
    const [slow, other] = [await scene.createProcess(), await scene.createProcess()]
    expect(await slow.claim(100n)).toBe('admitted')
    for (let minute = 0; minute < 15; minute += 1) {
      await scene.clock.advance(60_000)
      expect(await other.claim(1n)).toBe('later')
    }
    await slow.post(100n)
    expect(await other.claim(1n)).toBe('later')
    await scene.clock.advance(PACKET_TTL_MS + 1)
    expect(await other.claim(1n)).toBe('full')
  })

  it.each(['refuses', 'losesItsAnswers', 'isSilent'] as const)(
    'while the cache %s: nothing beside others, by the ledger when it is the only one',
    async (fate) => {
      const scene = await createScene(100n)
      const [one, two] = [await scene.createProcess(), await scene.createProcess()]
      expect(await one.deliver(40n)).toBe('admitted')
      expect(await two.deliver(20n)).toBe('admitted')
      scene.fate = fate
      const asked = one.claim(10n)
      await scene.clock.advance(fate === 'isSilent' ? CACHE_ANSWER_MS : 0)
      expect(await asked).toBe('later')
      const { exchanges } = scene
      expect(await one.claim(10n)).toBe('later')
      // It rests meanwhile: nobody waits for it again and again.
      expect(scene.exchanges).toBe(exchanges)
      expect(scene.logs.some((line) => line.includes('admissions_not_shared'))).toBe(true)
      // Two booked and died before the cache was told.
      expect(await scene.received()).toBe(60n)
      two.kill()
      scene.isAlone = true
      // Two's hold may be booked yet, for all that one knows.
      expect(await one.deliver(10n)).toBe('admitted')
      expect(await one.deliver(30n)).toBe('admitted')
      expect(await one.deliver(1n)).toBe('full')
      expect(await scene.received()).toBe(100n)
      scene.isAlone = false
      scene.fate = 'answers'
      await scene.clock.advance(CACHE_PAUSE_MS + SHARE_INTERVAL_MS)
      expect(await (await scene.createProcess()).deliver(1n)).not.toBe('admitted')
    }
  )

  it('nothing is taken while the ledger has to be read and does not answer', async () => {
    const scene = await createScene(100n)
    await (await scene.createProcess()).deliver(40n)
    const late = await scene.createProcess()
    scene.isLedgerGone = true
    expect(await late.deliver(60n)).toBe('later')
    scene.isLedgerGone = false
    expect(await late.deliver(60n)).toBe('admitted')
    expect(await late.deliver(60n)).toBe('full')
  })

  it('waits until all have said again what they hold when the cache lost it', async () => {
    const scene = await createScene(100n)
    const [one, two] = [await scene.createProcess(), await scene.createProcess()]
    await one.deliver(10n)
    await two.deliver(10n)
    expect(await two.claim(80n)).toBe('admitted')
    scene.store = createMemoryCache({ clock: scene.clock })
    expect(await one.claim(10n)).toBe('later')
    await scene.clock.advance(LOSS_PAUSE_MS)
    expect(await one.claim(10n)).toBe('later')
    two.payment.released(80n)
    expect(await one.claim(80n)).toBe('admitted')
  })

  it('a record that was idle for its whole life is no loss', async () => {
    const scene = await createScene(100n)
    const process = await scene.createProcess()
    await process.deliver(10n)
    await scene.clock.advance(SHARED_ADMISSION_TTL_MS + SHARE_INTERVAL_MS)
    expect(await process.deliver(90n)).toBe('admitted')
    expect(await process.deliver(1n)).toBe('full')
  })

  it('payments within the node count once, in every process', async () => {
    const scene = await createScene(100n)
    const [one, two] = [await scene.createProcess(), await scene.createProcess()]
    expect(await two.deliver(10n)).toBe('admitted')
    expect(await one.claim(50n)).toBe('admitted')
    await one.postUntagged(50n)
    expect(await one.deliver(10n)).toBe('admitted')
    expect(await two.deliver(10n)).toBe('admitted')
    expect(await (await scene.createProcess()).deliver(10n)).toBe('admitted')
    expect(await two.deliver(10n)).toBe('admitted')
    await scene.clock.advance(SHARE_INTERVAL_MS)
    expect(await one.deliver(1n)).not.toBe('admitted')
    expect(await scene.received()).toBe(100n)
  })

  /**
   * Whatever dies, is lost or comes late: without the largest packet, what is posted or being booked is less than the
   * payment asks for. And when it is quiet again, the rest is taken, exactly.
   */
  it('never takes a packet more than it may, and takes the rest when it is quiet', async () => {
    const at = fc.nat(2)
    const step = fc.oneof(
      {
        weight: 8,
        arbitrary: fc.record({
          kind: fc.constant('burst' as const),
          // What becomes of each packet when it is admitted, and in which process.
          packets: fc.array(
            fc.record({
              at,
              amount: fc.bigInt(1n, 40n),
              fate: fc.constantFrom('posted', 'posted', 'untagged', 'released', 'held')
            }),
            { minLength: 1, maxLength: 12 }
          )
        })
      },
      { weight: 2, arbitrary: fc.record({ kind: fc.constant('end' as const), isPosted: fc.boolean() }) },
      { weight: 1, arbitrary: fc.record({ kind: fc.constant('die' as const), at, isPosted: fc.boolean() }) },
      { weight: 1, arbitrary: fc.constant({ kind: 'lose' as const }) },
      {
        weight: 2,
        arbitrary: fc.record({
          kind: fc.constant('pass' as const),
          ms: fc.constantFrom(0, SHARE_INTERVAL_MS, 5_000, 36_000, SHARED_ADMISSION_TTL_MS)
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
      fc.asyncProperty(
        fc.bigInt(1n, 400n),
        fc.array(step, { maxLength: 25 }),
        fc.scheduler(),
        async (receiveMax, steps, scheduler) => {
          const scene = await createScene(receiveMax)
          type Process = Awaited<ReturnType<typeof scene.createProcess>>
          const processes: Process[] = []
          for (let index = 0; index < 3; index += 1) processes.push(await scene.createProcess())
          /** Admitted, and neither posted nor given back. */
          let held: { process: Process; amount: bigint }[] = []
          const taken: bigint[] = []
          const giveBack = (amount: bigint) => void taken.splice(taken.indexOf(amount), 1)
          const check = () => {
            const sum = taken.reduce((total, amount) => total + amount, 0n)
            const largest = taken.reduce((most, amount) => (amount > most ? amount : most), 0n)
            if (sum - largest >= receiveMax) throw new Error(`${sum} of ${receiveMax} taken`)
          }
          for (const one of steps) {
            switch (one.kind) {
              case 'burst': {
                const packets = one.packets.map(async ({ at, amount, fate }) => {
                  const process = processes[at]!
                  await scheduler.schedule(Promise.resolve())
                  if ((await process.claim(amount)) !== 'admitted') return
                  taken.push(amount)
                  check()
                  if (fate === 'held') held.push({ process, amount })
                  else if (fate === 'posted') await process.post(amount)
                  else if (fate === 'untagged') await process.postUntagged(amount)
                  else {
                    giveBack(amount)
                    process.payment.released(amount)
                  }
                })
                await scheduler.waitAll()
                await Promise.all(packets)
                break
              }
              case 'end':
                for (const { process, amount } of held.splice(0)) {
                  if (one.isPosted) await process.post(amount)
                  else {
                    giveBack(amount)
                    process.payment.released(amount)
                  }
                }
                break
              case 'die': {
                const dead = processes[one.at]!
                for (const { amount } of held.filter(({ process }) => process === dead)) {
                  if (one.isPosted) await dead.post(amount, { isDying: true })
                  else giveBack(amount)
                }
                held = held.filter(({ process }) => process !== dead)
                dead.kill()
                processes[one.at] = await scene.createProcess()
                break
              }
              case 'lose':
                scene.store = createMemoryCache({ clock: scene.clock })
                // A process that knows nothing cannot see that something is lost: all of these have asked before,
                // or ask when the others have written again.
                if (scene.fate !== 'answers') scene.fate = 'answers'
                await scene.clock.advance(CACHE_PAUSE_MS + LOSS_PAUSE_MS)
                break
              case 'pass':
                // What is held counts for so long after it was last said, and it is said while the cache answers.
                if (scene.fate !== 'answers' && one.ms > 5_000) scene.fate = 'answers'
                await scene.clock.advance(one.ms)
                break
              case 'fate':
                scene.fate = one.fate
            }
          }
          scene.fate = 'answers'
          for (const { process, amount } of held) await process.post(amount)
          await scene.clock.advance(CACHE_PAUSE_MS + SHARE_INTERVAL_MS)
          await scene.clock.advance(PACKET_TTL_MS + HOLD_REFRESH_MS)
          for (let received = await scene.received(), refused = 0; received < receiveMax;) {
            const isAdmitted = (await processes[refused % 3]!.deliver(1n)) === 'admitted'
            if (isAdmitted) received += 1n
            else await scene.clock.advance(LOSS_PAUSE_MS)
            refused = isAdmitted ? 0 : refused + 1
            expect(refused).toBeLessThan(20)
          }
          for (const process of processes) expect(await process.deliver(1n)).not.toBe('admitted')
          for (const process of processes) process.kill()
        }
      ),
      { numRuns: testCount('sharedAdmissions') }
    )
  })
})
