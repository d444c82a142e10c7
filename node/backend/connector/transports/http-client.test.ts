import type { Dispatcher } from 'undici'
import { expect, it } from 'vitest'
import { createManualClock } from '../../../runtime/index.ts'
import type { HttpClient, ManualClock } from '../../../runtime/index.ts'
import type { Peer } from '../../peers/model.ts'
import { createTransportByScheme } from '../transport.ts'
import { createHttpTransport } from './http-client.ts'

const peerAt = (endpoint: string, authToken = 'token') =>
  ({ http: { outgoing: { endpoint, authToken } } }) as Peer

const inASecond = (clock: ManualClock) => ({
  expiresAtMs: clock.nowMs() + 1_000,
  giveUpAtMs: clock.nowMs() + 3_000
})

/** A pool whose requests the test starts, answers and breaks. */
function createFakePool() {
  const requests: { options: Dispatcher.DispatchOptions; handler: Dispatcher.DispatchHandler }[] = []
  const aborts: (Error | undefined)[] = []
  const controller = { abort: (reason: Error) => void aborts.push(reason) } as Dispatcher.DispatchController
  const httpClient = {
    dispatcher: {
      dispatch: (options: Dispatcher.DispatchOptions, handler: Dispatcher.DispatchHandler) => {
        requests.push({ options, handler })
        return true
      }
    },
    close: async () => undefined
  } as unknown as HttpClient
  return { requests, aborts, controller, httpClient }
}

it('does not let a request out again that the pool put back into its queue', async () => {
  const { requests, aborts, controller, httpClient } = createFakePool()
  const clock = createManualClock()
  const transport = createHttpTransport({ httpClient, clock })
  const outcome = transport.send(peerAt('http://b/'), Buffer.from('x'), inASecond(clock))
  const { handler } = requests[0]!
  handler.onRequestStart!(controller, undefined)
  expect(aborts).toEqual([])
  handler.onRequestStart!(controller, undefined)
  expect(aborts).toHaveLength(1)
  handler.onResponseError!(controller, aborts[0]!)
  expect(await outcome).toMatchObject({ kind: 'lost', code: 'T01' })
})

it('does not let a request out that was given up while it waited', async () => {
  const { requests, aborts, controller, httpClient } = createFakePool()
  const clock = createManualClock()
  const transport = createHttpTransport({ httpClient, clock })
  const outcome = transport.send(peerAt('http://b/'), Buffer.from('x'), inASecond(clock))
  await clock.advance(3_000)
  expect(await outcome).toMatchObject({ kind: 'notSent', code: 'T01' })
  requests[0]!.handler.onRequestStart!(controller, undefined)
  expect(aborts).toHaveLength(1)
})

it('does not let a request out whose Prepare expired while it waited', async () => {
  const { requests, aborts, controller, httpClient } = createFakePool()
  const clock = createManualClock()
  const transport = createHttpTransport({ httpClient, clock })
  const outcome = transport.send(peerAt('http://b/'), Buffer.from('x'), inASecond(clock))
  await clock.advance(1_000)
  requests[0]!.handler.onRequestStart!(controller, undefined)
  expect(aborts).toHaveLength(1)
  expect(await outcome).toMatchObject({ kind: 'notSent', code: 'R00' })
})

it("follows a change of the peer's endpoint and token", () => {
  const { requests, httpClient } = createFakePool()
  const clock = createManualClock()
  const transport = createHttpTransport({ httpClient, clock })
  const peer = peerAt('http://b/ilp?x=1')
  void transport.send(peer, Buffer.from('x'), inASecond(clock))
  peer.http.outgoing = { endpoint: 'https://c:8443/', authToken: 'other' }
  void transport.send(peer, Buffer.from('x'), inASecond(clock))
  expect(requests.map(({ options }) => options)).toMatchObject([
    { origin: 'http://b', path: '/ilp?x=1', method: 'POST', headers: { authorization: 'Bearer token' } },
    { origin: 'https://c:8443', path: '/', method: 'POST', headers: { authorization: 'Bearer other' } }
  ])
})

it('chooses the transport by the scheme of the endpoint: F02 where there is none', async () => {
  const { requests, httpClient } = createFakePool()
  const clock = createManualClock()
  const transport = createTransportByScheme({ 'http:': createHttpTransport({ httpClient, clock }) })
  void transport.send(peerAt('http://b/'), Buffer.from('x'), inASecond(clock))
  expect(requests).toHaveLength(1)
  for (const endpoint of ['gopher://b/', 'nonsense', '']) {
    expect(await transport.send(peerAt(endpoint), Buffer.from('x'), inASecond(clock))).toMatchObject({
      kind: 'notSent',
      code: 'F02'
    })
  }
})
