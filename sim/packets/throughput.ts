import { parsePacketHistory } from './history.ts'
import type { PacketHistory } from './history.ts'
import { createPacketLab } from './run.ts'

const PLENTY = '1000000000000000'
/** Prepares that one end sends: so many, every millisecond so many at once. */
const PACKETS = 5_000
const AT_ONCE = 25

/** How fast packets go through connectors in the virtual world. */
export interface Throughput {
  /** Packets that one connector carried: Prepare in, reserved, Prepare out, Fulfill in, posted, Fulfill out. */
  hops: number
  wallMs: number
  /** Of processor time, user and system, all threads. */
  cpuMs: number
  hopsPerSecond: number
  hopsPerCpuSecond: number
  ok: boolean
}

/**
 * Sends packets over BTP through a line of three connectors between two end peers, one of which converts, on ledgers in
 * memory, with every check on; again and again for `seconds` after a first run that does not count.
 */
export async function measureThroughput(seconds: number): Promise<Throughput> {
  const lab = createPacketLab()
  const history = lineOfThree()
  await lab.run(history)
  let hops = 0
  let ok = true
  const startMs = performance.now()
  const startCpu = process.cpuUsage()
  while (performance.now() - startMs < seconds * 1_000) {
    const run = await lab.run(history)
    hops += run.posted
    ok &&= run.violations.length === 0 && run.posted === 3 * PACKETS
  }
  const wallMs = performance.now() - startMs
  const { user, system } = process.cpuUsage(startCpu)
  const cpuMs = (user + system) / 1_000
  return {
    hops,
    wallMs: Math.round(wallMs),
    cpuMs: Math.round(cpuMs),
    hopsPerSecond: Math.round((hops * 1_000) / wallMs),
    hopsPerCpuSecond: Math.round((hops * 1_000) / cpuMs),
    ok
  }
}

function lineOfThree(): PacketHistory {
  const link = (asset: string) => ({
    asset,
    transport: 'btp',
    balances: [PLENTY, PLENTY],
    maxPacketAmount: '0',
    maxPacketsInFlight: 0,
    maxPacketsPerSecond: 0,
    maxAmountPerSecond: '0'
  })
  const node = (asset: string) => ({ link: link(asset), spread: 0, liquidity: PLENTY, skewMs: 0 })
  const packets = {
    do: 'packets',
    atMs: 0,
    from: 'left',
    to: 'end',
    node: 0,
    amount: '1000',
    lifetimeMs: 30_000,
    count: PACKETS / AT_ONCE,
    everyMs: 1,
    answer: { kind: 'fulfill', afterMs: 1 },
    repeatAfterMs: -1
  }
  return parsePacketHistory({
    seed: 1,
    nodes: [node('USD/2'), node('USD/2'), node('EUR/4')],
    lastLink: link('EUR/4'),
    chord: null,
    networkMs: [1, 1],
    ledgerMs: [1, 1],
    actions: Array.from({ length: AT_ONCE }, () => packets),
    faults: []
  })
}
