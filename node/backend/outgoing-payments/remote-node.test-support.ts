import {
  createReject,
  createStreamReceiver,
  decodePrepare,
  encodeReply,
  floorTimes,
  isPacketError
} from '../../ilp/index.ts'
import type { IlpPrepare, IlpReply, Ratio, StreamReceiver } from '../../ilp/index.ts'
import type { Asset } from '../assets/model.ts'
import type { TransportOutcome } from '../connector/index.ts'
import { failure } from '../model.ts'
import type { ReceiverFailure, Receivers } from '../receivers/model.ts'
import type { TestBackend } from '../testing.ts'

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
  /** What whoever reads its payments is told instead of what is true; undefined: the truth. */
  lie: (() => { asset?: Pick<Asset, 'code' | 'scale'> } | { failure: ReceiverFailure }) | undefined
  /** What senders said to it, in the order of arrival. */
  readonly heard: string[]
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

export const REMOTE_ADDRESS = 'test.baobab'

/** What the peer's transport and the reading of receivers reach. */
export interface ReachableRemoteNode extends RemoteNode {
  receive(bytes: Buffer): Promise<TransportOutcome>
  read: Receivers['get']
}

export function createRemoteNode({ random }: Pick<TestBackend, 'random'>, asset: Asset): ReachableRemoteNode {
  const receiver: StreamReceiver = createStreamReceiver({
    serverSecret: Buffer.alloc(32, 9),
    random
  })
  const payments = new Map<string, RemotePayment>()
  const idOf = (url: string) => url.slice(url.lastIndexOf('/') + 1)
  const paymentAt = (url: string) => {
    const payment = payments.get(idOf(url))
    if (!payment) throw new Error(`there is no remote payment ${url}`)
    return payment
  }

  const remote: ReachableRemoteNode = {
    rate: { numerator: 1n, denominator: 1n },
    maxPacketAmount: undefined,
    totals: 'connections',
    fate: () => 'answer',
    lie: undefined,
    packets: [],
    heard: [],
    createPayment({ incomingAmount, received = 0n }) {
      const id = random.uuid()
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
      const told = remote.lie?.()
      if (told && 'failure' in told) return failure(told.failure)
      const seen = { ...asset, ...told?.asset }
      const completed = payment.isClosed || payment.received >= (payment.incomingAmount ?? Infinity)
      const amount = (value: bigint) => ({ value, assetCode: seen.code, assetScale: seen.scale })
      const { ilpAddress, sharedSecret } = receiver.createCredentials({
        serverAddress: REMOTE_ADDRESS,
        paymentTag: idOf(url),
        asset
      })
      return {
        incomingPaymentUrl: url,
        walletAddressUrl: 'https://baobab.example/bob',
        asset: seen,
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
    if (request.applicationData) remote.heard.push(request.applicationData.toString())
    return request.accept(totalsWith(amount))
  }

  return remote
}
