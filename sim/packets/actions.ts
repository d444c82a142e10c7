import {
  StreamMoneyFrame,
  conditionOf,
  createRatio,
  decryptStreamPacket,
  deriveStreamKeys,
  encryptStreamPacket,
  floorTimes,
  fulfillmentOf,
  readReceiverNews,
  sendStream
} from '../../node/ilp/index.ts'
import type { IlpPrepare, StreamSendResult } from '../../node/ilp/index.ts'
import type { EndPeer, SentPrepare } from './end.ts'
import type { Action, ActionOf } from './history.ts'
import { pathRatio } from './network.ts'
import type { PacketNetwork } from './network.ts'
import type { PacketTarget } from './target.ts'
import { never } from './watched.ts'
import type { PacketTrace } from './trace.ts'

/** A payment of a node's customer. */
export interface PaymentRecord {
  node: string
  incarnation: number
  customerId: bigint
  budget: bigint
  deliver: bigint
  targetNode: string
  target: PacketTarget
  traces: PacketTrace[]
  result: StreamSendResult | undefined
  error: unknown
}

/** A STREAM connection of an end peer, to check what the receiver tells of it. */
interface StreamTold {
  target: PacketTarget
  node: string
  /** What was credited of each: by one packet, and by all that came under its condition. */
  requests: { sent: SentPrepare; credited: () => { once: bigint; inAll: bigint } }[]
}

export interface ActionRecords {
  payments: PaymentRecord[]
  /** Prepares of end peers that went out, with what is to become of them. */
  sent: { action: ActionOf<'packets'>; end: EndPeer; request: SentPrepare; isRepeat: boolean }[]
}

/** Does what an action says, now or (`packets`) from now on. */
export function createActor(network: PacketNetwork): {
  act(action: Action): Promise<void>
  /** Payments send nothing more. */
  stopPaying(): void
  records: ActionRecords
} {
  const { world, recorder, ends } = network
  const records: ActionRecords = { payments: [], sent: [] }
  const stop = new AbortController()
  const later = (delayMs: number, work: () => void) => world.scheduler.after(delayMs, work, { owner: null })

  async function sendPackets(action: ActionOf<'packets'>): Promise<void> {
    const end = ends[action.from]
    const other = ends[action.from === 'left' ? 'right' : 'left']
    const make = action.to === 'account' ? await prepareForAccount(action) : prepareFor(action, other)
    for (let index = 0; index < action.count; index += 1) later(index * action.everyMs, sendOne)

    function sendOne(): void {
      const prepare = make()
      const request = end.send(prepare)
      if (request === undefined) return recorder.reach('an end is not connected')
      records.sent.push({ action, end, request, isRepeat: false })
      if (action.repeatAfterMs < 0) return
      later(action.repeatAfterMs, () => {
        const again = end.send(prepare)
        if (again) records.sent.push({ action, end, request: again, isRepeat: true })
      })
    }
  }

  function prepareFor(action: ActionOf<'packets'>, other: EndPeer): () => IlpPrepare {
    const destination = {
      end: `test.${other.name}.someone`,
      nowhere: 'test.nowhere.someone',
      nearly: `test.${other.name}x.someone`,
      peer: 'peer.someone',
      itself: `test.${action.from}.someone`,
      account: ''
    }[action.to]
    return () => {
      const fulfillment = world.bytes(32)
      const executionCondition = conditionOf(fulfillment)
      network.secrets.set(executionCondition.toString('hex'), { fulfillment, answer: action.answer })
      return {
        amount: action.amount,
        executionCondition,
        expiresAtMs: ends[action.from].process.clock.nowMs() + action.lifetimeMs,
        destination,
        data: Buffer.alloc(0)
      }
    }
  }

  /** Packets of one STREAM connection to a fresh account. */
  async function prepareForAccount(action: ActionOf<'packets'>): Promise<() => IlpPrepare> {
    const node = network.node(action.node)
    const target = await node.addTarget(node.plan.link.asset)
    const { random, clock } = ends[action.from].process
    const { ilpAddress: destination, sharedSecret } = node.credentials(target.id, random)
    const keys = deriveStreamKeys(sharedSecret)
    let sequence = 0n
    const told: StreamTold = { target, node: node.name, requests: [] }
    return () => {
      const frames = [new StreamMoneyFrame(1, 1)]
      const data = encryptStreamPacket(
        keys,
        { sequence: ++sequence, type: 12, prepareAmount: 0n, frames },
        random
      )
      const executionCondition = conditionOf(fulfillmentOf(keys, data))
      const prepare = {
        amount: action.amount,
        executionCondition,
        expiresAtMs: clock.nowMs() + action.lifetimeMs,
        destination,
        data
      }
      const knownBefore = creditedOf(told)
      later(0, () => follow(told, keys, prepare, knownBefore))
      return prepare
    }
  }

  /** What is known to be fulfilled of a connection, in the account's units. */
  function creditedOf({ requests }: StreamTold): bigint {
    return requests.reduce(
      (sum, { sent, credited }) => (sent.reply?.type === 'fulfill' ? sum + credited().once : sum),
      0n
    )
  }

  /** The receiver's total is at least what the payer knew before it sent the packet, and no more than was credited. */
  function follow(
    told: StreamTold,
    keys: ReturnType<typeof deriveStreamKeys>,
    prepare: IlpPrepare,
    knownBefore: bigint
  ): void {
    const condition = prepare.executionCondition.toString('hex')
    const found = records.sent.findLast(({ request }) => request.prepare === prepare)
    if (!found) return
    const credited = () => {
      const credits = recorder.traces
        .filter((one) => one.condition === condition && one.party === told.node && one.isPosted)
        .map(({ posted }) => posted.get(told.target.accountId) ?? 0n)
      return { once: credits[0] ?? 0n, inAll: credits.reduce((sum, credit) => sum + credit, 0n) }
    }
    told.requests.push({ sent: found.request, credited })
    found.request.whenHeard = () => {
      const { reply } = found.request
      const packet = reply && decryptStreamPacket(keys, reply.data)
      const total = packet && readReceiverNews(packet.frames).totalReceived
      if (total === undefined) return
      const posted = told.requests.reduce((sum, request) => sum + request.credited().inAll, 0n)
      if (total > posted || total < knownBefore)
        recorder.violate(
          'totals are the ledger’s',
          `${told.node} tells that ${total} arrived on a connection; it has ${posted}, and its payer knew of ${knownBefore} before`
        )
    }
  }

  async function pay(action: ActionOf<'payment'>): Promise<void> {
    const from = network.node(action.from)
    const to = network.node(action.to)
    const running = from.current
    if (running === undefined || from === to) return
    const { process, connector } = running
    const source = from.plan.link.asset
    const destination = to.plan.link.asset
    const link = (hop: number) => network.links[hop]!.plan.asset
    const places = [network.nodes.indexOf(from), network.nodes.indexOf(to)] as const
    const ratio = pathRatio(network, ...places, { source, destination, link })
    if (ratio === undefined) return
    const expected = floorTimes(action.budget, createRatio(ratio.numerator, ratio.denominator))
    const deliver = (expected * BigInt(1_000 - action.slippagePermille)) / 1_000n
    if (deliver === 0n) return
    const receiveMax =
      action.takesPermille < 1_000 ? (deliver * BigInt(action.takesPermille)) / 1_000n : undefined
    const target = await to.addTarget(destination, receiveMax)
    const customer = await from.addCustomer(source, action.budget)
    const record: PaymentRecord = {
      node: from.name,
      incarnation: running.number,
      customerId: customer.id,
      budget: action.budget,
      deliver,
      targetNode: to.name,
      target,
      traces: [],
      result: undefined,
      error: undefined
    }
    records.payments.push(record)
    const { ilpAddress, sharedSecret } = to.credentials(target.id, process.random)
    const send = connector.senderFor({
      tenantId: customer.asset.tenantId,
      asset: customer.asset,
      account: { id: customer.id, paymentId: customer.paymentId, epoch: 1 }
    })
    const { clock, random } = process
    process
      .run(() =>
        sendStream({
          credentials: { destination: ilpAddress, sharedSecret },
          clock,
          random,
          signal: stop.signal,
          sourceBudget: action.budget,
          deliver,
          minimumRate: createRatio(deliver, action.budget),
          async sendPacket(packet) {
            if (process.owner.killed) return never()
            const trace = recorder.arrived(from.name, running.number, clock.nowMs(), packet, {
              accountId: customer.id,
              asset: source,
              isProbe: packet.isProbe
            })
            record.traces.push(trace)
            const reply = await recorder.context.run(trace, () => send(packet))
            if (!process.owner.killed) recorder.answered(trace, clock.nowMs(), reply)
            return reply
          }
        })
      )
      .then(
        (result) => {
          record.result = result
          recorder.note(
            from.name,
            `its payment ends: ${result.outcome}, sent ${result.sent}, delivered ${result.delivered}`
          )
          recorder.reach(`a payment ends: ${result.outcome}`)
        },
        (error: unknown) => {
          record.error = error
          recorder.violate('a payment ends', `the payment of ${from.name} threw: ${String(error)}`)
        }
      )
  }

  return {
    records,
    stopPaying: () => stop.abort(),
    async act(action) {
      switch (action.do) {
        case 'packets':
          return sendPackets(action)
        case 'payment':
          return pay(action)
        case 'settle': {
          const node = network.node(action.node)
          const link = node.links[action.link % node.links.length]!
          const isBooked = await node.settle(link, action.account, action.way, action.amount)
          recorder.note(
            node.name,
            `${isBooked ? 'books' : 'cannot book'} a ${action.way} of ${action.amount}`
          )
          return
        }
        case 'rate':
          recorder.note(network.node(action.node).name, `changes its price of ${action.asset}`)
          return network.node(action.node).setPrice(action.asset, action.permille)
        case 'limit': {
          const node = network.node(action.node)
          return node.changePeer(node.links[action.link % node.links.length]!, {
            maxPacketAmount: action.maxPacketAmount
          })
        }
        case 'route': {
          const node = network.node(action.node)
          return node.route(action.to, node.links[action.link % node.links.length]!)
        }
        case 'removePeer': {
          const node = network.node(action.node)
          const restore = node.forgetPeer(node.links[action.link % node.links.length]!)
          if (restore) later(action.forMs, restore)
        }
      }
    }
  }
}
