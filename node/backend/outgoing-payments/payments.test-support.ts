import {
  createReject,
  createStreamReceiver,
  decodePrepare,
  encodeReply,
  floorTimes,
  isPacketError
} from '../../ilp/index.ts'
import type { IlpPrepare, IlpReply, Ratio, StreamReceiver } from '../../ilp/index.ts'
import { AccountCode, createLedgerWriter, createMemoryLedger } from '../../ledger/index.ts'
import type { AuditableLedger, Ledger, LedgerWriter } from '../../ledger/index.ts'
import { createManualClock, createSystemRandom, idToUuid, uuidToId } from '../../runtime/index.ts'
import type { Clock, Database, ManualClock } from '../../runtime/index.ts'
import type { Asset } from '../assets/model.ts'
import { createConnector } from '../connector/index.ts'
import type { Transport, TransportOutcome } from '../connector/index.ts'
import type { Fee } from '../fees/model.ts'
import { createIncomingPayments } from '../incoming-payments/index.ts'
import type { IncomingPayment, IncomingPayments } from '../incoming-payments/index.ts'
import { createLiquidity } from '../liquidity/service.ts'
import { failure, isFailure } from '../model.ts'
import type { Peer } from '../peers/model.ts'
import { createPaths, createQuotes } from '../quotes/index.ts'
import type { Quote } from '../quotes/index.ts'
import type { Receiver, Receivers } from '../receivers/model.ts'
import { createTestBackend, OPERATOR_ID, until } from '../testing.ts'
import type { TestBackend } from '../testing.ts'
import type { WalletAddress } from '../wallet-addresses/model.ts'
import { createOutbox } from '../webhooks/outbox.ts'
import { createOutgoingPayments } from './index.ts'
import type { OutgoingPayment } from './index.ts'

export const TENANT_ID = OPERATOR_ID

/** A remote node as the only peer sees it: a STREAM receiver behind a path with a rate and a packet limit. */
export interface RemoteNode {
  /** The path's own rate; the node converts on top of it. */
  rate: Ratio
  maxPacketAmount: bigint | undefined
  /** What its totals count, if it has any. */
  totals: 'connections' | 'payments' | 'forgotten'
  /** What becomes of the next packets with money: `lostAfter` is paid and its answer lost. */
  fate: (prepare: IlpPrepare) => 'answer' | 'lostBefore' | 'lostAfter' | 'unavailable' | Promise<'answer'>
  readonly packets: { amount: bigint; delivered: bigint }[]
  createPayment(terms: { incomingAmount?: bigint; received?: bigint }): string
  received(url: string): bigint
  /** Somebody else pays. */
  receiveFromOthers(url: string, amount: bigint): void
  close(url: string): void
}

interface RemotePayment {
  incomingAmount: bigint | undefined
  received: bigint
  onConnections: Map<string, bigint>
  isClosed: boolean
}

const REMOTE_ADDRESS = 'test.baobab'

function createRemoteNode(test: TestBackend, asset: Asset) {
  const receiver: StreamReceiver = createStreamReceiver({
    serverSecret: Buffer.alloc(32, 9),
    random: test.random
  })
  const payments = new Map<string, RemotePayment>()
  const idOf = (url: string) => url.slice(url.lastIndexOf('/') + 1)
  const paymentAt = (url: string) => {
    const payment = payments.get(idOf(url))
    if (!payment) throw new Error(`there is no remote payment ${url}`)
    return payment
  }

  const remote: RemoteNode & { receive(bytes: Buffer): Promise<TransportOutcome>; read: Receivers['get'] } = {
    rate: { numerator: 1n, denominator: 1n },
    maxPacketAmount: undefined,
    totals: 'connections',
    fate: () => 'answer',
    packets: [],
    createPayment({ incomingAmount, received = 0n }) {
      const id = test.random.uuid()
      payments.set(id, { incomingAmount, received, onConnections: new Map(), isClosed: false })
      return `https://baobab.example/incoming-payments/${id}`
    },
    received: (url) => paymentAt(url).received,
    receiveFromOthers(url, amount) {
      paymentAt(url).received += amount
    },
    close(url) {
      paymentAt(url).isClosed = true
    },
    async receive(bytes) {
      const prepare = decodePrepare(bytes)
      if (isPacketError(prepare)) throw new Error(prepare.reason)
      const fate = prepare.amount > 0n ? await remote.fate(prepare) : 'answer'
      if (fate === 'unavailable') return { kind: 'notSent', code: 'T01', reason: 'no connection' }
      const lost: TransportOutcome = { kind: 'lost', code: 'T01', reason: 'reset' }
      if (fate === 'lostBefore') return lost
      const reply = answer(prepare)
      return fate === 'lostAfter' ? lost : { kind: 'answer', bytes: encodeReply(reply) }
    },
    async read(_tenantId, url) {
      const payment = payments.get(idOf(url))
      if (!payment) return failure('NotFound')
      const completed = payment.isClosed || payment.received >= (payment.incomingAmount ?? Infinity)
      const amount = (value: bigint) => ({ value, assetCode: asset.code, assetScale: asset.scale })
      const { ilpAddress, sharedSecret } = receiver.createCredentials({
        serverAddress: REMOTE_ADDRESS,
        paymentTag: idOf(url),
        asset
      })
      return {
        incomingPaymentUrl: url,
        walletAddressUrl: 'https://baobab.example/bob',
        asset,
        receivedAmount: amount(payment.received),
        completed,
        createdAt: new Date(0),
        ...(payment.incomingAmount !== undefined && { incomingAmount: amount(payment.incomingAmount) }),
        ...(!completed && { credentials: { destination: ilpAddress, sharedSecret } })
      }
    }
  }

  function answer(prepare: IlpPrepare): IlpReply {
    if (remote.maxPacketAmount !== undefined && prepare.amount > remote.maxPacketAmount) {
      const data = Buffer.alloc(16)
      data.writeBigUInt64BE(prepare.amount, 0)
      data.writeBigUInt64BE(remote.maxPacketAmount, 8)
      return createReject('F08', { triggeredBy: REMOTE_ADDRESS, data })
    }
    const amount = floorTimes(prepare.amount, remote.rate)
    const request = receiver.open({ ...prepare, amount }, REMOTE_ADDRESS)
    if ('reject' in request) return request.reject
    const payment = payments.get(request.paymentTag)!
    const onConnection = payment.onConnections.get(request.connectionId) ?? 0n
    const totalsWith = (amount: bigint) => {
      if (remote.totals === 'forgotten') return { totalReceived: 0n }
      const totalReceived = remote.totals === 'payments' ? payment.received : onConnection + amount
      if (payment.incomingAmount === undefined) return { totalReceived }
      const left = payment.incomingAmount - payment.received
      return { totalReceived, receiveMax: totalReceived + (left > 0n ? left : 0n) }
    }
    if (request.standardReply) {
      if (amount > 0n || request.standardReply.type === 'reject') return request.standardReply
      return request.accept(totalsWith(0n))
    }
    if (payment.isClosed || payment.received >= (payment.incomingAmount ?? Infinity)) {
      return request.finalDecline()
    }
    payment.received += amount
    payment.onConnections.set(request.connectionId, onConnection + amount)
    remote.packets.push({ amount: prepare.amount, delivered: amount })
    return request.accept(totalsWith(amount))
  }

  return remote
}

/** One process of the node: it can be killed, as `kill -9` does, while the database and the ledger live on. */
export interface TestNode {
  incomingPayments: ReturnType<typeof createIncomingPayments>
  quotes: ReturnType<typeof createQuotes>
  outgoingPayments: ReturnType<typeof createOutgoingPayments>
  start(): Promise<void>
  stop(): Promise<void>
  kill(): void
}

export interface PaymentsLab {
  test: TestBackend
  clock: ManualClock
  database: Database
  ledger: AuditableLedger
  liquidity: ReturnType<typeof createLiquidity>
  remote: RemoteNode
  usd: Asset
  eur: Asset
  payer: WalletAddress
  payee: WalletAddress
  fee: { current: Fee | undefined }
  createNode(): TestNode
  /** A quote to a remote payment, and the payment. */
  create(
    node: TestNode,
    url: string,
    amounts?: { debit?: bigint; receive?: bigint }
  ): Promise<OutgoingPayment>
  fund(node: TestNode, payment: OutgoingPayment): Promise<OutgoingPayment>
  /** Both. */
  pay(node: TestNode, url: string, amounts?: { debit?: bigint; receive?: bigint }): Promise<OutgoingPayment>
  quote(node: TestNode, url: string, amounts?: { debit?: bigint; receive?: bigint }): Promise<Quote>
  createLocalPayment(node: TestNode, incomingAmount?: bigint): Promise<IncomingPayment>
  /** Moves time on by little, and lets what became due talk to the database before it moves again. */
  passTime(): Promise<void>
  /** What the peer is owed for the packets that it carried. */
  peerBalance(): Promise<bigint>
  /** Ends all processes. */
  stopNodes(): Promise<void>
  /** Waits for a payment's end; with `advance`, time moves on meanwhile. */
  ended(id: string, options?: { advance: boolean }): Promise<PaymentRow>
  row(id: string): Promise<PaymentRow>
  events(
    id: string
  ): Promise<{ type: string; data: Record<string, never>; withdrawalAmount: bigint | null }[]>
  /** Nothing pending, every ledger zero-sum, nothing overdrawn. */
  audit(): Promise<string[]>
  close(): Promise<void>
}

export interface PaymentRow {
  state: string
  error: string | null
  stateAttempts: number
  leaseEpoch: number
  leaseOwner: string | null
  processAt: Date | null
  sentAmountValue: bigint | null
  deliveredAmountValue: bigint | null
}

export async function createPaymentsLab(
  adminUrl: string,
  environment: Record<string, string> = {}
): Promise<PaymentsLab> {
  const test = await createTestBackend(adminUrl, environment)
  const { database, logger, config } = test
  const clock = createManualClock()
  const random = createSystemRandom(clock)
  const at = new Date(clock.nowMs())
  const asset = (code: string, ledgerNumber: number): Asset => ({
    id: random.uuid(),
    tenantId: TENANT_ID,
    code,
    scale: 2,
    ledger: ledgerNumber,
    createdAt: at
  })
  const usd = asset('USD', 1)
  const eur = asset('EUR', 2)
  const walletAddress = (name: string, of: Asset): WalletAddress => ({
    id: random.uuid(),
    tenantId: TENANT_ID,
    address: `https://acacia.example/${name}`,
    asset: of,
    isActive: true,
    createdAt: at
  })
  const payer = walletAddress('alice', usd)
  const payee = walletAddress('carol', eur)
  const times = { createdAt: at, updatedAt: at }
  await database.knex('tenants').insert({ id: TENANT_ID, apiSecret: 'secret', ...times })
  for (const { id, tenantId, code, scale, ledger: number } of [usd, eur]) {
    await database.knex('assets').insert({ id, tenantId, code, scale, ledger: number, ...times })
  }
  for (const { id, tenantId, address, asset: of } of [payer, payee]) {
    await database.knex('walletAddresses').insert({ id, tenantId, address, assetId: of.id, ...times })
  }

  const ledger = createMemoryLedger({ clock })
  const sharedWriter = createLedgerWriter({ ledger, clock, logger })
  const assets = { find: async (id: string) => [usd, eur].find((one) => one.id === id) }
  const liquidity = createLiquidity({ database, clock, random, logger, ledger, writer: sharedWriter, assets })
  await liquidity.ensureAssetAccounts(usd)
  await liquidity.ensureAssetAccounts(eur)
  const filled = { id: random.uuid(), accountId: eur.id, asset: eur, amount: 10n ** 12n }
  await liquidity.deposit(filled)
  const peer: Peer = {
    id: random.uuid(),
    tenantId: TENANT_ID,
    asset: eur,
    staticIlpAddress: REMOTE_ADDRESS,
    routes: [REMOTE_ADDRESS],
    http: { outgoing: { endpoint: 'http://baobab.example', authToken: 'token' } },
    createdAt: at
  }
  await liquidity.ensureAccount({ id: peer.id, asset: eur, code: AccountCode.LIQUIDITY_PEER })
  const remote = createRemoteNode(test, eur)
  const fee: { current: Fee | undefined } = { current: undefined }

  const ratioOf = (source: string, destination: string): Ratio =>
    source === destination
      ? { numerator: 1n, denominator: 1n }
      : source === 'USD'
        ? { numerator: 91n, denominator: 100n }
        : { numerator: 100n, denominator: 91n }
  const rates = {
    ratio: async (_tenant: string, source: { code: string }, destination: { code: string }) =>
      ratioOf(source.code, destination.code),
    cachedRatio: (_tenant: string, source: { code: string }, destination: { code: string }) =>
      ratioOf(source.code, destination.code)
  }
  const tenant = {
    id: TENANT_ID,
    apiSecret: 'secret',
    createdAt: at,
    isOperator: true,
    settings: {
      webhookUrl: config.WEBHOOK_URL,
      webhookTimeoutMs: 1,
      webhookMaxRetry: 1,
      ilpAddress: config.ILP_ADDRESS
    }
  }
  const tenants = { get: () => tenant, operator: tenant }
  const walletAddresses = {
    get: async (id: string, tenantId?: string) =>
      [payer, payee].find((one) => one.id === id && (tenantId ?? TENANT_ID) === one.tenantId)
  }
  const nodes: TestNode[] = []

  function createNode(): TestNode {
    let isKilled = false
    let isStopped = false
    const nodeDatabase = test.openDatabase()
    /** What a dead process waits for never comes. */
    const mortal = <T>(work: () => Promise<T>): Promise<T> =>
      isKilled
        ? new Promise<T>(() => undefined)
        : new Promise<T>((resolve, reject) => {
            work().then(
              (value) => !isKilled && resolve(value),
              (error: unknown) => !isKilled && reject(error)
            )
          })
    const nodeClock: Clock = {
      ...clock,
      setTimer: (delayMs, callback) => clock.setTimer(delayMs, () => !isKilled && callback())
    }
    const nodeLedger: Ledger = {
      ...ledger,
      createAccounts: (...all) => mortal(() => ledger.createAccounts(...all)),
      lookupAccounts: (...all) => mortal(() => ledger.lookupAccounts(...all)),
      lookupTransfers: (...all) => mortal(() => ledger.lookupTransfers(...all)),
      queryTransfers: (...all) => mortal(() => ledger.queryTransfers(...all))
    }
    const writer: LedgerWriter = {
      submit: (...all) => mortal(() => sharedWriter.submit(...all)),
      close: async () => undefined
    }
    const transport: Transport = {
      send: (_peer, bytes) => mortal(() => remote.receive(bytes)),
      close: async () => undefined
    }
    const incarnationId = random.orderedId()
    const base = {
      database: nodeDatabase,
      clock: nodeClock,
      random,
      logger,
      config,
      ledger: nodeLedger,
      writer,
      assets,
      tenants,
      walletAddresses,
      liquidity,
      outbox: createOutbox({ clock, random, config }),
      streamReceiver: createStreamReceiver({ serverSecret: config.STREAM_SECRET, random })
    }
    const incomingPayments = createIncomingPayments(base)
    const connector = createConnector({
      ...base,
      rates,
      peers: { get: () => peer, byIncomingToken: () => undefined, nextHop: () => peer },
      deliveryTargets: incomingPayments.targets,
      transport,
      incarnationId
    })
    const receivers = { get: receiverReader(incomingPayments) }
    const paths = createPaths(nodeClock, 15_000)
    const quotes = createQuotes({
      ...base,
      paths,
      connector,
      receivers,
      rates,
      fees: { latest: async () => fee.current }
    })
    const outgoingPayments = createOutgoingPayments({
      ...base,
      paths,
      connector,
      receivers,
      quotes,
      targets: incomingPayments.targets,
      incarnationId: idToUuid(incarnationId)
    })
    const node: TestNode = {
      incomingPayments,
      quotes,
      outgoingPayments,
      async start() {
        await incomingPayments.start()
        await outgoingPayments.start()
      },
      async stop() {
        if (isKilled || isStopped) return
        isStopped = true
        await outgoingPayments.stop()
        await incomingPayments.stop()
        await connector.stop(0)
      },
      kill() {
        isKilled = true
        void nodeDatabase.close()
      }
    }
    nodes.push(node)
    return node
  }

  /** Payments of this database are read from it, all others from the remote node. */
  function receiverReader(incomingPayments: IncomingPayments): Receivers['get'] {
    return async (tenantId, url) => {
      const payment = await incomingPayments.get(url.slice(url.lastIndexOf('/') + 1))
      if (!payment) return remote.read(tenantId, url)
      const [received] = await incomingPayments.receivedAmounts([payment.id])
      const [method] = incomingPayments.paymentMethods(payment)
      const amount = (value: bigint) => ({
        value,
        assetCode: payment.asset.code,
        assetScale: payment.asset.scale
      })
      const receiver: Receiver = {
        incomingPaymentUrl: url,
        walletAddressUrl: payee.address,
        asset: payment.asset,
        receivedAmount: amount(received ?? 0n),
        completed: payment.state === 'COMPLETED',
        expiresAt: payment.expiresAt,
        createdAt: payment.createdAt,
        localPaymentId: payment.id,
        ...(payment.incomingAmount !== undefined && { incomingAmount: amount(payment.incomingAmount) }),
        ...(method && {
          credentials: { destination: method.ilpAddress, sharedSecret: method.sharedSecret }
        })
      }
      return receiver
    }
  }

  async function stopNodes(): Promise<void> {
    for (const node of nodes) await node.stop()
  }

  async function passTime(): Promise<void> {
    await clock.advance(500)
    for (let statement = 0; statement < 3; statement++) await database.ping()
  }

  async function row(id: string): Promise<PaymentRow> {
    const found = await database.knex('outgoingPayments').where({ id }).first<PaymentRow | undefined>()
    if (!found) throw new Error(`there is no payment ${id}`)
    return found
  }

  async function quote(node: TestNode, url: string, amounts: { debit?: bigint; receive?: bigint } = {}) {
    const quoted = await node.quotes.create({
      tenantId: TENANT_ID,
      walletAddressId: payer.id,
      receiver: url,
      ...(amounts.debit !== undefined && {
        debitAmount: { value: amounts.debit, assetCode: 'USD', assetScale: 2 }
      }),
      ...(amounts.receive !== undefined && {
        receiveAmount: { value: amounts.receive, assetCode: 'EUR', assetScale: 2 }
      })
    })
    if (isFailure(quoted)) throw new Error(`${quoted.failure}: ${quoted.message}`)
    return quoted
  }

  async function create(node: TestNode, url: string, amounts?: { debit?: bigint; receive?: bigint }) {
    const { id } = await quote(node, url, amounts)
    const created = await node.outgoingPayments.create({
      tenantId: TENANT_ID,
      walletAddressId: payer.id,
      quoteId: id,
      initiatedBy: 'ADMIN'
    })
    if (isFailure(created)) throw new Error(`${created.failure}: ${created.message}`)
    return created.payment
  }

  async function fund(node: TestNode, { id }: OutgoingPayment) {
    const funded = await node.outgoingPayments.fund({ id, tenantId: TENANT_ID })
    if (isFailure(funded)) throw new Error(`${funded.failure}: ${funded.message}`)
    return funded
  }

  return {
    test,
    clock,
    database,
    ledger,
    liquidity,
    remote,
    usd,
    eur,
    payer,
    payee,
    fee,
    createNode,
    passTime,
    row,
    quote,
    create,
    fund,
    async pay(node, url, amounts) {
      return fund(node, await create(node, url, amounts))
    },
    async createLocalPayment(node, incomingAmount) {
      const payment = await node.incomingPayments.create({
        tenantId: TENANT_ID,
        walletAddressId: payee.id,
        initiatedBy: 'ADMIN',
        ...(incomingAmount !== undefined && {
          incomingAmount: { value: incomingAmount, assetCode: 'EUR', assetScale: 2 }
        })
      })
      if (isFailure(payment)) throw new Error(`${payment.failure}: ${payment.message}`)
      return payment
    },
    async ended(id, { advance } = { advance: false }) {
      await until(async () => {
        if ((await row(id)).state !== 'SENDING') return true
        if (advance) await passTime()
        return false
      })
      return row(id)
    },
    async events(id) {
      return database
        .knex<{ type: string; data: Record<string, never>; withdrawalAmount: bigint | null }>('webhookEvents')
        .whereRaw('? IN ("outgoingPaymentId", "incomingPaymentId")', [id])
        .orderByRaw('sequence')
        .select('type', 'data', 'withdrawalAmount')
    },
    async audit() {
      const problems: string[] = []
      for (const totals of await ledger.totals()) {
        if (totals.debitsPosted !== totals.creditsPosted)
          problems.push(`ledger ${totals.ledger} is not zero-sum`)
        if (totals.debitsPending !== 0n || totals.creditsPending !== 0n) {
          problems.push(`ledger ${totals.ledger} has ${totals.debitsPending} pending`)
        }
        for (const id of totals.overdrawnAccountIds) problems.push(`account ${idToUuid(id)} is overdrawn`)
      }
      return problems
    },
    stopNodes,
    peerBalance: async () => (await liquidity.balance(peer.id)) ?? 0n,
    async close() {
      await stopNodes()
      await sharedWriter.close()
      await test.close()
    }
  }
}

/** The balance of a payment's own account. */
export async function accountBalance(lab: PaymentsLab, id: string): Promise<bigint> {
  const [account] = await lab.ledger.lookupAccounts([uuidToId(id)])
  return account ? account.creditsPosted - account.debitsPosted - account.debitsPending : 0n
}
