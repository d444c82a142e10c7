import type { ServiceName } from '../networks/raise.ts'
import type { VirtualRuntime } from '../worlds/virtual/runtime.ts'
import type { VirtualSocket } from '../worlds/virtual/socket.ts'
import type { VirtualWorld } from '../worlds/virtual/world.ts'
import type { ArmedFault, Door, Fault, Part, Place, Traffic } from './model.ts'

/** What faults need of a network in the virtual world. */
export interface FaultGround {
  world: VirtualWorld
  hostOf(node: string, part: Part): string
  portOf(door: Door): number
  runtimeOf(node: string, service: ServiceName): VirtualRuntime
  kill(node: string, service: ServiceName): void
  restart(node: string, service: ServiceName): Promise<void>
}

/** A supervisor's patience with a service that does not start. */
const START_ATTEMPTS = 100
const START_PAUSE_MS = 1_000
const NODE_PARTS: readonly Part[] = ['backend', 'auth', 'wallet']
const PART_OF_DOOR: Record<Door, Part> = {
  connector: 'backend',
  openPayments: 'backend',
  admin: 'backend',
  auth: 'auth',
  introspection: 'auth',
  wallet: 'wallet',
  database: 'database'
}

/** Counts what a fault would count, from now on: how much of it there was until it is asked. */
export function countVirtualTraffic(ground: FaultGround, traffic: Traffic): () => number {
  let count = 0
  const counted = matcherOf(ground, traffic)
  ground.world.network.watch((socket) => {
    if (counted(socket)) count += 1
    return 'pass'
  })
  return () => count
}

/** Arms a fault: it strikes when its time or its message comes. */
export function armVirtualFault(ground: FaultGround, fault: Fault, onStrike: () => void): ArmedFault {
  const { scheduler, network } = ground.world
  let struck = false
  let disarm: () => void = () => undefined
  let settle!: { done: () => void; failed: (error: unknown) => void }
  const over = new Promise<void>((done, failed) => (settle = { done, failed }))
  // Whoever waits for its end hears of a failure; nobody else has to.
  over.catch(() => undefined)

  function strike(): void {
    struck = true
    disarm()
    onStrike()
  }
  function after(delayMs: number, then: () => void): () => void {
    const event = scheduler.after(delayMs, then, { owner: null })
    return () => scheduler.cancel(event)
  }

  switch (fault.fault) {
    case 'partition': {
      const pairs = pairsOf(fault.between)
      disarm = after(fault.afterMs, () => {
        strike()
        for (const [one, other] of pairs) network.conditions.cut(one, other)
        after(fault.forMs, () => {
          for (const [one, other] of pairs) network.conditions.heal(one, other)
          settle.done()
        })
      })
      break
    }
    case 'connection': {
      let seen = 0
      const counted = matcherOf(ground, fault)
      disarm = network.watch((socket) => {
        if (!counted(socket)) return 'pass'
        seen += 1
        if (seen < fault.nth) return 'pass'
        strike()
        if (fault.then === 'reset') {
          settle.done()
          return 'reset'
        }
        socket.stall(fault.then.stallMs)
        after(fault.then.stallMs, settle.done)
        return 'pass'
      })
      break
    }
    case 'crash': {
      const { node, service, at } = fault
      const crash = () => {
        // Down already, by another fault: there is nothing to kill, and the other starts it again.
        if (ground.runtimeOf(node, service).owner.killed) {
          disarm()
          return
        }
        strike()
        ground.kill(node, service)
        after(fault.downMs, () => void startAgain().then(settle.done, settle.failed))
      }
      /**
       * As a supervisor does: what cannot start yet, for its database is away, is started again later. What another fault
       * kills while it starts never says that it did, and is that fault's to start.
       */
      const startAgain = async () => {
        for (let attempt = 1; ; attempt++) {
          const dead = ground.runtimeOf(node, service)
          const starting = ground.restart(node, service)
          const started = ground.runtimeOf(node, service)
          const isKilled = () => started !== dead && started.owner.killed
          try {
            return await (started === dead ? starting : Promise.race([starting, started.whenKilled]))
          } catch (error) {
            if (isKilled()) return
            if (attempt === START_ATTEMPTS) throw error
            ground.kill(node, service)
            await new Promise<void>((resume) => after(START_PAUSE_MS, resume))
          }
        }
      }
      if ('afterMs' in at) disarm = after(at.afterMs, crash)
      else {
        let calls = 0
        const counted = matcherOf(ground, { node, service })
        disarm = network.watch((socket) => {
          if (!counted(socket)) return 'pass'
          calls += 1
          if (calls < at.call) return 'pass'
          if (at.side === 'after') {
            disarm()
            after(0, crash)
            return 'pass'
          }
          crash()
          return 'reset'
        })
      }
      break
    }
    case 'pause':
      disarm = after(fault.afterMs, () => {
        strike()
        ground.runtimeOf(fault.node, fault.service).owner.pausedUntilMs = scheduler.nowMs() + fault.forMs
        after(fault.forMs, settle.done)
      })
      break
    case 'clock':
      disarm = after(fault.afterMs, () => {
        strike()
        ground.runtimeOf(fault.node, fault.service).owner.skewMs += fault.stepMs
        settle.done()
      })
      break
  }

  return { fault, struck: () => struck, over, disarm: () => disarm() }

  function pairsOf([one, other]: [Place, Place]): [string, string][] {
    return hostsOf(one).flatMap((left) => hostsOf(other).map((right): [string, string] => [left, right]))
  }

  function hostsOf(place: Place): string[] {
    if (typeof place !== 'string') return [ground.hostOf(place.node, place.part)]
    return NODE_PARTS.map((part) => ground.hostOf(place, part))
  }
}

/** Whether a message is one of the traffic: of a service, of the incarnation that runs now. */
function matcherOf(ground: FaultGround, traffic: Traffic): (socket: VirtualSocket) => boolean {
  if ('service' in traffic) {
    const { owner } = ground.runtimeOf(traffic.node, traffic.service)
    return (socket) => socket.owner === owner
  }
  const { node, door, at } = traffic
  const port = ground.portOf(door)
  const host = ground.hostOf(node, PART_OF_DOOR[door])
  // The database serves every node: it is this node's backend that asks.
  const asks = door === 'database' ? ground.hostOf(node, 'backend') : undefined
  return (socket) => {
    if (socket.side !== (at === 'request' ? 'client' : 'server')) return false
    const [own, other] = socket.hosts
    const [client, server] = at === 'request' ? [own, other] : [other, own]
    if (port !== (at === 'request' ? socket.remotePort : socket.localPort) || server !== host) return false
    return asks === undefined || client === asks
  }
}
