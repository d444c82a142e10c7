import { createHash, createHmac } from 'node:crypto'
import { conditionOf, createFulfill, createStreamReceiver, isAddressPrefix } from '../../ilp/index.ts'
import type { IlpPrepare, IlpReply, Ratio, StreamReceiver } from '../../ilp/index.ts'
import {
  StreamMoneyFrame,
  decryptStreamPacket,
  deriveStreamKeys,
  encryptStreamPacket,
  fulfillmentOf
} from '../../ilp/stream/codec.ts'
import type { Frame, StreamPacket } from '../../ilp/stream/codec.ts'
import { AccountCode, TransferCode, createLedgerWriter, createMemoryLedger } from '../../ledger/index.ts'
import type { AuditableLedger } from '../../ledger/index.ts'
import { createLogger, createMemoryCache, createRandom, uuidToId } from '../../runtime/index.ts'
import type { Cache, Clock, Random } from '../../runtime/index.ts'
import type { Asset } from '../assets/model.ts'
import type { DeliveryTarget } from '../incoming-payments/model.ts'
import type { Failure } from '../model.ts'
import type { Peer } from '../peers/model.ts'
import type { RatesFailure } from '../rates/model.ts'
import type { Tenant } from '../tenants/model.ts'
import { createConnector } from './connector.ts'
import type { ConnectorDependencies, DeadIncarnations } from './context.ts'
import type { ConnectorLimits } from './limits.ts'
import type { Connector } from './model.ts'
import { pipeline } from './pipeline.ts'
import type { Step } from './step.ts'
import { createFaultyWriter } from './faults.test-support.ts'
import type { FaultyWriter } from './faults.test-support.ts'
import type { Transport } from './transport.ts'

// For tests: nodes in memory.

/** Reproducible randomness. */
export function createSeededRandom(seed: string, clock: { nowMs(): number }): Random {
  let draws = 0
  return createRandom((length) => {
    const parts: Buffer[] = []
    for (let have = 0; have < length; have += 32) {
      parts.push(createHash('sha256').update(`${seed}/${draws++}`).digest())
    }
    return Buffer.concat(parts).subarray(0, length)
  }, clock)
}

export interface LogRecord extends Record<string, unknown> {
  event?: string
  msg: string
  level: number
}

/** An incoming payment as the connector sees it. */
export interface TestTarget extends DeliveryTarget {
  state: 'open' | 'closed'
  booking: bigint
  received: bigint
}

export interface TestNode {
  connector: Connector
  ledger: AuditableLedger
  cache: Cache
  writer: FaultyWriter
  logs: LogRecord[]
  address: string
  tenantId: string
  tenant: Tenant
  streamReceiver: StreamReceiver
  random: Random
  rates: Map<string, Ratio | Failure<RatesFailure>>
  peers: Map<string, Peer>
  addAsset(code: string, scale: number, liquidity?: bigint): Promise<Asset>
  addPeer(name: string, asset: Asset, settings?: Partial<Peer> & { balance?: bigint }): Promise<Peer>
  addTarget(asset: Asset, settings?: { receiveMax?: bigint; tenantId?: string }): Promise<TestTarget>
  addAccount(asset: Asset, balance: bigint): Promise<bigint>
  /** Free to spend: posted credits − posted debits − pending debits. */
  balance(accountId: bigint | string): Promise<bigint>
  pendingCount(): Promise<number>
  /** Throws unless debits equal credits everywhere and nothing is overdrawn. */
  audit(): Promise<void>
}

export interface TestNodeOptions {
  name: string
  clock: Clock
  transport: Transport
  limits?: Partial<ConnectorLimits>
  deadIncarnations?: DeadIncarnations
  ledger?: AuditableLedger
  incarnationId?: bigint
  seed?: string
  override?: Partial<ConnectorDependencies>
}

export function createTestNode(options: TestNodeOptions): TestNode {
  const { name, clock, transport } = options
  const address = name.includes('.') ? name : `test.${name}`
  const random = createSeededRandom(options.seed ?? name, clock)
  const logs: LogRecord[] = []
  const logger = createLogger({
    name,
    level: 'debug',
    write: (line) => void logs.push(JSON.parse(line) as LogRecord)
  })
  const ledger = options.ledger ?? createMemoryLedger({ clock })
  const cache = createMemoryCache({ clock })
  const writer = createFaultyWriter(createLedgerWriter({ ledger, clock, logger }), clock)
  const streamReceiver = createStreamReceiver({ serverSecret: Buffer.alloc(32, name), random })
  const tenantId = random.uuid()
  const peers = new Map<string, Peer>()
  const targets = new Map<string, TestTarget>()
  const rates = new Map<string, Ratio | Failure<RatesFailure>>()
  let ledgers = 0

  async function createAccount(id: bigint, asset: Asset, code: number, balance: bigint): Promise<void> {
    await ledger.createAccounts([
      { id, ledger: asset.ledger, code, flags: { debitsMustNotExceedCredits: true } }
    ])
    if (balance === 0n) return
    const [result] = await ledger.createTransfers([
      {
        id: random.orderedId(),
        debitAccountId: BigInt(asset.ledger),
        creditAccountId: id,
        amount: balance,
        ledger: asset.ledger,
        code: TransferCode.DEPOSIT
      }
    ])
    if (result !== 'ok') throw new Error(`deposit: ${result}`)
  }

  const tenant = tenantOf(tenantId, address)
  const connector = createConnector({
    tenants: { get: (id) => (id === tenantId ? tenant : undefined) },
    peers: {
      get: (id) => peers.get(id),
      byIncomingToken: (token) => [...peers.values()].find((peer) => `from-${peer.name}` === token),
      nextHop(tenant, destination, { exceptPeerId } = {}) {
        let found: { peer: Peer; prefix: string } | undefined
        for (const peer of peers.values()) {
          if (peer.tenantId !== tenant || peer.id === exceptPeerId) continue
          for (const prefix of peer.routes) {
            if (isAddressPrefix(prefix, destination) && prefix.length > (found?.prefix.length ?? -1)) {
              found = { peer, prefix }
            }
          }
        }
        return found?.peer
      }
    },
    rates: {
      cachedRatio: (_tenant, from, to) => rates.get(`${from.code}/${from.scale}>${to.code}/${to.scale}`),
      ratio: async () => ({ failure: 'CouldNotFetchRates' })
    },
    deliveryTargets: { resolve: async (tag) => targets.get(tag) },
    streamReceiver,
    writer,
    ledger,
    cache,
    transport,
    incarnationId: options.incarnationId ?? random.orderedId(),
    ...(options.deadIncarnations && { deadIncarnations: options.deadIncarnations }),
    clock,
    random,
    logger,
    ...(options.limits && { limits: options.limits }),
    steps: pipeline.map(heldToItsCodes),
    ...options.override
  })

  return {
    connector,
    ledger,
    cache,
    writer,
    logs,
    address,
    tenantId,
    tenant,
    streamReceiver,
    random,
    rates,
    peers,

    async addAsset(code, scale, liquidity = 0n) {
      const asset: Asset = {
        id: random.orderedUuid(),
        tenantId,
        code,
        scale,
        ledger: ++ledgers,
        createdAt: new Date(clock.nowMs())
      }
      await ledger.createAccounts([
        { id: BigInt(asset.ledger), ledger: asset.ledger, code: AccountCode.SETTLEMENT }
      ])
      await createAccount(uuidToId(asset.id), asset, AccountCode.LIQUIDITY_ASSET, liquidity)
      return asset
    },

    async addPeer(peerName, asset, { balance = 0n, ...settings } = {}) {
      const staticIlpAddress = `${address.split('.')[0]}.${peerName}`
      const peer: Peer = {
        id: random.orderedUuid(),
        tenantId,
        asset,
        name: peerName,
        staticIlpAddress,
        routes: [staticIlpAddress],
        http: { outgoing: { endpoint: `http://${peerName}/`, authToken: `from-${name}` } },
        createdAt: new Date(clock.nowMs()),
        ...settings
      }
      await createAccount(uuidToId(peer.id), asset, AccountCode.LIQUIDITY_PEER, balance)
      peers.set(peer.id, peer)
      return peer
    },

    async addTarget(asset, { receiveMax, tenantId: ownerId = tenantId } = {}) {
      const id = random.orderedUuid()
      await createAccount(uuidToId(id), asset, AccountCode.LIQUIDITY_INCOMING, 0n)
      const target: TestTarget = {
        kind: 'incomingPayment',
        id,
        tenantId: ownerId,
        asset,
        accountId: uuidToId(id),
        receiveMax,
        state: 'open',
        booking: 0n,
        received: 0n,
        get isClosed() {
          return target.state === 'closed'
        },
        admit(amount) {
          if (target.state === 'closed') return 'closed'
          if (receiveMax !== undefined && target.received + target.booking >= receiveMax) return 'full'
          target.booking += amount
          return 'admitted'
        },
        posted(amount) {
          target.booking -= amount
          target.received += amount
        },
        released(amount) {
          target.booking -= amount
        },
        learned(received) {
          if (received > target.received) target.received = received
        }
      }
      targets.set(id, target)
      return target
    },

    async addAccount(asset, balance) {
      const id = random.orderedId()
      await createAccount(id, asset, AccountCode.SENDING_EPOCH, balance)
      return id
    },

    async balance(accountId) {
      const [account] = await ledger.lookupAccounts([
        typeof accountId === 'string' ? uuidToId(accountId) : accountId
      ])
      if (account === undefined) throw new Error(`no account ${accountId}`)
      return account.creditsPosted - account.debitsPosted - account.debitsPending
    },

    async pendingCount() {
      return (await ledger.queryTransfers({ pendingOnly: true, limit: 10_000 })).length
    },

    async audit() {
      for (const total of await ledger.totals()) {
        if (total.debitsPosted !== total.creditsPosted || total.debitsPending !== total.creditsPending) {
          throw new Error(`ledger ${total.ledger} is not zero-sum`)
        }
        if (total.overdrawnAccountIds.length > 0) throw new Error('an account is overdrawn')
      }
    }
  }
}

function tenantOf(id: string, ilpAddress: string): Tenant {
  return {
    id,
    apiSecret: '',
    createdAt: new Date(0),
    isOperator: true,
    ownSettings: [],
    settings: { ilpAddress, webhookUrl: '', webhookTimeoutMs: 0, webhookMaxRetry: 0 }
  }
}

/** The step, failing where it rejects with a code that the list does not name. */
function heldToItsCodes(step: Step): Step {
  return {
    ...step,
    async run(packet, context) {
      const answer = await step.run(packet, context)
      if (answer?.type === 'reject' && answer.triggeredBy === packet.ownAddress) {
        if (!(step.codes as readonly string[]).includes(answer.code)) {
          throw new Error(`${step.name} is not listed with ${answer.code}`)
        }
      }
      return answer
    }
  }
}

/** A fulfillment and its condition, from a number. */
export function secretOf(number: number): { fulfillment: Buffer; condition: Buffer } {
  const fulfillment = createHmac('sha256', 'test').update(String(number)).digest()
  return { fulfillment, condition: createHash('sha256').update(fulfillment).digest() }
}

export function fulfillOf(number: number, data?: Buffer): IlpReply {
  return createFulfill(secretOf(number).fulfillment, data)
}

/** A Prepare to `destination` whose condition comes from `number`. */
export function prepareOf(
  clock: { nowMs(): number },
  number: number,
  fields: Partial<IlpPrepare> & { destination: string }
): IlpPrepare {
  return {
    amount: 100n,
    executionCondition: secretOf(number).condition,
    expiresAtMs: clock.nowMs() + 30_000,
    data: Buffer.alloc(0),
    ...fields
  }
}

/** A STREAM sender that pays `target` of `node`, packet by packet. */
export function createTestPayer(node: TestNode, target: TestTarget, clock: { nowMs(): number }) {
  const { ilpAddress, sharedSecret } = node.streamReceiver.createCredentials({
    serverAddress: node.address,
    paymentTag: target.id,
    asset: target.asset
  })
  const keys = deriveStreamKeys(sharedSecret)
  let sequence = 0n
  return {
    destination: ilpAddress,
    sharedSecret,
    prepare(
      amount: bigint,
      {
        minimum = 0n,
        isProbe = false,
        frames = [],
        ...fields
      }: Partial<IlpPrepare> & { minimum?: bigint; isProbe?: boolean; frames?: Frame[] } = {}
    ): IlpPrepare {
      const data = encryptStreamPacket(
        keys,
        {
          sequence: ++sequence,
          type: 12,
          prepareAmount: minimum,
          frames: [new StreamMoneyFrame(1, 1), ...frames]
        },
        node.random
      )
      return {
        amount,
        destination: ilpAddress,
        expiresAtMs: clock.nowMs() + 30_000,
        executionCondition: isProbe ? node.random.bytes(32) : conditionOf(fulfillmentOf(keys, data)),
        data,
        ...fields
      }
    },
    /** What the receiver says, if it is authentic. */
    read: (reply: { data: Buffer }): StreamPacket | undefined => decryptStreamPacket(keys, reply.data)
  }
}
