import { describe, expect, it } from 'vitest'
import { createManualClock } from '../runtime/index.ts'
import { connectorLimits } from './composition.ts'
import { loadBackendConfig } from './config.ts'
import { DEFAULT_CONNECTOR_LIMITS } from './connector/limits.ts'
import { createLoad } from './connector/load.ts'
import { TEST_ENVIRONMENT } from './testing.ts'

const limitsOf = (environment: Record<string, string>) =>
  connectorLimits(loadBackendConfig({ ...TEST_ENVIRONMENT, ...environment }))

describe('limits of the connector from the variables', () => {
  it('are the defaults where nothing is set', () => {
    const { minReservationTimeoutS, stopGraceMs, ...limits } = limitsOf({})
    expect(DEFAULT_CONNECTOR_LIMITS).toMatchObject(limits)
    expect([minReservationTimeoutS, stopGraceMs]).toEqual([5, 20_000])
  })

  it.each([
    { MAX_PACKET_WAIT_MS: '40', isLess: true },
    { MAX_PACKET_WAIT_MS: '60', isLess: false }
  ])('MAX_PACKET_WAIT_MS=$MAX_PACKET_WAIT_MS: waits of 50 ms let fewer in: $isLess', async (row) => {
    const clock = createManualClock()
    const { MAX_PACKET_WAIT_MS } = row
    const load = createLoad(clock, { ...DEFAULT_CONNECTOR_LIMITS, ...limitsOf({ MAX_PACKET_WAIT_MS }) })
    const before = load.limit
    for (let packets = 0; packets < 1_000; packets++) load.enter()
    await clock.advance(DEFAULT_CONNECTOR_LIMITS.adaptIntervalMs)
    for (let packets = 0; packets < 1_000; packets++) load.leave(50)
    expect(load.limit < before).toBe(row.isLess)
  })

  it('TIGERBEETLE_TWO_PHASE_TIMEOUT_SECONDS, STOP_GRACE_MS and the packets in flight are taken as they are', () => {
    const environment = {
      TIGERBEETLE_TWO_PHASE_TIMEOUT_SECONDS: '7',
      STOP_GRACE_MS: '8',
      MAX_PACKETS_IN_FLIGHT: '9',
      MAX_PACKETS_TO_PEER_IN_FLIGHT: '6'
    }
    expect(limitsOf(environment)).toEqual({
      minReservationTimeoutS: 7,
      stopGraceMs: 8,
      maxPacketsInFlight: 9,
      maxPacketsWaiting: 9,
      maxPacketsToPeerInFlight: 6,
      maxWaitMs: 150
    })
  })
})
