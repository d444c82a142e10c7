import { readFileSync } from 'node:fs'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { formatAmount, parseAmount } from './amount.ts'
import { parseTopology, readTopology, TopologyError } from './parse.ts'
import { routesOf } from './routes.ts'

const PAIR = readFileSync('fixtures/topologies/pair.json', 'utf8')

/** The one line that a broken variant of the pair is refused with. */
function refusal(change: (topology: ReturnType<typeof JSON.parse>) => void): string {
  const topology = JSON.parse(PAIR)
  change(topology)
  try {
    parseTopology(JSON.stringify(topology), 'net.json')
  } catch (error) {
    expect(error).toBeInstanceOf(TopologyError)
    expect((error as Error).message).not.toContain('\n')
    return (error as Error).message
  }
  throw new Error('the topology was accepted')
}

describe('topology files', () => {
  it('reads the fixtures', () => {
    const pair = readTopology('fixtures/topologies/pair.json')
    expect(pair.nodes.map(({ name }) => name)).toEqual(['acacia', 'baobab'])
    expect(pair.nodes[0]!.assets[0]).toMatchObject({ code: 'USD', scale: 2, liquidity: 10_000_000n })
    expect(pair.nodes[0]!.assets[0]!.sendingFee).toEqual({ fixed: 10n, basisPoints: 100 })
    expect(readTopology('fixtures/topologies/chain.json').links).toHaveLength(2)
    expect(pair.links[0]!.transport).toBe('http')
    expect(readTopology('fixtures/topologies/pair-btp.json').links[0]!.transport).toBe('btp')
  })

  it('names the file and the remedy when it cannot be read', () => {
    expect(() => readTopology('no/such.json')).toThrow(
      /^no\/such\.json: cannot be read \(ENOENT\); give the path/
    )
  })

  it('names the place where JSON is broken', () => {
    expect(() => parseTopology('{"name": "pair",}', 'net.json')).toThrow(
      /^net\.json: is not JSON \(.*position 16.*mend it there/
    )
  })

  it('refuses an unknown field', () => {
    expect(refusal((t) => (t.nodes[1].colour = 'red'))).toMatch(
      /^net\.json: nodes\[1\] \("baobab"\): unknown field "colour"; remove it/
    )
  })

  it('refuses a missing asset', () => {
    expect(refusal((t) => (t.nodes[1].walletAddresses[0].asset = 'MXN/2'))).toBe(
      'net.json: nodes[1] ("baobab").walletAddresses[0] ("bob").asset: node "baobab" has no asset MXN/2; add it to the node\'s assets, or use one of EUR/4, USD/2'
    )
    expect(refusal((t) => (t.links[0].asset = 'EUR/4'))).toMatch(
      /links\[0\]\.asset: node "acacia" has no asset EUR\/4/
    )
  })

  it('refuses duplicate names', () => {
    expect(refusal((t) => (t.nodes[1].name = 'acacia'))).toMatch(
      /nodes\[1\] \("acacia"\): duplicate name "acacia"/
    )
    expect(refusal((t) => t.nodes[0].walletAddresses.push(t.nodes[0].walletAddresses[0]))).toMatch(
      /duplicate name "alice"/
    )
    expect(refusal((t) => t.nodes[0].assets.push(t.nodes[0].assets[0]))).toMatch(/duplicate asset "USD\/2"/)
    expect(refusal((t) => t.links.push({ ...t.links[0], between: ['baobab', 'acacia'] }))).toMatch(
      /duplicate link/
    )
  })

  it('refuses a peer of an unknown node', () => {
    expect(refusal((t) => (t.links[0].between[1] = 'cedar'))).toMatch(
      /links\[0\]\.between\[1\]: unknown node "cedar"; use one of acacia, baobab/
    )
  })

  it('refuses negative amounts and too many decimals', () => {
    expect(refusal((t) => (t.links[0].liquidity = '-5'))).toMatch(
      /links\[0\]\.liquidity: an amount of at least 0/
    )
    expect(refusal((t) => (t.links[0].liquidity = '5.001'))).toMatch(
      /links\[0\]\.liquidity: "5\.001" has more decimals than USD\/2; use at most 2/
    )
    expect(refusal((t) => (t.payments[0].send = '-1'))).toMatch(/payments\[0\]\.send/)
  })

  it('refuses amounts that are nothing where something is needed, or more than 64 bits', () => {
    expect(refusal((t) => (t.payments[0].send = '0.00'))).toMatch(/payments\[0\]\.send: "0\.00" is nothing/)
    expect(refusal((t) => (t.links[0].maxPacketAmount = '0'))).toMatch(/maxPacketAmount: "0" is nothing/)
    expect(refusal((t) => (t.links[0].liquidity = '184467440737095516.16'))).toMatch(
      /links\[0\]\.liquidity: "184467440737095516\.16" is above 184467440737095516\.15/
    )
    expect(refusal((t) => (t.nodes[0].rates.USD.EUR = '0.0'))).toMatch(/rates\.USD\.EUR: a positive decimal/)
  })

  it('refuses payments between unknown accounts, and those with two amounts or none', () => {
    expect(refusal((t) => (t.payments[0].to = 'eve@baobab'))).toMatch(
      /has no wallet address "eve"; use one of bob/
    )
    expect(refusal((t) => (t.payments[0].receive = '1'))).toMatch(/either "send" or "receive"/)
    expect(refusal((t) => (t.links[0].transport = 'pigeon'))).toMatch(/links\[0\].*one of "http", "btp"/)
    expect(refusal((t) => delete t.payments[0].send)).toMatch(/either "send" or "receive"/)
  })

  it('never throws anything but a one-line TopologyError, whatever JSON it gets', () => {
    fc.assert(
      fc.property(fc.json(), (text) => {
        try {
          parseTopology(text, 'net.json')
        } catch (error) {
          expect(error).toBeInstanceOf(TopologyError)
          expect((error as Error).message).not.toContain('\n')
        }
      })
    )
  })
})

describe('routes', () => {
  it('leads to every node over the fewest hops', () => {
    const chain = readTopology('fixtures/topologies/chain.json')
    expect([...routesOf(chain, 'acacia').values()]).toEqual([['test.baobab', 'test.cedar']])
    expect([...routesOf(chain, 'baobab').values()]).toEqual([['test.acacia'], ['test.cedar']])
  })
})

describe('amounts', () => {
  it('reads back what it writes, at any scale', () => {
    fc.assert(
      fc.property(fc.bigInt(0n, 2n ** 70n), fc.integer({ min: 0, max: 30 }), (value, scale) => {
        expect(parseAmount(formatAmount(value, scale), scale)).toBe(value)
      })
    )
  })
  it('refuses what an asset cannot hold', () => {
    expect(parseAmount('1.005', 2)).toBeUndefined()
    expect(parseAmount('-1', 2)).toBeUndefined()
    expect(parseAmount('1e3', 2)).toBeUndefined()
    expect(parseAmount('1.500', 1)).toBe(15n)
  })
})
