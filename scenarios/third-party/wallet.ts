import { randomBytes, randomUUID } from 'node:crypto'
import type { IncomingMessage, ServerResponse } from 'node:http'
import { json } from 'node:stream/consumers'
import { createServer } from 'ilp-protocol-stream'
import type { Connection, DataAndMoneyStream, Server as StreamServer } from 'ilp-protocol-stream'
import { serveHttp } from '../../node/runtime/index.ts'
import type { Runtime } from '../../node/runtime/index.ts'
import type { WireAmount } from '../../sim/actors/payer.ts'
import type { AssetId } from '../../sim/topology/model.ts'
import type { StreamPeer } from './stream-peer.ts'

/** An incoming payment as the third party keeps it. Amounts are minor units of its asset. */
export interface ThirdPartyPayment {
  url: string
  incomingAmount: bigint
  received: bigint
  /** Packets that brought money. */
  packets: number
}

/** The wallet of a third party that owes our code nothing but the plain HTTP server under it. */
export interface ThirdPartyWallet {
  walletAddressUrl: string
  payments: readonly ThirdPartyPayment[]
  close(): Promise<void>
}

interface CreateRequest {
  walletAddress: string
  incomingAmount: WireAmount
}

interface GrantRequest {
  access_token: { access: unknown[] }
}

/**
 * One wallet address with its Open Payments routes and an authorization server (Wallet Address, Grant Request, Create
 * and Get Incoming Payment), paid by the STREAM server of `ilp-protocol-stream` (RFC 29) behind a peer of the node.
 * It gives a token to whoever asks and does not verify signatures: what is tested is whether it can be paid.
 */
export async function openThirdPartyWallet(
  runtime: Runtime,
  { peer, asset }: { peer: StreamPeer; asset: AssetId }
): Promise<ThirdPartyWallet> {
  const payments = new Map<string, ThirdPartyPayment & { createdAt: string }>()
  const tokens = new Set<string>()
  const stream: StreamServer = await createServer({ plugin: peer.plugin })
  stream.on('connection', (connection: Connection) => {
    const payment = payments.get(connection.connectionTag ?? '')
    if (!payment) return void connection.destroy()
    connection.on('stream', (money: DataAndMoneyStream) => {
      money.setReceiveMax((payment.incomingAmount - payment.received).toString())
      money.on('money', (amount: string) => {
        payment.received += BigInt(amount)
        payment.packets += 1
      })
    })
  })

  const server = await serveHttp(runtime, { host: '127.0.0.1', port: 0 }, (request, response) => {
    answer(request, response).catch((error: unknown) => {
      runtime.logger.error({ err: error, url: request.url }, 'the third party could not answer')
      response.destroy()
    })
  })
  // Wallet addresses are https everywhere; the network under test speaks http.
  const base = `https://localhost:${server.address.port}`
  const walletAddressUrl = `${base}/shop`
  const amount = (value: bigint): WireAmount => ({
    value: value.toString(),
    assetCode: asset.code,
    assetScale: asset.scale
  })

  async function answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const send = (status: number, body: object) =>
      void response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body))
    const refuse = (status: number, code: string) =>
      send(status, { error: { code, description: `${request.method} ${request.url}` } })
    const route = `${request.method} ${request.url}`
    const authorization = request.headers.authorization

    if (route === 'GET /shop') {
      return send(200, {
        id: walletAddressUrl,
        assetCode: asset.code,
        assetScale: asset.scale,
        authServer: `${base}/auth`,
        resourceServer: base
      })
    }
    if (route === 'POST /auth') return send(200, grant((await json(request)) as GrantRequest))
    const known = authorization !== undefined && tokens.has(authorization.replace(/^GNAP /, ''))
    if (authorization !== undefined && !known) return refuse(401, 'invalid_client')
    if (route === 'POST /incoming-payments') {
      if (!known) return refuse(401, 'invalid_client')
      return send(201, view(create((await json(request)) as CreateRequest)))
    }
    const id = /^GET \/incoming-payments\/([^/]+)$/.exec(route)?.[1]
    if (id === undefined || !payments.has(id)) return refuse(404, 'not_found')
    send(
      200,
      known ? view(id) : { authServer: `${base}/auth`, receivedAmount: amount(payments.get(id)!.received) }
    )
  }

  function grant({ access_token: { access } }: GrantRequest): object {
    const value = randomBytes(16).toString('hex')
    tokens.add(value)
    const handle = randomUUID()
    return {
      access_token: { value, manage: `${base}/auth/token/${handle}`, access },
      continue: { access_token: { value: randomUUID() }, uri: `${base}/auth/continue/${handle}` }
    }
  }

  function create({ incomingAmount }: CreateRequest): string {
    const id = randomUUID()
    payments.set(id, {
      url: `${base}/incoming-payments/${id}`,
      incomingAmount: BigInt(incomingAmount.value),
      received: 0n,
      packets: 0,
      createdAt: new Date().toISOString()
    })
    return id
  }

  /** The authenticated view: as long as money is taken, with credentials of the library's STREAM server. */
  function view(id: string): object {
    const { url, incomingAmount, received, createdAt } = payments.get(id)!
    const completed = received >= incomingAmount
    const { destinationAccount, sharedSecret } = stream.generateAddressAndSecret({ connectionTag: id })
    return {
      id: url,
      walletAddress: walletAddressUrl,
      completed,
      incomingAmount: amount(incomingAmount),
      receivedAmount: amount(received),
      createdAt,
      methods: completed
        ? []
        : [{ type: 'ilp', ilpAddress: destinationAccount, sharedSecret: sharedSecret.toString('base64url') }]
    }
  }

  return {
    walletAddressUrl,
    get payments() {
      return [...payments.values()]
    },
    async close() {
      await stream.close()
      await server.stop(1_000)
    }
  }
}
