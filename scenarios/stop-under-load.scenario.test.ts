import { setTimeout as delay } from 'node:timers/promises'
import { describe, expect, it } from 'vitest'
import { AdminApiError } from '../sim/actors/admin-client.ts'
import { audit, pay, payingNetworkOf } from '../sim/networks/network.ts'
import { startLocalNetwork } from '../sim/worlds/local/world.ts'
import type { LocalNetwork } from '../sim/worlds/local/world.ts'
import { countFulfilled, topology } from './network-fixture.ts'

/** The default of STOP_GRACE_MS, and what closing may take besides. */
const STOP_BOUND_MS = 20_000 + 2_000
const PACKETS_BEFORE = 40

/**
 * acacia ──http── baobab ──btp── cedar. baobab is told to stop while packets of others pass it over both
 * transports, its own customer pays both neighbours, its wallet honours webhooks and works at its Admin API,
 * and strangers read a wallet address.
 */
describe('kill -TERM under load', () => {
  it('exit 0 within the bound; every request done or refused; every payment ends; the books agree', async () => {
    const network = await startLocalNetwork(
      topology('chain', ({ nodes, links }) => {
        nodes[1]!.walletAddresses.push({
          name: 'bob',
          asset: { code: 'EUR', scale: 4 },
          publicName: 'Bob',
          balance: 1_000_0000n
        })
        links[0]!.maxPacketAmount = 25n
        links[1]!.maxPacketAmount = 25_00n
        links[1]!.transport = 'btp'
      })
    )
    try {
      const paying = payingNetworkOf(network)
      const send = (from: string, to: string, value: bigint) =>
        pay(paying, { from: account(from), to: account(to), amount: { kind: 'send', value } })
      // Before the payments, which would be over when it runs: the node is told to stop in the middle of both.
      const load = startLoad(network)
      await load.running
      const payments = Promise.all([
        send('alice@acacia', 'carla@cedar', 100_00n),
        send('bob@baobab', 'carla@cedar', 100_0000n),
        send('bob@baobab', 'alice@acacia', 100_0000n)
      ])
      const fulfilled = countFulfilled(network, 'baobab')
      while ((await fulfilled()) < PACKETS_BEFORE);

      const toldAtMs = performance.now()
      const end = await network.terminate('baobab', 'backend')
      const stoppedMs = Math.round(performance.now() - toldAtMs)
      const { created, refused, statuses } = await load.stop()
      const packetsAtStop = await fulfilled()
      expect(end).toMatch(/exit status 0/)
      expect(stoppedMs).toBeLessThan(STOP_BOUND_MS)
      expect([...statuses].filter((status) => status !== 200 && status !== 503)).toEqual([])

      await network.restart('baobab', 'backend')
      const outcomes = await payments
      expect(outcomes.map(({ state, error }) => ({ state, error }))).toEqual(
        outcomes.map(() => ({ state: 'COMPLETED', error: undefined }))
      )
      // It was stopped in the middle of them.
      expect(await fulfilled()).toBeGreaterThan(packetsAtStop)
      expect(await existing(network, created)).toEqual(created)
      expect(await existing(network, refused)).toEqual([])
      expect(created.length).toBeGreaterThan(0)
      const wallet = network.wallets.get('baobab')!
      await wallet.until(() => wallet.accounts.get('bob')!.held === 0n)
      const { problems, nodes } = await audit(network)
      expect(problems).toEqual([])
      expect(nodes.map(({ pending }) => pending)).toEqual(nodes.map(() => 0n))
      process.stdout.write(
        `${JSON.stringify({ stoppedMs, packetsAtStop, created: created.length, refused: refused.length, statuses: [...statuses] })}\n`
      )
    } finally {
      await network.stop()
    }
  })
})

function account(name: string): { walletAddress: string; node: string } {
  const [walletAddress, node] = name.split('@') as [string, string]
  return { walletAddress, node }
}

/** Calls of a wallet and a stranger, one after another in several loops, until the node is gone. */
function startLoad(network: LocalNetwork) {
  const { admin } = network.wallets.get('baobab')!
  const { urls } = network.plan.plans.find(({ node }) => node.name === 'baobab')!
  const created: string[] = []
  const refused: string[] = []
  const statuses = new Set<number>()
  let isStopped = false
  let sayRunning!: () => void
  const running = new Promise<void>((resolve) => (sayRunning = resolve))

  async function createAssets(loop: string): Promise<void> {
    for (let number = 1; !isStopped; number++) {
      const code = `${loop}${number}`
      try {
        await admin.call(CREATE_ASSET, { input: { code, scale: 2 } })
        created.push(code)
        if (created.length > 10) sayRunning()
      } catch (error) {
        // Nothing but that the node stops: an answer that says so, or none.
        if (error instanceof AdminApiError) expect(error.code).toBe('HTTP_503')
        refused.push(code)
        await delay(20)
      }
    }
  }

  async function readWalletAddress(): Promise<void> {
    const url = `${urls.openPayments.replace('https:', 'http:')}/bob`
    while (!isStopped) {
      const answer = await fetch(url, { headers: { accept: 'application/json' } }).catch(() => undefined)
      if (answer !== undefined) statuses.add(answer.status)
      await answer?.text().catch(() => undefined)
      await delay(5)
    }
  }

  const loops = ['A', 'B', 'C'].map((loop) => createAssets(loop))
  const reading = readWalletAddress()
  return {
    running,
    async stop() {
      isStopped = true
      await Promise.all([...loops, reading])
      return { created, refused, statuses }
    }
  }
}

/** Which of these assets are there. */
async function existing(network: LocalNetwork, codes: readonly string[]): Promise<string[]> {
  const { admin } = network.wallets.get('baobab')!
  const found: string[] = []
  for (const code of codes) {
    const { assetByCodeAndScale } = await admin.call<{ assetByCodeAndScale: object | null }>(FIND_ASSET, {
      code
    })
    if (assetByCodeAndScale !== null) found.push(code)
  }
  return found
}

const CREATE_ASSET = `mutation CreateAsset($input: CreateAssetInput!) { createAsset(input: $input) { asset { id } } }`
const FIND_ASSET = `query FindAsset($code: String!) { assetByCodeAndScale(code: $code, scale: 2) { id } }`
