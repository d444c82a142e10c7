import { describe, expect, it } from 'vitest'
import { createManualClock } from '../../runtime/index.ts'
import type { TigerBeetleClient } from '../../runtime/index.ts'
import { createCalls, TigerBeetleUnavailableError, TooMuchDataError } from './calls.ts'

/** What the client's package throws: errors with a code. A real server says these only when it is overrun. */
function clientError(code: string): Error {
  return Object.assign(new Error(`says ${code}`), { code })
}

function setUp({ open }: { open?: () => Promise<TigerBeetleClient> } = {}) {
  const clock = createManualClock()
  const clients: { destroyed: number }[] = []
  const calls = createCalls({
    open:
      open ??
      (async () => {
        const client = { destroyed: 0, destroy: () => void client.destroyed++ }
        clients.push(client)
        return client as unknown as TigerBeetleClient
      }),
    clock,
    requestTimeoutMs: 1_000,
    maxUnansweredCalls: 2
  })
  return { clock, calls, clients }
}

const codeOf = (promise: Promise<unknown>) =>
  promise.then(
    () => 'answered',
    (error: unknown) => (error instanceof TigerBeetleUnavailableError ? error.code : error)
  )

describe('calls of TigerBeetle’s client', () => {
  it('are given up after their time, and only so many wait for an answer', async () => {
    const { clock, calls } = setUp()
    const answers: (() => void)[] = []
    const ask = () => calls.call(() => new Promise<void>((resolve) => answers.push(resolve)))
    const first = codeOf(ask())
    const second = codeOf(ask())
    await clock.advance(999)
    await clock.advance(1)
    expect(await Promise.all([first, second])).toEqual(['TIGERBEETLE_TIMEOUT', 'TIGERBEETLE_TIMEOUT'])
    expect(await codeOf(ask())).toBe('TIGERBEETLE_UNREACHABLE')
    expect(answers).toHaveLength(2)
    answers[0]!()
    await clock.advance(0)
    const third = codeOf(ask())
    await clock.advance(0)
    answers[2]!()
    expect(await third).toBe('answered')
  })

  it.each([
    ['ERR_CLIENT_EVICTED', 'TIGERBEETLE_EVICTED'],
    ['ERR_CLIENT_RELEASE_TOO_LOW', 'TIGERBEETLE_RELEASE'],
    ['ERR_CLIENT_RELEASE_TOO_HIGH', 'TIGERBEETLE_RELEASE']
  ])('%s: the session is dropped, the next call opens another', async (thrown, code) => {
    const { calls, clients } = setUp()
    const evicted = () => Promise.reject(clientError(thrown))
    expect(await Promise.all([codeOf(calls.call(evicted)), codeOf(calls.call(evicted))])).toEqual([
      code,
      code
    ])
    expect(await calls.call(async () => 'well')).toBe('well')
    expect(clients.map(({ destroyed }) => destroyed)).toEqual([1, 0])
    await calls.close()
    await calls.close()
    expect(clients.map(({ destroyed }) => destroyed)).toEqual([1, 1])
  })

  it('tell apart what was not sent, what is closed, and what is a defect', async () => {
    const { calls, clients } = setUp()
    await expect(calls.call(() => Promise.reject(clientError('ERR_TOO_MUCH_DATA')))).rejects.toThrow(
      TooMuchDataError
    )
    expect(await codeOf(calls.call(() => Promise.reject(clientError('ERR_CLIENT_CLOSED'))))).toBe(
      'TIGERBEETLE_CLOSED'
    )
    const defect = new TypeError('a defect')
    expect(await codeOf(calls.call(() => Promise.reject(defect)))).toBe(defect)
    expect(clients).toHaveLength(1)
  })

  it('try again to make a client that could not be made', async () => {
    let tries = 0
    const { calls } = setUp({
      async open() {
        tries += 1
        if (tries === 1) throw new Error('no such host')
        return { destroy: () => undefined } as unknown as TigerBeetleClient
      }
    })
    expect(await codeOf(calls.call(async () => 1))).toBe('TIGERBEETLE_ADDRESS')
    expect(await calls.call(async () => 2)).toBe(2)
    await calls.close()
    await expect(calls.call(async () => 3)).rejects.toThrow('the ledger is closed')
  })

  it('a ledger that was never asked anything closes', async () => {
    const { calls, clients } = setUp()
    await calls.close()
    expect(clients).toEqual([])
  })
})
