import { afterEach, describe, expect, inject, test } from 'vitest'
import { createRedisCache, MAX_COUNTER } from './cache.ts'
import { createLogger } from './logger.ts'
import { createSystemNetwork } from './network.ts'
import type { Socket } from './network.ts'
import { CacheUnavailableError } from './overload.ts'

// The client is ioredis on the network's door; the server below speaks Redis's protocol (RESP 2) as far as the cache
// asks for it, with the answers that Redis documents.

const MINIMUM = -(2n ** 63n)
const undo: (() => Promise<unknown> | void)[] = []
afterEach(async () => {
  for (const step of undo.splice(0).reverse()) await step()
})

async function start(options: { answerTimeoutMs?: number } = {}) {
  let isSilent = false
  const serverNetwork = createSystemNetwork()
  const values = new Map<string, string>()
  const lives = new Map<string, number>()
  const commands: string[][] = []
  let sockets = 0

  function answer(command: string[]): string {
    const [name, key = '', ...rest] = command
    switch (name!.toLowerCase()) {
      case 'ping':
        return '+PONG\r\n'
      case 'info':
        return bulk('redis_version:7.2.0\r\nloading:0\r\n')
      case 'get':
        return bulk(values.get(key))
      case 'set': {
        const [value, , ttl, absent] = rest
        if (absent !== undefined && values.has(key)) return bulk(undefined)
        values.set(key, value!)
        lives.set(key, Number(ttl))
        return '+OK\r\n'
      }
      case 'del':
        return `:${values.delete(key) ? 1 : 0}\r\n`
      case 'eval': {
        const [, lock, value] = rest
        return `:${values.get(lock!) === value && values.delete(lock!) ? 1 : 0}\r\n`
      }
      case 'incrby': {
        const sum = BigInt(values.get(key) ?? '0') + BigInt(rest[0]!)
        if (sum > MAX_COUNTER || sum < MINIMUM) return '-ERR increment or decrement would overflow\r\n'
        values.set(key, sum.toString())
        return `:${sum}\r\n`
      }
      case 'pexpire':
        lives.set(key, Number(rest[0]))
        return ':1\r\n'
      default:
        return '+OK\r\n'
    }
  }

  const listener = await serverNetwork.listen({ host: '127.0.0.1', port: 0 }, (socket: Socket) => {
    sockets += 1
    let text = ''
    let queued: string[] | undefined
    socket.on('error', () => socket.destroy())
    socket.on('data', (bytes: Buffer) => {
      if (isSilent) return
      text += bytes.toString()
      for (let parsed = parseCommand(text); parsed; parsed = parseCommand(text)) {
        text = parsed.rest
        commands.push(parsed.command)
        const name = parsed.command[0]!.toLowerCase()
        if (name === 'multi') {
          queued = []
          socket.write('+OK\r\n')
        } else if (name === 'exec') {
          socket.write(`*${queued!.length}\r\n${queued!.join('')}`)
          queued = undefined
        } else if (queued) {
          queued.push(answer(parsed.command))
          socket.write('+QUEUED\r\n')
        } else socket.write(answer(parsed.command))
      }
    })
  })
  const lines: string[] = []
  const logger = createLogger({ name: 'test', level: 'debug', write: (line) => lines.push(line) })
  const network = createSystemNetwork()
  const cache = createRedisCache(
    { network, logger },
    `redis://127.0.0.1:${listener.address.port}`,
    undefined,
    options
  )
  undo.push(
    () => serverNetwork.kill(),
    () => network.kill(),
    () => cache.close()
  )
  return {
    cache,
    commands,
    values,
    lives,
    lines,
    serverNetwork,
    listener,
    sockets: () => sockets,
    silence: (silent: boolean) => void (isSilent = silent)
  }
}

function bulk(value: string | undefined): string {
  return value === undefined ? '$-1\r\n' : `$${Buffer.byteLength(value)}\r\n${value}\r\n`
}

function parseCommand(text: string): { command: string[]; rest: string } | undefined {
  const head = /^\*(\d+)\r\n/.exec(text)
  if (!head) return undefined
  let rest = text.slice(head[0].length)
  const command: string[] = []
  for (let index = 0; index < Number(head[1]); index += 1) {
    const size = /^\$(\d+)\r\n/.exec(rest)
    if (!size || rest.length < size[0].length + Number(size[1]) + 2) return undefined
    command.push(rest.slice(size[0].length, size[0].length + Number(size[1])))
    rest = rest.slice(size[0].length + Number(size[1]) + 2)
  }
  return { command, rest }
}

describe('the cache in Redis', () => {
  test('reads, writes and deletes over the network’s door, with the lives asked for', async () => {
    const { cache, lives, sockets } = await start()
    await cache.ping()
    await cache.set('a', '1', 1500)
    expect(lives.get('a')).toBe(1500)
    expect(await cache.get('a')).toBe('1')
    expect(await cache.get('b')).toBeUndefined()
    await cache.delete('a')
    expect(await cache.get('a')).toBeUndefined()
    expect(await cache.setIfAbsent('lock', 'mine', 1000)).toBe(true)
    expect(await cache.setIfAbsent('lock', 'yours', 1000)).toBe(false)
    expect(await cache.deleteIfEqual('lock', 'yours')).toBe(false)
    expect(await cache.deleteIfEqual('lock', 'mine')).toBe(true)
    expect(sockets()).toBe(1)
  })

  test('counts exactly beyond the whole numbers of JavaScript, and refuses to pass 63 bits', async () => {
    const { cache, values, lives } = await start()
    expect(await cache.increment('sum', 2n ** 62n + 1n, 700)).toBe(2n ** 62n + 1n)
    expect(await cache.increment('sum', 2n, 800)).toBe(2n ** 62n + 3n)
    expect(lives.get('sum')).toBe(800)
    await expect(cache.increment('sum', 2n ** 62n, 800)).rejects.toThrow(RangeError)
    await expect(cache.increment('sum', 2n ** 64n, 800)).rejects.toThrow(RangeError)
    expect(values.get('sum')).toBe((2n ** 62n + 3n).toString())
  })

  test('a lost connection is logged with its cause, commands meanwhile fail', async () => {
    const { cache, lines, serverNetwork } = await start()
    await cache.ping()
    serverNetwork.kill()
    await expect(cache.get('a')).rejects.toThrow(CacheUnavailableError)
    expect(lines.join('\n')).toMatch(/"msg":"the cache does not answer"/)
    expect(lines.join('\n')).toMatch(/ECONNREFUSED|ECONNRESET/)
  })

  test('nobody waits for a Redis that hangs longer than is allowed, whatever was asked; afterwards it serves again', async () => {
    const { cache, silence, sockets } = await start({ answerTimeoutMs: 200 })
    const isThere = () =>
      cache.ping().then(
        () => true,
        () => false
      )
    await expect.poll(isThere, { timeout: 10_000 }).toBe(true)
    silence(true)
    const asked = [
      cache.ping(),
      cache.get('a'),
      cache.set('a', '1', 1_000),
      cache.setIfAbsent('a', '1', 1_000),
      cache.delete('a'),
      cache.deleteIfEqual('a', '1'),
      cache.increment('sum', 1n, 1_000),
      cache.shareField('record', 'field', '1', 1_000)
    ]
    for (const { status, ...rest } of await Promise.allSettled(asked)) {
      expect(status).toBe('rejected')
      expect((rest as { reason: unknown }).reason).toBeInstanceOf(CacheUnavailableError)
    }
    silence(false)
    // The connection that was silent ends, and another serves.
    await expect.poll(isThere, { timeout: 10_000 }).toBe(true)
    expect(sockets()).toBeGreaterThan(1)
  })
})

const found = inject('redis')

// Scripts run in Redis itself.
describe.skipIf('missing' in found && process.env.CI !== 'true')('the cache in a real Redis', () => {
  function open() {
    if ('missing' in found) throw new Error(`${found.missing}, and CI=true allows no skip`)
    const network = createSystemNetwork()
    const cache = createRedisCache(
      { network, logger: createLogger({ name: 'test', level: 'silent' }) },
      found.url
    )
    undo.push(
      () => network.kill(),
      () => cache.close()
    )
    return cache
  }

  test('shares fields of a record: each call tells what was there before it', async () => {
    const [cache, other] = [open(), open()]
    const key = `totals-${process.hrtime.bigint()}`
    expect(await cache.shareField(key, 'a', '1', 60_000)).toEqual(new Map())
    expect(await other.shareField(key, 'b', '2', 60_000)).toEqual(new Map([['a', '1']]))
    const both = [
      ['a', '1'],
      ['b', '2']
    ] as const
    expect(await cache.shareField(key, 'a', '3', 60_000)).toEqual(new Map(both))
    // A record whose life is over is no more.
    await cache.shareField(key, 'a', '4', 0)
    expect(await cache.shareField(key, 'a', '5', 60_000)).toEqual(new Map())
    await cache.set(`${key}-text`, 'x', 1000)
    await expect(cache.shareField(`${key}-text`, 'a', '1', 700)).rejects.toThrow(/WRONGTYPE/)
  })

  test('counts, locks and forgets as the contract says', async () => {
    const cache = open()
    const key = `lock-${process.hrtime.bigint()}`
    expect(await cache.setIfAbsent(key, 'mine', 60_000)).toBe(true)
    expect(await cache.setIfAbsent(key, 'yours', 60_000)).toBe(false)
    expect(await cache.deleteIfEqual(key, 'yours')).toBe(false)
    expect(await cache.deleteIfEqual(key, 'mine')).toBe(true)
    expect(await cache.increment(`${key}-sum`, 2n ** 62n, 60_000)).toBe(2n ** 62n)
    await expect(cache.increment(`${key}-sum`, 2n ** 62n, 60_000)).rejects.toThrow(RangeError)
  })
})
