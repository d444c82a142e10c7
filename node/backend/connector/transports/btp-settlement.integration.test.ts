import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest'
import { signAdminRequest } from '../../../admin-api/index.ts'
import { risingTimestamps } from '../../../admin-api/rising-timestamps.test-support.ts'
import { createSystemRuntime } from '../../../runtime/index.ts'
import { createTestDatabase } from '../../../runtime/testing.ts'
import type { TestDatabase } from '../../../runtime/testing.ts'
import { createBackend } from '../../backend.ts'
import type { Backend } from '../../backend.ts'
import { loadBackendConfig } from '../../config.ts'
import { OPERATOR_ID, TEST_ENVIRONMENT } from '../../testing.ts'
import { entry, openRawPeer } from './btp.test-support.ts'
import type { Heard, RawPeer } from './btp.test-support.ts'

const FREE_PORTS = { ADMIN_PORT: '0', OPEN_PAYMENTS_PORT: '0', CONNECTOR_PORT: '0' }
const PEER = `peer { id liquidity maxSettledOverBtp settledOverBtp }`

describe('a BTP Transfer (RFC 23) to a backend', () => {
  let test: TestDatabase
  let backend: Backend
  let peerId: string
  const runtime = createSystemRuntime({ name: 'test', logLevel: 'silent' })
  const raws: RawPeer[] = []

  beforeAll(async () => {
    test = await createTestDatabase(inject('postgresUrl'))
    const environment = { ...TEST_ENVIRONMENT, ...FREE_PORTS, DATABASE_URL: test.url }
    backend = createBackend(loadBackendConfig(environment), runtime)
    await backend.start()
    const { asset } = await mutate(
      'createAsset',
      'mutation ($input: CreateAssetInput!) { createAsset(input: $input) { asset { id } } }',
      { code: 'USD', scale: 2 }
    )
    const { peer } = await mutate(
      'createPeer',
      `mutation ($input: CreatePeerInput!) { createPeer(input: $input) { ${PEER} } }`,
      {
        assetId: asset!.id,
        staticIlpAddress: 'test.raw',
        http: {
          incoming: { authTokens: ['from-raw'] },
          outgoing: { endpoint: 'btp+ws://raw.invalid/', authToken: 'out' }
        }
      }
    )
    expect(peer).toMatchObject({ maxSettledOverBtp: null, settledOverBtp: '0' })
    peerId = peer!.id!
  })
  afterAll(async () => {
    for (const { socket } of raws) socket.terminate()
    await backend?.stop()
    await test.drop()
    runtime.kill()
  })

  const nextMs = risingTimestamps(Date.now)
  async function mutate(name: string, query: string, input: object) {
    const body = { query, variables: { input } }
    const signature = signAdminRequest({ body, secret: 'secret', version: 1, timestampMs: nextMs() })
    const response = await fetch(`http://127.0.0.1:${backend.addresses!.admin.port}/graphql`, {
      method: 'POST',
      headers: {
        'content-type': 'application/json',
        'tenant-id': OPERATOR_ID,
        signature
      },
      body: JSON.stringify(body)
    })
    const { data, errors } = (await response.json()) as {
      data?: Record<string, Record<string, Record<string, string>>>
      errors?: unknown
    }
    expect(errors).toBeUndefined()
    return data![name]!
  }

  const updatePeer = (changes: object) =>
    mutate('updatePeer', `mutation ($input: UpdatePeerInput!) { updatePeer(input: $input) { ${PEER} } }`, {
      id: peerId,
      ...changes
    })

  async function connect(): Promise<RawPeer> {
    const raw = await openRawPeer(backend.addresses!.connector.port, 'from-raw')
    raws.push(raw)
    return raw
  }

  function transfer(raw: RawPeer, requestId: number, amount: bigint, ...ids: string[]): Promise<Heard> {
    const subProtocols = [entry('claim', 'x'), ...ids.map((id) => entry('transfer_id', id, 1))]
    raw.say({ type: 'transfer', requestId, amount, subProtocols })
    return raw.next()
  }

  const response = (requestId: number) => ({ type: 'response', requestId, subProtocols: [] })
  const error = (requestId: number, code: string) =>
    expect.objectContaining({ type: 'error', requestId, code })

  it('is refused until the operator sets a maximum, then booked once under its own id', async () => {
    const raw = await connect()
    expect(await transfer(raw, 1, 500n, 'one')).toEqual(error(1, 'F00'))
    await updatePeer({ maxSettledOverBtp: '1000' })
    expect(await transfer(raw, 2, 500n, 'one')).toEqual(response(2))
    // Its answer may have been lost: the peer comes back, with request ids of a new connection.
    const again = await connect()
    expect(await transfer(again, 2, 500n, 'one')).toEqual(response(2))
    expect(await transfer(again, 3, 499n, 'one')).toEqual(error(3, 'F05'))
    expect(await transfer(again, 4, 501n, 'two')).toEqual(error(4, 'F00'))
    expect(await transfer(again, 5, 1n)).toEqual(error(5, 'F01'))
    expect(await transfer(again, 6, 0n, 'two')).toEqual(error(6, 'F01'))
    expect(await transfer(again, 7, 1n, 'two', 'three')).toEqual(error(7, 'F00'))
    expect(await transfer(again, 8, 500n, 'two')).toEqual(response(8))
    expect(await updatePeer({ name: 'Raw' })).toEqual({
      peer: { id: peerId, liquidity: '1000', maxSettledOverBtp: '1000', settledOverBtp: '1000' }
    })
  })

  it('is asked to come again while another one is being booked', async () => {
    await updatePeer({ maxSettledOverBtp: '2000' })
    const raw = await connect()
    const subProtocols = [entry('transfer_id', 'three')]
    raw.say({ type: 'transfer', requestId: 1, amount: 10n, subProtocols })
    raw.say({ type: 'transfer', requestId: 2, amount: 10n, subProtocols })
    expect(await raw.next()).toEqual(error(2, 'T00'))
    expect(await raw.next()).toEqual(response(1))
    expect(await transfer(raw, 2, 10n, 'three')).toEqual(response(2))
    expect(await updatePeer({})).toMatchObject({ peer: { liquidity: '1010', settledOverBtp: '1010' } })
  })
})
