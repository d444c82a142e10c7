import { createStreamReceiver } from '../../ilp/index.ts'
import type { Ledger, LedgerWriter } from '../../ledger/index.ts'
import { idToUuid } from '../../runtime/index.ts'
import type { Clock } from '../../runtime/index.ts'
import { createConnector } from '../connector/index.ts'
import type { Transport } from '../connector/index.ts'
import { createIncomingPayments } from '../incoming-payments/index.ts'
import type { IncomingPayments } from '../incoming-payments/index.ts'
import { createPaths, createQuotes } from '../quotes/index.ts'
import type { Receiver, Receivers } from '../receivers/model.ts'
import { createOutbox } from '../webhooks/outbox.ts'
import { createOutgoingPayments } from './index.ts'
import type { PaymentsGround } from './payments-ground.test-support.ts'

/** One process of the node: it can be killed, as `kill -9` does, while the database and the ledger live on. */
export interface TestNode {
  incomingPayments: ReturnType<typeof createIncomingPayments>
  quotes: ReturnType<typeof createQuotes>
  outgoingPayments: ReturnType<typeof createOutgoingPayments>
  start(): Promise<void>
  stop(): Promise<void>
  kill(): void
}

/** A process on this ground, not started. */
export function createTestNode(ground: PaymentsGround): TestNode {
  const { test, clock, random, ledger, sharedWriter, liquidity, assets, tenants, walletAddresses } = ground
  const { peer, remote, fee, rates } = ground
  const { logger, config } = test
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
    outbox: createOutbox({ clock, random, logger, config }),
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
  const receivers = { get: receiverReader(ground, incomingPayments) }
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
  return node
}

/** Payments of this database are read from it, all others from the remote node. */
function receiverReader(
  { remote, payee }: PaymentsGround,
  incomingPayments: IncomingPayments
): Receivers['get'] {
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
