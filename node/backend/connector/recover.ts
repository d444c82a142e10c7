import type { Transfer } from '../../ledger/index.ts'
import type { Timer } from '../../runtime/index.ts'
import { CLOCK_SKEW_MS } from '../incarnation.ts'
import { ConnectorStoppedError, createBooking } from './books.ts'
import type { Booking } from './books.ts'
import type { ConnectorContext, DeadIncarnations } from './context.ts'
import { packetTransferIds } from './transfer-ids.ts'

/** Reservations that are read at a time. */
const PAGE_SIZE = 1_000
/**
 * Dead processes are looked for this often, by every process: one query on a table of a few rows. Together with the
 * lease and the skew it is less than the shortest timeout of a reservation.
 */
export const LOOK_INTERVAL_MS = 30_000
/** Before it is tried again after an error. */
const RETRY_MS = 5_000

/** Voids what dead processes of this service left reserved, when this process starts and for as long as it lives. */
export interface Recovery {
  /** Voids what is due now; what is not due yet, and what dies later, is voided by a timer. */
  start(): Promise<void>
  stop(): void
}

/**
 * A reservation of a process that died:
 *
 *   RESERVED ──process counts as dead, and the packet's outgoing expiry has passed──▶ VOIDED
 *
 * Nobody can post it then: its answer went to the dead process, or came too late. Reservations of local
 * payments are tagged with their payment, not with a process, and stay: evidence decides them.
 */
export function createRecovery(context: ConnectorContext): Recovery {
  const { deadIncarnations, ledger, books, clock, logger } = context
  let timer: Timer | undefined
  let isStopped = false

  async function sweep(incarnations: DeadIncarnations): Promise<void> {
    const nowMs = clock.nowMs()
    let nextMs = nowMs + LOOK_INTERVAL_MS
    let voided = 0
    for (const id of await incarnations.dead()) {
      const result = await voidExpired(id, nowMs)
      voided += result.voided
      if (result.nextDueMs === undefined) await incarnations.forget(id)
      else nextMs = Math.min(nextMs, result.nextDueMs)
    }
    if (voided > 0)
      logger.info({ event: 'reservations_recovered', voided }, 'voided what dead processes left')
    schedule(nextMs - clock.nowMs())
  }

  async function voidExpired(id: bigint, nowMs: number): Promise<{ voided: number; nextDueMs?: number }> {
    let voided = 0
    let nextDueMs: number | undefined
    let after: bigint | undefined
    for (;;) {
      const page = await ledger.queryTransfers({
        userData128: id,
        pendingOnly: true,
        limit: PAGE_SIZE,
        ...(after !== undefined && { after })
      })
      const expired: Booking[] = []
      for (const { booking, expiresAtMs } of await bookingsOf(page)) {
        const dueMs = expiresAtMs + CLOCK_SKEW_MS
        if (dueMs <= nowMs) expired.push(booking)
        else nextDueMs = nextDueMs === undefined ? dueMs : Math.min(nextDueMs, dueMs)
      }
      if (isStopped) throw new ConnectorStoppedError('the connector stopped')
      // Together: the ledger's writer makes batches of them.
      const outcomes = await Promise.all(expired.map((booking) => books.voidUntilKnown(booking)))
      voided += outcomes.filter((outcome) => outcome === 'gone').length
      after = page.at(-1)?.timestamp
      if (page.length < PAGE_SIZE) return { voided, ...(nextDueMs !== undefined && { nextDueMs }) }
    }
  }

  /** The first legs that were found, with the second where there is one. */
  async function bookingsOf(
    firstLegs: readonly Transfer[]
  ): Promise<{ booking: Booking; expiresAtMs: number }[]> {
    const secondLegs = await ledger.lookupTransfers(
      firstLegs.map(({ id }) => packetTransferIds(id).reserve[1])
    )
    return firstLegs.map((first, index) => {
      const second = secondLegs[index]
      return {
        booking: createBooking(second ? [first, second] : [first], first.id, {
          userData128: first.userData128,
          userData64: first.userData64,
          userData32: first.userData32
        }),
        expiresAtMs: Number(first.userData64)
      }
    })
  }

  function schedule(delayMs: number): void {
    if (isStopped) return
    timer = clock.setTimer(Math.max(0, delayMs), () => void run())
  }

  async function run(): Promise<void> {
    if (deadIncarnations === undefined || isStopped) return
    try {
      await sweep(deadIncarnations)
    } catch (error) {
      if (error instanceof ConnectorStoppedError) return
      logger.error({ err: error }, 'what dead processes left reserved could not be voided; trying again')
      schedule(RETRY_MS)
    }
  }

  return {
    start: run,
    stop() {
      isStopped = true
      timer?.cancel()
    }
  }
}
