import { spawn } from 'node:child_process'
import path from 'node:path'
import { Redis } from 'ioredis'
import { verifyReceipt } from 'ilp-protocol-stream'
import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest'
import { signAdminRequest } from '../admin-api/index.ts'
import { risingTimestamps } from '../admin-api/rising-timestamps.test-support.ts'
import {
  conditionOf,
  createStreamReceiver,
  decodeReply,
  encodePrepare,
  isPacketError,
  ILDCP_CONDITION,
  ILDCP_DESTINATION
} from '../ilp/index.ts'
import type { IlpPrepare, IlpReply } from '../ilp/index.ts'
import {
  decryptStreamPacket,
  deriveStreamKeys,
  encryptStreamPacket,
  fulfillmentOf,
  StreamMoneyFrame
} from '../ilp/stream/codec.ts'
import type { Frame, StreamMaxMoneyFrame, StreamReceiptFrame } from '../ilp/stream/codec.ts'
import { createSystemRuntime } from '../runtime/index.ts'
import { createTestDatabase } from '../runtime/testing.ts'
import type { TestDatabase } from '../runtime/testing.ts'
import { OPERATOR_ID, TEST_ENVIRONMENT } from './testing.ts'

const MAIN = path.join(import.meta.dirname, 'main.ts')
const TOKEN = 'from-alice'
/** On a loaded machine too it takes no longer, and it is less than what is looked at again by itself takes (5 min). */
const MOST_WAIT_MS = 30_000
const RECEIPTS = { nonce: Buffer.alloc(16, 4), secret: Buffer.alloc(32, 5) }

interface Process {
  admin: string
  connector: string
  kill(signal: 'SIGTERM' | 'SIGKILL'): Promise<void>
}

const redisFound = inject('redis')
const isMissing = 'missing' in redisFound

/** Two processes of one backend, on one PostgreSQL and one Redis, behind no load balancer: the test is it. */
describe.skipIf(isMissing && process.env.CI !== 'true')('two processes of one backend', () => {
  const runtime = createSystemRuntime({ name: 'test', logLevel: 'silent' })
  let test: TestDatabase
  let redis: Redis
  const processes: Process[] = []
  const streamReceiver = createStreamReceiver({
    serverSecret: Buffer.from(TEST_ENVIRONMENT.STREAM_SECRET, 'base64'),
    random: runtime.random
  })
  let asset: { id: string; code: string; scale: number }
  let walletAddressId: string

  async function startProcess(): Promise<Process> {
    if ('missing' in redisFound) throw new Error(redisFound.missing)
    const { CACHE: _inProcess, ...environment } = TEST_ENVIRONMENT
    const child = spawn(process.execPath, [MAIN], {
      env: {
        PATH: process.env.PATH,
        ...environment,
        DATABASE_URL: test.url,
        REDIS_URL: redisFound.url,
        ADMIN_PORT: '0',
        OPEN_PAYMENTS_PORT: '0',
        CONNECTOR_PORT: '0'
      },
      stdio: ['ignore', 'pipe', 'inherit']
    })
    const ended = new Promise<void>((resolve) => child.once('close', () => resolve()))
    let output = ''
    const started = await new Promise<{ admin: string; connector: string }>((resolve, reject) => {
      child.stdout.on('data', (chunk: Buffer) => {
        output += chunk.toString()
        const line = output.split('\n').find((one) => one.includes('"event":"started"') && one.endsWith('}'))
        if (line) resolve(JSON.parse(line) as { admin: string; connector: string })
      })
      void ended.then(() => reject(new Error(`a process ended before it started: ${output}`)))
    })
    const running: Process = {
      ...started,
      async kill(signal) {
        child.kill(signal)
        await ended
      }
    }
    processes.push(running)
    return running
  }

  const nextMs = risingTimestamps(() => runtime.clock.nowMs())
  async function call<Answer>(at: Process, query: string, input: object = {}): Promise<Answer> {
    const body = { query, variables: { input } }
    const signature = signAdminRequest({
      body,
      secret: TEST_ENVIRONMENT.ADMIN_API_SECRET,
      version: 1,
      timestampMs: nextMs()
    })
    const response = await fetch(`http://${at.admin}/graphql`, {
      method: 'POST',
      headers: {
        'content-type': 'application/json',
        'tenant-id': OPERATOR_ID,
        signature
      },
      body: JSON.stringify(body)
    })
    const { data, errors } = (await response.json()) as { data: Answer; errors?: unknown }
    if (errors) throw new Error(JSON.stringify(errors))
    return data
  }

  async function createAsset(at: Process, code: string): Promise<typeof asset> {
    const { createAsset } = await call<{ createAsset: { asset: typeof asset } }>(
      at,
      `mutation ($input: CreateAssetInput!) { createAsset(input: $input) { asset { id code scale } } }`,
      { code, scale: 2 }
    )
    return createAsset.asset
  }

  async function createPeer(at: Process, settings: object): Promise<string> {
    const { createPeer } = await call<{ createPeer: { peer: { id: string } } }>(
      at,
      `mutation ($input: CreatePeerInput!) { createPeer(input: $input) { peer { id } } }`,
      settings
    )
    return createPeer.peer.id
  }

  async function createIncomingPayment(at: Process, incomingAmount?: bigint): Promise<string> {
    const { createIncomingPayment } = await call<{ createIncomingPayment: { payment: { id: string } } }>(
      at,
      `mutation ($input: CreateIncomingPaymentInput!) { createIncomingPayment(input: $input) { payment { id } } }`,
      {
        walletAddressId,
        ...(incomingAmount !== undefined && {
          incomingAmount: { value: incomingAmount.toString(), assetCode: 'USD', assetScale: 2 }
        })
      }
    )
    return createIncomingPayment.payment.id
  }

  /** One exchange of a peer with a process; `undefined` when it does not know the token. */
  async function exchange(at: Process, prepare: IlpPrepare, token = TOKEN): Promise<IlpReply | undefined> {
    const response = await fetch(`http://${at.connector}/`, {
      method: 'POST',
      headers: { authorization: `Bearer ${token}`, 'content-type': 'application/octet-stream' },
      body: new Uint8Array(encodePrepare(prepare))
    })
    if (response.status === 401) return undefined
    const reply = decodeReply(Buffer.from(await response.arrayBuffer()))
    if (isPacketError(reply)) throw new Error(reply.reason)
    return reply
  }

  /** A payer with one STREAM connection, whose packets it hands to whichever process it likes. */
  function connect(paymentTag: string) {
    const { ilpAddress, sharedSecret } = streamReceiver.createCredentials({
      serverAddress: TEST_ENVIRONMENT.ILP_ADDRESS,
      paymentTag,
      receipts: RECEIPTS
    })
    const keys = deriveStreamKeys(sharedSecret)
    let sequence = 0n
    async function exchangeOnce(at: Process, amount: bigint) {
      const frames = [new StreamMoneyFrame(1, 1)]
      const data = encryptStreamPacket(
        keys,
        { sequence: ++sequence, type: 12, prepareAmount: amount, frames },
        runtime.random
      )
      const reply = (await exchange(at, {
        amount,
        destination: ilpAddress,
        expiresAtMs: runtime.clock.nowMs() + 30_000,
        executionCondition: conditionOf(fulfillmentOf(keys, data)),
        data
      }))!
      const answer = decryptStreamPacket(keys, reply.data)
      return { reply, told: { type: reply.type, ...(answer && moneyOf(answer.frames)) } }
    }
    return async (at: Process, amount: bigint) => {
      const startMs = runtime.clock.monotonicMs()
      for (;;) {
        const { reply, told } = await exchangeOnce(at, amount)
        // Where Redis is slow on a loaded machine, nothing may be taken for a moment: payers ask again (RFC 27, T03).
        const isLater = reply.type === 'reject' && reply.code === 'T03' && /may complete/.test(reply.message)
        if (!isLater || runtime.clock.monotonicMs() - startMs > MOST_WAIT_MS) return told
      }
    }
  }

  function moneyOf(frames: readonly Frame[]) {
    const money = frames.find((frame): frame is StreamMaxMoneyFrame => 'totalReceived' in frame)
    const receipt = frames.find((frame): frame is StreamReceiptFrame => 'receipt' in frame)
    return {
      ...(money && {
        total: BigInt(money.totalReceived.toString()),
        max: BigInt(money.receiveMax.toString())
      }),
      ...(receipt && {
        receipt: BigInt(verifyReceipt(receipt.receipt, RECEIPTS.secret).totalReceived.toString())
      })
    }
  }

  async function receivedAmount(at: Process, id: string): Promise<{ state: string; value: bigint }> {
    const { incomingPayment } = await call<{
      incomingPayment: { state: string; receivedAmount: { value: string } }
    }>(at, `{ incomingPayment(id: "${id}") { state receivedAmount { value } } }`)
    return { state: incomingPayment.state, value: BigInt(incomingPayment.receivedAmount.value) }
  }

  async function untilIt(condition: () => Promise<boolean>): Promise<void> {
    const startMs = runtime.clock.monotonicMs()
    while (!(await condition())) {
      if (runtime.clock.monotonicMs() - startMs > MOST_WAIT_MS) throw new Error('it never held')
      await new Promise((resolve) => setImmediate(resolve))
    }
  }

  let one: Process
  let two: Process

  beforeAll(async () => {
    if ('missing' in redisFound) throw new Error(`${redisFound.missing}, and CI=true allows no skip`)
    redis = new Redis(redisFound.url)
    test = await createTestDatabase(inject('postgresUrl'))
    ;[one, two] = await Promise.all([startProcess(), startProcess()])
    asset = await createAsset(one, 'USD')
    await createPeer(one, {
      staticIlpAddress: 'test.alice',
      assetId: asset.id,
      http: {
        incoming: { authTokens: [TOKEN] },
        outgoing: { authToken: 'x', endpoint: 'http://127.0.0.1:1/' }
      },
      initialLiquidity: '1000000000'
    })
    const { createWalletAddress } = await call<{ createWalletAddress: { walletAddress: { id: string } } }>(
      one,
      `mutation ($input: CreateWalletAddressInput!) { createWalletAddress(input: $input) { walletAddress { id } } }`,
      { assetId: asset.id, address: 'https://localhost:3003/bob', additionalProperties: [] }
    )
    walletAddressId = createWalletAddress.walletAddress.id
  })
  afterAll(async () => {
    for (const running of processes) await running.kill('SIGTERM')
    redis?.disconnect()
    await test?.drop()
    runtime.kill()
  })

  it('tell the right total in every answer and receipt of a connection that is split packet by packet', async () => {
    const id = await createIncomingPayment(one, 100_000n)
    const send = connect(id)
    let sum = 0n
    for (let packet = 0; packet < 40; packet += 1) {
      const amount = BigInt(1 + (packet % 7))
      sum += amount
      expect(await send(packet % 2 === 0 ? one : two, amount)).toEqual({
        type: 'fulfill',
        total: sum,
        max: 100_000n,
        receipt: sum
      })
    }
    // Many at once: in each process totals rise packet by packet, and none exceeds what was sent.
    const burst = await Promise.all(
      Array.from({ length: 200 }, (_, packet) => send(packet % 2 === 0 ? one : two, 3n))
    )
    for (const process of [0, 1]) {
      const totals = burst.filter((_, packet) => packet % 2 === process).map(({ total }) => total!)
      expect(new Set(totals).size).toBe(totals.length)
      for (const total of totals) expect(total > sum && total <= sum + 600n).toBe(true)
    }
    sum += 600n
    for (const at of [one, two]) {
      expect(await send(at, 0n)).toMatchObject({ type: 'fulfill', total: sum, receipt: sum })
      sum += 1n
      expect(await send(at, 1n)).toMatchObject({ total: sum, receipt: sum })
      expect((await receivedAmount(at, id)).value).toBe(sum)
    }
  })

  it('count connections apart, and take no more than the payment asks for over both', async () => {
    const id = await createIncomingPayment(one, 100n)
    const [send, other] = [connect(id), connect(id)]
    expect(await other(two, 10n)).toMatchObject({ total: 10n, max: 100n })
    expect(await send(two, 20n)).toMatchObject({ total: 20n, max: 90n })
    expect(await other(two, 10n)).toMatchObject({ total: 20n, max: 80n })
    expect(await send(one, 40n)).toMatchObject({ total: 60n, max: 80n })
    expect(await send(one, 20n)).toMatchObject({ total: 80n, max: 80n })
    expect((await send(one, 1n)).type).toBe('reject')
    await untilIt(async () => (await receivedAmount(two, id)).state === 'COMPLETED')
    expect((await receivedAmount(two, id)).value).toBe(100n)
  })

  it('take no more on a connection over both than the payment asks for', async () => {
    const id = await createIncomingPayment(one, 100n)
    const send = connect(id)
    for (const [at, amount] of [
      [one, 40n],
      [two, 20n],
      [one, 30n],
      [two, 5n],
      [one, 5n]
    ] as const) {
      expect(await send(at, amount)).toMatchObject({ type: 'fulfill', max: 100n })
    }
    // Each knows by the connection's total what the other credited, before it lets a packet in.
    expect((await send(two, 1n)).type).toBe('reject')
    expect((await send(one, 1n)).type).toBe('reject')
    await untilIt(async () => (await receivedAmount(two, id)).state === 'COMPLETED')
    expect((await receivedAmount(two, id)).value).toBe(100n)
  })

  it('take no more than a payment asks for when packets reach both at once, on one connection or on many', async () => {
    for (const isOneConnection of [true, false]) {
      const id = await createIncomingPayment(one, 1_000n)
      const shared = connect(id)
      const answers = await Promise.all(
        Array.from({ length: 60 }, (_, packet) => {
          const send = isOneConnection ? shared : connect(id)
          return send(packet % 2 === 0 ? one : two, 100n)
        })
      )
      expect(answers.filter(({ type }) => type === 'fulfill').length).toBe(10)
      await untilIt(async () => (await receivedAmount(two, id)).state === 'COMPLETED')
      expect((await receivedAmount(one, id)).value).toBe(1_000n)
    }
  })

  it('rebuild totals from the ledger when Redis lost them', async () => {
    const send = connect(await createIncomingPayment(one))
    await send(one, 5n)
    await send(two, 7n)
    await send(two, 11n)
    await redis.flushall()
    expect(await send(one, 1n)).toMatchObject({ total: 24n, receipt: 24n })
    await redis.flushall()
    expect(await send(two, 1n)).toMatchObject({ total: 25n, receipt: 25n })
    expect(await send(one, 1n)).toMatchObject({ total: 26n, receipt: 26n })
  })

  it('see changes of assets, peers and routes that the other made, told by notifications', async () => {
    const ildcp = (at: Process, token: string) =>
      exchange(
        at,
        {
          amount: 0n,
          destination: ILDCP_DESTINATION,
          expiresAtMs: runtime.clock.nowMs() + 10_000,
          executionCondition: ILDCP_CONDITION,
          data: Buffer.alloc(0)
        },
        token
      )
    const gold = await createAsset(one, 'XAU')
    await untilIt(async () => {
      const { assetByCodeAndScale } = await call<{ assetByCodeAndScale: { id: string } | null }>(
        two,
        `{ assetByCodeAndScale(code: "XAU", scale: 2) { id } }`
      )
      return assetByCodeAndScale?.id === gold.id
    })
    await call(one, `mutation ($input: UpdateAssetInput!) { updateAsset(input: $input) { asset { id } } }`, {
      id: gold.id,
      liquidityThreshold: '77'
    })
    await untilIt(async () => {
      const { assetByCodeAndScale } = await call<{
        assetByCodeAndScale: { liquidityThreshold: string | null }
      }>(two, `{ assetByCodeAndScale(code: "XAU", scale: 2) { liquidityThreshold } }`)
      return assetByCodeAndScale.liquidityThreshold === '77'
    })
    const peerId = await createPeer(one, {
      staticIlpAddress: 'test.carol',
      assetId: gold.id,
      http: {
        incoming: { authTokens: ['from-carol'] },
        outgoing: { authToken: 'x', endpoint: 'http://127.0.0.1:1/' }
      }
    })
    await untilIt(async () => {
      const reply = await ildcp(two, 'from-carol')
      // Its asset, which is new here too, is in the answer.
      return reply?.type === 'fulfill' && reply.data.includes('XAU')
    })

    // A route: the packet is forwarded (to a peer that cannot be reached) instead of being unknown.
    const toElsewhere = async () => {
      const reply = await exchange(two, {
        amount: 0n,
        destination: 'test.elsewhere.x',
        expiresAtMs: runtime.clock.nowMs() + 10_000,
        executionCondition: conditionOf(runtime.random.bytes(32)),
        data: Buffer.alloc(0)
      })
      return reply?.type === 'reject' ? reply.code : undefined
    }
    expect(await toElsewhere()).toBe('F02')
    const update = (change: object) =>
      call(one, `mutation ($input: UpdatePeerInput!) { updatePeer(input: $input) { peer { id } } }`, {
        id: peerId,
        ...change
      })
    await update({ routes: ['test.elsewhere'] })
    await untilIt(async () => (await toElsewhere()) !== 'F02')
    await update({ routes: [] })
    await untilIt(async () => (await toElsewhere()) === 'F02')
    await update({
      http: {
        incoming: { authTokens: ['from-carol-2'] },
        outgoing: { authToken: 'x', endpoint: 'http://127.0.0.1:1/' }
      }
    })
    await untilIt(async () => (await ildcp(two, 'from-carol')) === undefined)
  })

  it('tell a payer exactly what arrived when one of them was killed in the middle', async () => {
    const id = await createIncomingPayment(one)
    const [send, other] = [connect(id), connect(id)]
    await other(two, 1_000n)
    let fulfills = 0
    const packets = Array.from({ length: 300 }, async () => {
      try {
        const { type } = await send(one, 2n)
        if (type === 'fulfill') fulfills += 1
      } catch {
        // Its answer was lost with the process: that is what the payer then asks about.
      }
    })
    await untilIt(async () => fulfills > 20)
    await one.kill('SIGKILL')
    await Promise.all(packets)
    // PostgreSQL may still commit what the killed process had sent it: asked until nothing came in between.
    let arrived: bigint
    let told: Awaited<ReturnType<typeof send>>
    do {
      arrived = (await receivedAmount(two, id)).value - 1_000n
      told = await send(two, 0n)
    } while ((await receivedAmount(two, id)).value - 1_000n !== arrived)
    expect(arrived >= BigInt(fulfills) * 2n).toBe(true)
    expect(told).toMatchObject({ type: 'fulfill', total: arrived, receipt: arrived })
    expect(await send(two, 1n)).toMatchObject({ total: arrived + 1n })
    expect(await other(two, 1n)).toMatchObject({ total: 1_001n })
  })
})
