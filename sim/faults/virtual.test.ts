import { beforeEach, describe, expect, test } from 'vitest'
import type { Socket } from '../../node/runtime/index.ts'
import { createVirtualWorld, WORLD_START_MS } from '../worlds/virtual/index.ts'
import type { VirtualRuntime, VirtualWorld } from '../worlds/virtual/index.ts'
import { armVirtualFault, countVirtualTraffic } from './virtual.ts'
import type { FaultGround } from './virtual.ts'
import type { Fault } from './model.ts'

const CONNECTOR_PORT = 80

let world: VirtualWorld
let acacia: VirtualRuntime
let baobab: VirtualRuntime
let events: string[]

/** Baobab's door answers each message with its upper case; acacia talks to it. */
beforeEach(async () => {
  world = await createVirtualWorld({ seed: 'faults', database: false, latencyMs: 5 })
  acacia = world.runtime('acacia-backend', 'acacia')
  events = []
  await open()
})

async function open(): Promise<void> {
  baobab = world.runtime('baobab-backend', 'baobab')
  await baobab.network.listen({ host: 'baobab', port: CONNECTOR_PORT }, (socket) => {
    socket.on('error', (error: NodeJS.ErrnoException) => note(`baobab sees ${error.code}`))
    socket.on('data', (bytes: Buffer) => {
      note(`baobab hears ${bytes.toString()}`)
      socket.write(bytes.toString().toUpperCase())
    })
  })
}

function note(text: string): void {
  events.push(`${world.nowMs() - WORLD_START_MS} ${text}`)
}

function connect(): Socket {
  const socket = acacia.network.connect({ host: 'baobab', port: CONNECTOR_PORT })
  socket.on('connect', () => note('acacia is connected'))
  socket.on('data', (bytes: Buffer) => note(`acacia hears ${bytes.toString()}`))
  socket.on('error', (error: NodeJS.ErrnoException) => note(`acacia sees ${error.code}`))
  return socket
}

const ground = (): FaultGround => ({
  world,
  hostOf: (node, part) => (part === 'backend' ? node : `${part}.${node}`),
  portOf: () => CONNECTOR_PORT,
  runtimeOf: (node) => (node === 'acacia' ? acacia : baobab),
  kill: () => baobab.kill(),
  restart: () => open()
})

function arm(fault: Fault) {
  return armVirtualFault(ground(), fault, () => note(`strikes: ${fault.fault}`))
}

const answerLost: Fault = {
  fault: 'connection',
  node: 'baobab',
  door: 'connector',
  at: 'answer',
  nth: 2,
  then: 'reset'
}

describe('faults of the virtual world', () => {
  test('partition: what is sent waits, new connections too, and arrives in order when it heals', async () => {
    const early = connect()
    await world.advance(10)
    const partition = arm({ fault: 'partition', between: ['acacia', 'baobab'], afterMs: 5, forMs: 100 })
    early.write('in time')
    await world.advance(20)
    early.write('one')
    connect().write('late')
    await world.advance(80)
    expect(partition.struck()).toBe(true)
    await world.run(partition.over)
    await world.advance(50)
    expect(events).toEqual([
      '10 acacia is connected',
      '15 strikes: partition',
      '15 baobab hears in time',
      '120 acacia hears IN TIME',
      '120 baobab hears one',
      '125 acacia hears ONE',
      '125 acacia is connected',
      '130 baobab hears late',
      '135 acacia hears LATE'
    ])
  })

  test('reset of an answer: the request was processed, the answer reaches nobody, both ends see the reset', async () => {
    const socket = connect()
    await world.advance(10)
    const fault = arm(answerLost)
    socket.write('one')
    await world.advance(10)
    socket.write('two')
    await world.advance(20)
    expect(events).toEqual([
      '10 acacia is connected',
      '15 baobab hears one',
      '20 acacia hears ONE',
      '25 baobab hears two',
      '25 strikes: connection',
      '25 baobab sees ECONNRESET',
      '30 acacia sees ECONNRESET'
    ])
    await world.run(fault.over)
  })

  test('reset of a request: it reaches nobody', async () => {
    const socket = connect()
    await world.advance(10)
    arm({ ...answerLost, at: 'request', nth: 1 })
    socket.write('one')
    await world.advance(20)
    expect(events).toEqual([
      '10 acacia is connected',
      '10 strikes: connection',
      '10 acacia sees ECONNRESET',
      '15 baobab sees ECONNRESET'
    ])
  })

  test('stall of an answer: it and what follows arrive late, in order', async () => {
    const socket = connect()
    await world.advance(10)
    arm({ ...answerLost, nth: 1, then: { stallMs: 1_000 } })
    socket.write('one')
    await world.advance(10)
    socket.write('two')
    await world.advance(2_000)
    expect(events.slice(2)).toEqual([
      '15 strikes: connection',
      '25 baobab hears two',
      '1020 acacia hears ONE',
      '1020 acacia hears TWO'
    ])
  })

  test.each([
    { side: 'before' as const, heard: [] },
    { side: 'after' as const, heard: ['25 acacia hears TWO'] }
  ])(
    'crash $side the second thing sent: connections are reset, then refused, until it is started again',
    async ({ side, heard }) => {
      const socket = connect()
      await world.advance(10)
      const crash = arm({
        fault: 'crash',
        node: 'baobab',
        service: 'backend',
        at: { call: 2, side },
        downMs: 500
      })
      socket.write('one')
      await world.advance(5)
      socket.write('two')
      await world.advance(400)
      expect(crash.struck()).toBe(true)
      const refused = connect()
      await world.run(crash.over)
      expect(events.filter((event) => / hears TWO/.test(event))).toEqual(heard)
      expect(events).toContain('25 acacia sees ECONNRESET')
      expect(events).toContain('425 acacia sees ECONNREFUSED')
      expect(refused.destroyed).toBe(true)
      connect()
      await world.advance(11)
      expect(events.at(-1)).toBe('530 acacia is connected')
      expect(baobab.owner.incarnation).toBe(2)
    }
  )

  test('clock: the service reads another time, its timers run on', async () => {
    arm({ fault: 'clock', node: 'baobab', service: 'backend', afterMs: 10, stepMs: 60_000 })
    baobab.clock.setTimer(20, () => note('timer'))
    await world.advance(30)
    expect(baobab.clock.nowMs() - acacia.clock.nowMs()).toBe(60_000)
    expect(events).toEqual(['10 strikes: clock', '20 timer'])
  })

  test('pause: the service hears afterwards of what it was sent and of its timers, in order, and may still cancel them', async () => {
    const socket = connect()
    await world.advance(10)
    const cancelled = baobab.clock.setTimer(60, () => note('never'))
    for (const dueMs of [300, 55, 40])
      baobab.clock.setTimer(dueMs, () => {
        note(`timer of ${dueMs}`)
        if (dueMs === 55) cancelled.cancel()
      })
    const pause = arm({ fault: 'pause', node: 'baobab', service: 'backend', afterMs: 20, forMs: 200 })
    await world.advance(31)
    socket.write('one')
    await world.advance(11)
    socket.write('two')
    connect()
    acacia.clock.setTimer(10, () => note('acacia goes on'))
    await world.run(pause.over)
    await world.advance(300)
    expect(events).toEqual([
      '10 acacia is connected',
      '30 strikes: pause',
      '62 acacia goes on',
      '62 acacia is connected',
      '230 baobab hears one',
      '230 timer of 40',
      '230 baobab hears two',
      '230 timer of 55',
      '235 acacia hears ONE',
      '235 acacia hears TWO',
      '310 timer of 300'
    ])
  })

  test('traffic that is counted is what faults count: a fault drawn from it strikes', async () => {
    const door = { node: 'baobab', door: 'connector' } as const
    const counts = {
      requests: countVirtualTraffic(ground(), { ...door, at: 'request' }),
      answers: countVirtualTraffic(ground(), { ...door, at: 'answer' }),
      calls: countVirtualTraffic(ground(), { node: 'baobab', service: 'backend' }),
      others: countVirtualTraffic(ground(), { ...door, node: 'acacia', at: 'answer' })
    }
    const talk = async () => {
      const socket = connect()
      await world.advance(10)
      for (const text of ['one', 'two', 'three']) {
        socket.write(text)
        await world.advance(10)
      }
    }
    await talk()
    const counted = Object.fromEntries(Object.entries(counts).map(([what, count]) => [what, count()]))
    expect(counted).toEqual({ requests: 3, answers: 3, calls: 3, others: 0 })
    const last = arm({ ...answerLost, nth: counts.answers() })
    await talk()
    expect(last.struck()).toBe(true)
  })

  test('a fault that was taken back never strikes', async () => {
    const fault = arm({ fault: 'partition', between: ['acacia', 'baobab'], afterMs: 5, forMs: 100 })
    const other = arm(answerLost)
    fault.disarm()
    other.disarm()
    const socket = connect()
    await world.advance(10)
    socket.write('one')
    socket.write('two')
    await world.advance(1_000)
    expect([fault.struck(), other.struck()]).toEqual([false, false])
    expect(events.at(-1)).toBe('20 acacia hears TWO')
  })

  test('a crash of what is down already strikes nothing: it is started once', async () => {
    const down: Fault = {
      fault: 'crash',
      node: 'baobab',
      service: 'backend',
      at: { afterMs: 10 },
      downMs: 1_000
    }
    const first = arm(down)
    const second = arm({ ...down, at: { afterMs: 500 } })
    await world.advance(1_000)
    await world.run(first.over)
    await world.advance(5_000)
    expect([first.struck(), second.struck()]).toEqual([true, false])
    expect(baobab.owner.incarnation).toBe(2)
  })

  test('a crash of what another fault is starting again: that one is over, and only the later one starts it', async () => {
    let starts = 0
    const slow = {
      ...ground(),
      async restart() {
        starts += 1
        await open()
        const { clock } = baobab
        await new Promise<void>((resume) => clock.setTimer(200, resume))
      }
    }
    const crash = (afterMs: number) =>
      armVirtualFault(
        slow,
        { fault: 'crash', node: 'baobab', service: 'backend', at: { afterMs }, downMs: 50 },
        () => note('strikes')
      )
    const [first, second] = [crash(10), crash(100)]
    await world.run(first.over)
    expect(world.nowMs() - WORLD_START_MS).toBe(100)
    await world.run(second.over)
    expect(events).toEqual(['10 strikes', '100 strikes'])
    expect(world.nowMs() - WORLD_START_MS).toBe(100 + 50 + 200)
    await world.advance(5_000)
    expect(starts).toBe(2)
    expect(baobab.owner).toMatchObject({ incarnation: 3, killed: false })
  })

  test('what cannot start yet is started again, as by a supervisor', async () => {
    let starts = 0
    const crash = armVirtualFault(
      {
        ...ground(),
        async restart() {
          starts += 1
          if (starts < 3) throw new Error('its database is away')
          await open()
        }
      },
      { fault: 'crash', node: 'baobab', service: 'backend', at: { afterMs: 10 }, downMs: 1_000 },
      () => undefined
    )
    await world.advance(20)
    await world.run(crash.over)
    expect(starts).toBe(3)
    expect(world.nowMs() - WORLD_START_MS).toBe(10 + 1_000 + 2 * 1_000)
    expect(baobab.owner.killed).toBe(false)
  })
})
