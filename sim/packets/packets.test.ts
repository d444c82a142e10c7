import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { afterAll, describe, expect, it } from 'vitest'
import { pipeline } from '../../node/backend/packet-switch.ts'
import { testCount } from '../../test-counts.ts'
import { describePacketHistory } from './describe.ts'
import { explorePackets } from './explore.ts'
import { PacketHistoryError, packetHistoryToJson, parsePacketHistory } from './history.ts'
import type { PacketHistory } from './history.ts'
import {
  packetRegressionFiles,
  RegressionFileError,
  readPacketRegression,
  writePacketRegression
} from './regression.ts'
import { createPacketLab } from './run.ts'

const lab = createPacketLab()
const directory = mkdtempSync(path.join(tmpdir(), 'packets-'))
afterAll(() => rmSync(directory, { recursive: true }))

const PLENTY = '1000000000000000'
const link = (asset: string, transport = 'btp') => ({
  asset,
  transport,
  balances: [PLENTY, PLENTY],
  maxPacketAmount: '0',
  maxPacketsInFlight: 0,
  maxPacketsPerSecond: 0,
  maxAmountPerSecond: '0'
})
const node = (asset: string, transport?: string) => ({
  link: link(asset, transport),
  spread: 0,
  liquidity: PLENTY,
  skewMs: 0
})
const packets = (fields: object = {}) => ({
  do: 'packets',
  atMs: 0,
  from: 'left',
  to: 'end',
  node: 0,
  amount: '1000',
  lifetimeMs: 8_000,
  count: 3,
  everyMs: 10,
  answer: { kind: 'fulfill', afterMs: 5 },
  repeatAfterMs: -1,
  ...fields
})
const historyOf = (fields: object = {}): PacketHistory =>
  parsePacketHistory({
    seed: 1,
    nodes: [node('USD/2'), node('EUR/2', 'http'), node('EUR/4')],
    lastLink: link('MXN/2'),
    chord: null,
    networkMs: [1, 2],
    ledgerMs: [1, 3],
    actions: [packets(), packets({ from: 'right', to: 'account', amount: '100000' })],
    faults: [],
    ...fields
  })

describe('histories of packets and ledgers', () => {
  it('of any topology, workload and faults violate nothing', async () => {
    const { found, histories, moved, faulted } = await explorePackets({
      seed: 1,
      runs: testCount('packetHistories')
    })
    expect(
      found.map(({ violation, history }) => ({ violation, history: describePacketHistory(history) }))
    ).toEqual([])
    expect(moved / histories).toBeGreaterThan(0.5)
    expect(faulted / histories).toBeGreaterThan(0.3)
  }, 3_600_000)

  it('are the same each time, whatever ran before, and move what was sent', async () => {
    const first = await lab.run(historyOf())
    await lab.run(
      historyOf({ seed: 2, faults: [{ fault: 'crash', atMs: 20, node: 1, at: 'once', downMs: 500 }] })
    )
    const again = await lab.run(historyOf())
    expect(first.violations).toEqual([])
    expect(again.hash).toBe(first.hash)
    // Six packets at three nodes each.
    expect(first).toMatchObject({ packets: 18, posted: 18, faults: 0 })
    expect((await lab.run(historyOf({ seed: 3 }))).hash).not.toBe(first.hash)
  })

  it('that violated something once violate nothing any more, each time with the same hash', async () => {
    const files = packetRegressionFiles()
    expect(files).not.toEqual([])
    for (const file of files) {
      // A file's own hash is that of the commit that it names: what connectors do since then is another history.
      const { history } = readPacketRegression(file)
      const { violations, hash } = await lab.run(history)
      expect({ file, violations }).toEqual({ file, violations: [] })
      expect((await lab.run(history)).hash).toBe(hash)
    }
  })
})

// What the search above says is worth what it catches.
describe('planted defects of the pipeline', () => {
  it('are found, made small, written as a regression file that replays to the same hash', async () => {
    const broken = createPacketLab({
      steps: pipeline.map((step) =>
        step.name === 'reservation'
          ? { name: step.name, clause: step.clause, codes: step.codes, run: step.run }
          : step
      )
    })
    const { found } = await explorePackets({
      seed: 1,
      runs: 50,
      maxFound: 1,
      maxShrinkRuns: 150,
      lab: broken
    })
    expect(found).toHaveLength(1)
    expect(found[0]!.violation.property).toBe('nothing stays reserved')
    expect(found[0]!.sizes.shrunk).toBeLessThanOrEqual(3)

    const file = writePacketRegression(found[0]!, directory)
    const regression = readPacketRegression(file)
    expect(regression.history).toEqual(found[0]!.history)
    const replayed = await broken.run(regression.history)
    expect(replayed.hash).toBe(regression.hash)
    expect(replayed.violations[0]!.property).toBe('nothing stays reserved')
    expect((await lab.run(regression.history)).violations).toEqual([])
  }, 60_000)
})

describe('data that is no history', () => {
  it('is refused with one line that says where', () => {
    const json = packetHistoryToJson(historyOf()) as { nodes: { liquidity: unknown }[] }
    expect(parsePacketHistory(json)).toEqual(historyOf())
    json.nodes[1]!.liquidity = '-5'
    expect(() => parsePacketHistory(json)).toThrow(
      new PacketHistoryError('history: nodes.1.liquidity: an amount as a decimal string is needed')
    )
  })

  it.each([
    ['not JSON', 'x', /^file\.json: /],
    [
      'another version',
      JSON.stringify({
        kind: 'packets',
        version: 99,
        commit: '',
        found: { seed: 1, property: '', message: '' },
        history: {},
        hash: ''
      }),
      'file.json: it is of version 99, and version 1 is read'
    ],
    ['another kind', JSON.stringify({ kind: 'network', version: 1 }), /^file\.json: kind: /]
  ])('a regression file with %s', (_what, text, message) => {
    const file = path.join(directory, 'file.json')
    writeFileSync(file, text)
    let error: unknown
    try {
      readPacketRegression(file)
    } catch (caught) {
      error = caught
    }
    expect(error).toBeInstanceOf(RegressionFileError)
    expect((error as Error).message).toMatch(message)
  })
})
