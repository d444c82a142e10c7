import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from 'vitest'
import { loadCommand } from '../../commands/load.ts'
import { planOf } from '../../networks/plan.ts'
import { freePort } from '../../services/free-ports.ts'
import { startLocalNetwork } from '../../worlds/local/world.ts'
import type { LocalNetwork } from '../../worlds/local/world.ts'
import { readLoadReport } from '../report/files.ts'
import type { LoadTarget } from '../target.ts'
import { adminOf } from './network.ts'
import { PAYER_NODE, richPair, termsOf } from './payments-network.ts'
import { createPeer } from './peers.ts'

/** A network that somebody else brought up, and its description. */
let network: LocalNetwork
let directory: string
let file: string

beforeAll(async () => {
  network = await startLocalNetwork(richPair(), () => undefined)
  directory = mkdtempSync(path.join(tmpdir(), 'load-target-'))
  file = path.join(directory, 'target.json')
  writeFileSync(file, JSON.stringify(await describeTarget()))
})
afterAll(async () => {
  rmSync(directory, { recursive: true })
  await network.stop()
})
afterEach(() => void vi.restoreAllMocks())

async function describeTarget(): Promise<LoadTarget> {
  const { urls, secrets } = planOf(network.plan.plans, PAYER_NODE)
  const admin = { url: urls.admin, tenantId: secrets.operatorTenantId, secret: secrets.adminApiSecret }
  const client = adminOf(network, PAYER_NODE)
  const assetId = network.nodes.find(({ name }) => name === PAYER_NODE)!.assets[0]!.id
  const port = await freePort()
  const senderPeerId = await createPeer(client, {
    assetId,
    staticIlpAddress: 'test.load-sender',
    http: {
      incoming: { authTokens: ['from-the-sender'] },
      outgoing: { endpoint: 'http://127.0.0.1:9/', authToken: 'to-the-sender' }
    },
    initialLiquidity: '1000000000'
  })
  const receiverPeerId = await createPeer(client, {
    assetId,
    staticIlpAddress: 'test.load-receiver',
    http: { outgoing: { endpoint: `http://127.0.0.1:${port}/`, authToken: 'to-the-receiver' } }
  })
  return {
    name: 'a network that is up',
    connector: {
      url: `${urls.connector}/`,
      authToken: 'from-the-sender',
      destination: 'test.load-receiver.account',
      amount: '2',
      receiver: { host: '127.0.0.1', port },
      admin: { ...admin, senderPeerId, receiverPeerId }
    },
    payments: { admin, ...termsOf(network) }
  }
}

async function load(...args: string[]) {
  vi.spyOn(process.stdout, 'write').mockReturnValue(true)
  vi.spyOn(process.stderr, 'write').mockReturnValue(true)
  const status = await loadCommand([
    ...args,
    ...['--target', file, '--rate', '20', '--duration', '1', '--warm-up', '1', '--p99', '30000'],
    ...['--report', directory]
  ])
  return { status, report: readLoadReport(directory) }
}

describe('lab load --target', () => {
  it('sends packets through a connector that is up, and compares its books with both ends', async () => {
    const { status, report } = await load('connector')
    expect(report.problems).toEqual([])
    expect(status).toBe(0)
    const made = report.stages.reduce((sum, { completed }) => sum + completed, 0)
    expect(report.reconciliation.counts.map(({ what, amount }) => [what, amount])).toEqual([
      ['generator: fulfilled', String(2 * made)],
      ['a network that is up: taken from the sender', String(2 * made)],
      ['a network that is up: given to the receiver', String(2 * made)],
      ['receiver: fulfilled', String(2 * made)]
    ])
  })

  it('makes payments over the Admin API of a node that is up', async () => {
    const { status, report } = await load('payments')
    expect(report.problems).toEqual([])
    expect(status).toBe(0)
    const made = report.stages.reduce((sum, { completed }) => sum + completed, 0)
    expect(made).toBeGreaterThan(20)
    expect(new Set(report.reconciliation.counts.map(({ count }) => count))).toEqual(new Set([made]))
  })
})
