import { fork } from 'node:child_process'
import { once } from 'node:events'
import path from 'node:path'
import type { PacketSender } from './connector-model.ts'
import { classifyReply } from './connector-packets.ts'
import type { PacketFactory } from './connector-packets.ts'
import { closedLoop } from './drivers.ts'
import type { Phase } from './drivers.ts'
import type { BenchmarkContext } from './model.ts'

/** An answer that is no Fulfill. */
export class NotFulfilledError extends Error {
  override name = 'NotFulfilledError'
}

/** How packets were answered: `fulfilled`, codes of Rejects, or what else happened. */
export type Tally = Record<string, number>

/** Sends one packet and counts its answer. @throws NotFulfilledError */
export async function sendOne(
  sender: PacketSender,
  packets: PacketFactory,
  tally: Tally,
  nowMs: number
): Promise<void> {
  const { bytes, fulfillment } = packets.next(nowMs)
  const outcome = await sender.send(bytes).then(
    (reply) => classifyReply(reply, fulfillment),
    (error: Error) => error.message
  )
  tally[outcome] = (tally[outcome] ?? 0) + 1
  if (outcome !== 'fulfilled') throw new NotFulfilledError(outcome)
}

/** As many packets at once as there are callers, each sending the next when the last was answered. */
export function packetPhase(
  { runtime: { clock }, signal }: BenchmarkContext,
  {
    sender,
    packets,
    tally,
    callers
  }: {
    sender: PacketSender
    packets: PacketFactory
    tally: Tally
    callers: number
  }
): Phase {
  return (durationMs) =>
    closedLoop({
      clock,
      durationMs,
      signal,
      callers,
      call: () => sendOne(sender, packets, tally, clock.nowMs())
    })
}

/** Starts a bare relay in a process of its own, as the node is; gives where it listens. */
export async function startRelay(
  { defer }: BenchmarkContext,
  entry: string,
  args: readonly string[]
): Promise<string> {
  const relay = fork(path.join(import.meta.dirname, entry), args)
  defer(() => void (relay.connected && relay.disconnect()))
  const [told] = (await Promise.race([
    once(relay, 'message'),
    once(relay, 'exit').then(() => {
      throw new Error(`the bare relay (${entry}) ended before it listened`)
    })
  ])) as [{ port: number }]
  return `http://127.0.0.1:${told.port}`
}
