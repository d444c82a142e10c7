import { describe, expect, it } from 'vitest'
import type { ProcessSample, ProcessSeries } from './model.ts'
import { saturationOf } from './saturation.ts'

const looks = (sample: Partial<ProcessSample>): ProcessSample[] =>
  [1, 2, 3, 4].map((atS) => ({ atS, cpuShare: 0, residentBytes: 0, ...sample }))
const series = (backend: Partial<ProcessSample>, database: Partial<ProcessSample>): ProcessSeries[] => [
  { name: 'acacia backend', role: 'connector', node: 'acacia', samples: looks(backend) },
  { name: 'PostgreSQL', role: 'database', samples: looks(database) }
]
const stage = { fromS: 0, toS: 4, processors: 2 }

describe('what a stage saturated', () => {
  it('is the event loop that has no time left', () => {
    const { by, busiest } = saturationOf(
      series({ cpuShare: 1, eventLoopUtilisation: 0.97 }, { cpuShare: 0.4, busiestShare: 0.2 }),
      stage
    )
    expect(by).toBe('event loop of acacia backend')
    expect(busiest[0]!.share).toBe(0.97)
  })

  it('is one connection of the database, although the others are idle', () => {
    const { by } = saturationOf(
      series({ cpuShare: 0.4, eventLoopUtilisation: 0.4 }, { cpuShare: 1, busiestShare: 0.95 }),
      stage
    )
    expect(by).toBe('busiest process of PostgreSQL')
  })

  it('is the machine where many are busy and none is full', () => {
    const { by } = saturationOf(
      series({ cpuShare: 0.8, eventLoopUtilisation: 0.8 }, { cpuShare: 1.1, busiestShare: 0.6 }),
      stage
    )
    expect(by).toBe('processors of the machine')
  })

  it('is nothing while all have time left', () => {
    const { by, busiest } = saturationOf(
      series({ cpuShare: 0.5, eventLoopUtilisation: 0.5 }, { cpuShare: 0.5, busiestShare: 0.3 }),
      stage
    )
    expect(by).toBeUndefined()
    expect(busiest).toHaveLength(3)
  })

  it('is told from looks within the stage alone', () => {
    const idle = series({ cpuShare: 0.1, eventLoopUtilisation: 0.1 }, { cpuShare: 0 })
    idle[0]!.samples.push({ atS: 9, cpuShare: 1, residentBytes: 0, eventLoopUtilisation: 1 })
    expect(saturationOf(idle, stage).by).toBeUndefined()
  })
})
