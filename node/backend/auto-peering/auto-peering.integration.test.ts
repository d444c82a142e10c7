import { createHash } from 'node:crypto'
import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest'
import {
  CREATE_ASSET,
  CREATE_INCOMING,
  CREATE_OUTGOING,
  CREATE_PEER,
  CREATE_QUOTE,
  FUND
} from '../admin/operations.test-support.ts'
import { startTestNode } from '../open-payments/testing.ts'
import type { AdminError, TestNode } from '../open-payments/testing.ts'
import { createHttpClient, createSystemRuntime, serveHttp } from '../../runtime/index.ts'
import type { HttpResponse, HttpServer, Runtime } from '../../runtime/index.ts'
import { freePort } from '../../runtime/testing.ts'
import { OPERATOR_ID } from '../testing.ts'
import { PEERING_NONCE_HEADER, PEERING_URL_HEADER } from './proof.ts'

const PEER_BY_URL = `mutation ($input: CreateOrUpdatePeerByUrlInput!) { createOrUpdatePeerByUrl(input: $input) {
  peer { id name staticIlpAddress liquidity maxPacketAmount http { outgoing { endpoint authToken } } } } }`
const PEERS = `{ peers { edges { node { id name staticIlpAddress liquidity asset { code } maxPacketAmount
  http { outgoing { endpoint authToken } } } } } }`
const WAITING = `{ autoPeeringRequests { peerUrl staticIlpAddress ilpConnectorUrl assetCode assetScale name } }`

interface PeerView {
  id: string
  name: string
  staticIlpAddress: string
  liquidity: string
  asset: { code: string }
  maxPacketAmount: string | null
  http: { outgoing: { endpoint: string; authToken: string } }
}

interface Party {
  node: TestNode
  peeringUrl: string
  connectorUrl: string
  assets: Record<string, string>
}

describe('auto-peering', () => {
  let runtime: Runtime
  /** Its operator approves. It is called localhost. */
  let acacia: Party
  /** Peers with localhost and 127.0.0.1 in USD, with credit, and with nobody else. It is called 127.0.0.1. */
  let baobab: Party

  beforeAll(async () => {
    runtime = createSystemRuntime({ name: 'test', logLevel: 'fatal' })
    ;[acacia, baobab] = await Promise.all([
      start('acacia', 'localhost', {}),
      start('baobab', '127.0.0.1', {
        AUTO_PEERING_POLICY: 'allow-list',
        AUTO_PEERING_ALLOW: 'localhost,127.0.0.1',
        AUTO_PEERING_ASSETS: 'USD/2:100000'
      })
    ])
  })
  afterAll(async () => {
    await Promise.all([acacia.node.stop(), baobab.node.stop()])
    runtime.kill()
  })

  async function start(name: string, host: string, environment: Record<string, string>): Promise<Party> {
    const [peeringPort, connectorPort] = [await freePort(runtime), await freePort(runtime)]
    const peeringUrl = `http://${host}:${peeringPort}/`
    const connectorUrl = `http://${host}:${connectorPort}`
    const node = await startTestNode(inject('postgresUrl'), {
      backend: {
        INSTANCE_NAME: name,
        ILP_ADDRESS: `test.${name}`,
        SLIPPAGE: '0',
        ENABLE_AUTO_PEERING: 'true',
        AUTO_PEERING_SERVER_PORT: String(peeringPort),
        AUTO_PEERING_URL: peeringUrl,
        CONNECTOR_PORT: String(connectorPort),
        ILP_CONNECTOR_URL: connectorUrl,
        ...environment
      }
    })
    const assets: Record<string, string> = {}
    for (const code of ['USD', 'EUR', 'MXN']) {
      const { asset } = await call<{ asset: { id: string } }>(node, CREATE_ASSET, { code, scale: 2 })
      assets[code] = asset.id
    }
    return { node, peeringUrl, connectorUrl, assets }
  }

  async function call<Result>(node: TestNode, mutation: string, input: object): Promise<Result> {
    const { data, errors } = await node.admin<Record<string, Result>>(mutation, { input })
    if (errors || !data) throw new Error(JSON.stringify(errors))
    return Object.values(data)[0]!
  }

  async function peerWith(one: Party, other: Party, code: string, terms: object = {}): Promise<PeerView> {
    const input = { peerUrl: other.peeringUrl, assetId: one.assets[code], ...terms }
    return (await call<{ peer: PeerView }>(one.node, PEER_BY_URL, input)).peer
  }

  async function refusal(one: Party, peerUrl: string, code: string, terms: object = {}): Promise<AdminError> {
    const input = { peerUrl, assetId: one.assets[code], ...terms }
    const { errors } = await one.node.admin(PEER_BY_URL, { input })
    if (!errors) throw new Error('it was not refused')
    return errors[0]!
  }

  async function peersOf({ node }: Party): Promise<PeerView[]> {
    const { data } = await node.admin<{ peers: { edges: { node: PeerView }[] } }>(PEERS)
    return data!.peers.edges.map((edge) => edge.node)
  }

  async function waitingAt({ node }: Party): Promise<Record<string, unknown>[]> {
    const { data } = await node.admin<{ autoPeeringRequests: Record<string, unknown>[] }>(WAITING)
    return data!.autoPeeringRequests
  }

  async function post(url: string, body: object | string, headers: object = {}): Promise<HttpResponse> {
    const http = createHttpClient(runtime)
    try {
      return await http.request({
        method: 'POST',
        url,
        headers: { 'content-type': 'application/json', ...headers },
        body: typeof body === 'string' ? body : JSON.stringify(body)
      })
    } finally {
      await http.close()
    }
  }

  const typeOf = ({ status, body }: HttpResponse) => [
    status,
    (JSON.parse(body.toString()) as { error: { type: string } }).error.type
  ]

  /** As a stranger at acacia's host would write it. */
  const requestOf = (changes: object = {}) => ({
    staticIlpAddress: 'test.stranger',
    ilpConnectorUrl: 'http://localhost:1/',
    asset: { code: 'USD', scale: 2 },
    httpToken: 'stranger-token-stranger',
    ...changes
  })

  it('two nodes peer by URL with the credit that their operators set, and one pays an account of the other', async () => {
    const peer = await peerWith(acacia, baobab, 'USD', {
      liquidityToDeposit: '777',
      maxPacketAmount: '5000',
      liquidityThreshold: '5'
    })
    expect(peer).toMatchObject({
      name: 'baobab',
      staticIlpAddress: 'test.baobab',
      liquidity: '777',
      maxPacketAmount: '5000',
      http: { outgoing: { endpoint: baobab.connectorUrl } }
    })
    const [there] = await peersOf(baobab)
    expect(there).toMatchObject({
      name: 'acacia',
      staticIlpAddress: 'test.acacia',
      liquidity: '100000',
      maxPacketAmount: '5000',
      asset: { code: 'USD' },
      http: { outgoing: { endpoint: acacia.connectorUrl } }
    })

    await call(
      baobab.node,
      `mutation ($input: UpdatePeerInput!) { updatePeer(input: $input) { peer { id } } }`,
      {
        id: there!.id,
        liquidityThreshold: '99000'
      }
    )
    const alice = await acacia.node.createWalletAddress('alice', acacia.assets.USD!)
    const bob = await baobab.node.createWalletAddress('bob', baobab.assets.USD!)
    const incoming = await call<{ payment: { url: string } }>(baobab.node, CREATE_INCOMING, {
      walletAddressId: bob.id
    })
    const { quote } = await call<{ quote: { id: string } }>(acacia.node, CREATE_QUOTE, {
      walletAddressId: alice.id,
      receiver: incoming.payment.url,
      debitAmount: { value: '1500', assetCode: 'USD', assetScale: 2 }
    })
    const payment = { walletAddressId: alice.id, quoteId: quote.id }
    await call(acacia.node, CREATE_OUTGOING, payment)
    await acacia.node.told('outgoing_payment.created', quote.id)
    const idempotencyKey = acacia.node.runtime.random.uuid()
    await call(acacia.node, FUND, { outgoingPaymentId: quote.id, idempotencyKey })
    await acacia.node.told('outgoing_payment.completed', quote.id)
    expect((await peersOf(baobab))[0]!.liquidity).toBe('98500')
    expect((await peersOf(acacia))[0]!.liquidity).toBe('2277')
    const low = await baobab.node.told('peer.liquidity_low', there!.id)
    expect(low.data).toMatchObject({ liquidityThreshold: '99000', balance: '98500' })
  })

  it('asked again, both have new tokens, and no credit is given a second time', async () => {
    const before = { here: await peersOf(acacia), there: await peersOf(baobab) }
    await peerWith(acacia, baobab, 'USD', { name: 'renamed' })
    const after = { here: await peersOf(acacia), there: await peersOf(baobab) }
    for (const side of ['here', 'there'] as const) {
      expect(after[side]).toHaveLength(1)
      const [old, fresh] = [before[side][0]!, after[side][0]!]
      expect(fresh).toMatchObject({ id: old.id, liquidity: old.liquidity })
      expect(fresh.http.outgoing.authToken).not.toBe(old.http.outgoing.authToken)
    }
    expect(after.here[0]!.name).toBe('renamed')
  })

  it('asked again under one key, whose answer was not kept, credit is given once', async () => {
    const idempotencyKey = 'credit of acacia'
    const { liquidity } = await peerWith(acacia, baobab, 'USD')
    const terms = { liquidityToDeposit: '55', idempotencyKey }
    acacia.node.refuseCacheWrites('idempotency-result')
    try {
      for (const _ of [1, 2, 3]) {
        const peer = await peerWith(acacia, baobab, 'USD', terms)
        expect(BigInt(peer.liquidity)).toBe(BigInt(liquidity) + 55n)
      }
    } finally {
      acacia.node.refuseCacheWrites(undefined)
    }
    await peerWith(acacia, baobab, 'USD', { name: 'renamed' })
  })

  it('where the operator approves, nothing is created until he asks in turn; then both have what they agreed to', async () => {
    const error = await refusal(baobab, acacia.peeringUrl, 'EUR', {
      liquidityToDeposit: '300',
      name: 'friend'
    })
    expect(error).toMatchObject({
      message: 'Invalid peering request',
      extensions: {
        failure: 'InvalidPeeringRequest',
        details: { reason: expect.stringContaining('has to approve') }
      }
    })
    const inEuro = async (party: Party) =>
      (await peersOf(party))
        .filter(({ asset }) => asset.code === 'EUR')
        .map(({ name, liquidity }) => [name, liquidity])
    expect([await inEuro(acacia), await inEuro(baobab)]).toEqual([[], []])
    const waiting = await waitingAt(acacia)
    expect(waiting).toEqual([
      {
        peerUrl: baobab.peeringUrl,
        staticIlpAddress: 'test.baobab',
        ilpConnectorUrl: baobab.connectorUrl,
        assetCode: 'EUR',
        assetScale: 2,
        name: 'baobab'
      }
    ])
    // EUR is not among the assets of baobab's list: the invitation alone admits acacia.
    await peerWith(acacia, baobab, 'EUR', { liquidityToDeposit: '40' })
    expect(await inEuro(acacia)).toEqual([['baobab', '40']])
    expect(await inEuro(baobab)).toEqual([['friend', '300']])
    expect(await waitingAt(acacia)).toEqual([])
    // Approved once, it may renew its tokens by itself, and is credited nothing by us for that.
    await peerWith(baobab, acacia, 'EUR')
    expect(await inEuro(acacia)).toEqual([['baobab', '40']])
  })

  it('tells the initiator what the other side refuses', async () => {
    expect(await refusal(acacia, baobab.peeringUrl, 'MXN')).toMatchObject({
      message: 'Peer does not support asset',
      extensions: { code: 'BAD_USER_INPUT', failure: 'PeerUnsupportedAsset' }
    })
    for (const url of ['http://localhost:1/', 'nonsense', acacia.connectorUrl]) {
      expect([url, (await refusal(acacia, url, 'USD')).message]).toEqual([
        url,
        'Peer URL is invalid or peer does not support auto-peering'
      ])
    }
    const unknown = { assets: { USD: '99999999-9999-4999-8999-999999999999' } }
    expect(await refusal({ ...acacia, ...unknown }, baobab.peeringUrl, 'USD')).toMatchObject({
      extensions: { code: 'NOT_FOUND', failure: 'UnknownAsset' }
    })
    // A node that asks itself: acacia admits everybody's request, but not its own address.
    expect(await refusal(acacia, acacia.peeringUrl, 'USD')).toMatchObject({
      message: 'The ILP configuration is misconfigured',
      extensions: { code: 'BAD_USER_INPUT', failure: 'InvalidIlpConfiguration' }
    })
  })

  describe('a node of another make, on the list', () => {
    let other: HttpServer
    let sent: { digest: string; audience: string }
    /** What it answers when it is asked to peer. */
    let agreed: object

    beforeAll(async () => {
      other = await serveHttp(runtime, { host: '127.0.0.1', port: 0 }, (request, response) => {
        const asksForProof =
          request.method === 'GET' && /^\/peering\/proofs\/[0-9a-f-]{36}$/.test(request.url ?? '')
        const asksToPeer = request.method === 'POST' && request.url === '/peering'
        response.writeHead(asksForProof || asksToPeer ? 200 : 404, { 'content-type': 'application/json' })
        response.end(JSON.stringify(asksToPeer ? agreed : sent))
      })
    })
    afterAll(() => other.stop(0))

    async function ask(changes: object, party = baobab): Promise<HttpResponse> {
      const ilpConnectorUrl = `http://127.0.0.1:${other.address.port}/ilp`
      const body = JSON.stringify(requestOf({ ilpConnectorUrl, name: 'other', ...changes }))
      sent = {
        digest: createHash('sha256').update(body).digest('base64'),
        audience: new URL(party.peeringUrl).origin
      }
      return post(party.peeringUrl, body, {
        [PEERING_URL_HEADER]: `http://127.0.0.1:${other.address.port}/peering`,
        [PEERING_NONCE_HEADER]: runtime.random.uuid()
      })
    }
    const named = async (name: string) => (await peersOf(baobab)).find((peer) => peer.name === name)

    it('becomes a peer by the contract’s request and is answered as the contract says', async () => {
      const answer = await ask({ staticIlpAddress: 'test.other', maxPacketAmount: 900 })
      expect(answer.status).toBe(200)
      expect(JSON.parse(answer.body.toString())).toEqual({
        staticIlpAddress: 'test.baobab',
        ilpConnectorUrl: baobab.connectorUrl,
        httpToken: (await named('other'))!.http.outgoing.authToken,
        name: 'baobab',
        tenantId: OPERATOR_ID
      })
      expect(await named('other')).toMatchObject({
        staticIlpAddress: 'test.other',
        liquidity: '100000',
        maxPacketAmount: '900'
      })
    })

    it('may move and rename itself, and is the same peer with the same balance', async () => {
      const before = (await named('other'))!
      const ilpConnectorUrl = `http://127.0.0.1:${other.address.port}/moved`
      expect((await ask({ staticIlpAddress: 'test.other', ilpConnectorUrl, name: 'moved' })).status).toBe(200)
      const { http, ...after } = (await named('moved'))!
      expect(after).toMatchObject({ id: before.id, liquidity: before.liquidity, maxPacketAmount: '900' })
      expect(http.outgoing.endpoint).toBe(ilpConnectorUrl)
    })

    it('gets no second credit by naming a second address', async () => {
      expect(
        (await ask({ staticIlpAddress: 'test.other.too', name: 'second', httpToken: 'second-token-second' }))
          .status
      ).toBe(200)
      expect(await named('second')).toMatchObject({ staticIlpAddress: 'test.other.too', liquidity: '0' })
    })

    it('takes over no peer of another host by what it answers', async () => {
      const before = await peersOf(baobab)
      agreed = {
        staticIlpAddress: 'test.other',
        ilpConnectorUrl: `http://127.0.0.1:${other.address.port}/ilp`,
        httpToken: 'token-of-the-thief-xx'
      }
      const url = `http://localhost:${other.address.port}/peering`
      expect(await refusal(baobab, url, 'USD')).toMatchObject({
        extensions: { failure: 'InvalidPeerIlpConfiguration' }
      })
      expect(await peersOf(baobab)).toEqual(before)
    })

    it('that was approved as what it asked, and answers as another, is none', async () => {
      const asked = { staticIlpAddress: 'test.asked', httpToken: 'token-of-who-asked-xx' }
      expect(typeOf(await ask(asked, acacia))).toEqual([403, 'PeeringAwaitsApproval'])
      const url = `http://127.0.0.1:${other.address.port}/peering`
      const ilpConnectorUrl = `http://127.0.0.1:${other.address.port}/ilp`
      agreed = { ...asked, ilpConnectorUrl, staticIlpAddress: 'test.changed' }
      expect(await refusal(acacia, url, 'USD')).toMatchObject({
        extensions: {
          failure: 'InvalidPeerIlpConfiguration',
          details: { reason: expect.stringContaining('it asked as test.asked at') as string }
        }
      })
      agreed = { ...asked, ilpConnectorUrl }
      const peer = await call<{ peer: PeerView }>(acacia.node, PEER_BY_URL, {
        peerUrl: url,
        assetId: acacia.assets.USD
      })
      expect(peer.peer.staticIlpAddress).toBe('test.asked')
    })

    it('takes no address of a peer that the operator made, nor one above or below it, nor a token in use', async () => {
      await call(baobab.node, CREATE_PEER, {
        assetId: baobab.assets.USD,
        staticIlpAddress: 'test.by.hand',
        name: 'by hand',
        http: {
          incoming: { authTokens: ['token-by-hand-token'] },
          outgoing: { endpoint: 'http://localhost:1/', authToken: 'x' }
        }
      })
      const before = await peersOf(baobab)
      for (const staticIlpAddress of ['test.by.hand', 'test.by', 'test.by.hand.x']) {
        expect(typeOf(await ask({ staticIlpAddress }))).toEqual([400, 'InvalidPeerIlpConfiguration'])
      }
      expect(typeOf(await ask({ staticIlpAddress: 'test.thief', httpToken: 'token-by-hand-token' }))).toEqual(
        [400, 'InvalidPeeringRequest']
      )
      expect(await peersOf(baobab)).toEqual(before)
    })
  })

  describe('a stranger', () => {
    let mallory: HttpServer
    let heard: { body: string; headers: Record<string, string> }[]

    beforeAll(async () => {
      heard = []
      // Answers as an auto-peering server would, and passes on what it hears.
      mallory = await serveHttp(runtime, { host: '127.0.0.1', port: 0 }, (request, response) => {
        const chunks: Buffer[] = []
        request.on('data', (chunk: Buffer) => chunks.push(chunk))
        request.on('end', () => {
          heard.push({
            body: Buffer.concat(chunks).toString(),
            headers: {
              [PEERING_URL_HEADER]: String(request.headers[PEERING_URL_HEADER]),
              [PEERING_NONCE_HEADER]: String(request.headers[PEERING_NONCE_HEADER])
            }
          })
          response.writeHead(403, { 'content-type': 'application/json' })
          response.end('{"error":{"code":403,"type":"PeeringNotAllowed","message":"no"}}')
        })
      })
    })
    afterAll(() => mallory.stop(0))

    it('gets nothing without proof that it speaks for the host on the list', async () => {
      const before = await peersOf(baobab)
      expect(typeOf(await post(baobab.peeringUrl, requestOf()))).toEqual([403, 'PeeringNotProven'])
      const nonce = runtime.random.uuid()
      const claims = [
        { [PEERING_URL_HEADER]: acacia.peeringUrl, [PEERING_NONCE_HEADER]: nonce },
        { [PEERING_URL_HEADER]: `http://127.0.0.1:${mallory.address.port}/`, [PEERING_NONCE_HEADER]: nonce },
        { [PEERING_URL_HEADER]: 'nonsense', [PEERING_NONCE_HEADER]: '../healthz' }
      ]
      for (const headers of claims) {
        expect(typeOf(await post(baobab.peeringUrl, requestOf(), headers))).toEqual([403, 'PeeringNotProven'])
      }
      expect(heard).toEqual([])
      expect(await peersOf(baobab)).toEqual(before)
    })

    it('cannot pass on the request of another, nor change one', async () => {
      const before = await peersOf(baobab)
      await refusal(acacia, `http://127.0.0.1:${mallory.address.port}/`, 'USD')
      const { body, headers } = heard.at(-1)!
      const relayed = await post(baobab.peeringUrl, body, headers)
      expect(typeOf(relayed)).toEqual([403, 'PeeringNotProven'])
      expect(relayed.body.toString()).toContain(`this node is ${new URL(baobab.peeringUrl).origin}`)
      const forged = await post(baobab.peeringUrl, body.replace('acacia', 'acaciz'), headers)
      expect(forged.body.toString()).toContain('localhost did not send this request')
      expect(await peersOf(baobab)).toEqual(before)
    })

    it('that is not on the list is refused without a call back', async () => {
      const ilpConnectorUrl = `http://mallory.example:${mallory.address.port}/ilp`
      const headers = {
        [PEERING_URL_HEADER]: `http://mallory.example:${mallory.address.port}/`,
        [PEERING_NONCE_HEADER]: runtime.random.uuid()
      }
      const calls = heard.length
      expect(typeOf(await post(baobab.peeringUrl, requestOf({ ilpConnectorUrl }), headers))).toEqual([
        403,
        'PeeringNotAllowed'
      ])
      expect(heard).toHaveLength(calls)
    })

    it('leaves nothing behind where the operator approves, not even a note, unless it is proved', async () => {
      expect(
        typeOf(await post(acacia.peeringUrl, requestOf({ ilpConnectorUrl: 'http://127.0.0.1:1/' })))
      ).toEqual([403, 'PeeringNotProven'])
      expect(await waitingAt(acacia)).toEqual([])
    })

    it.each<[string, object, number, string]>([
      ['the address of the node', { staticIlpAddress: 'test.baobab' }, 400, 'InvalidPeerIlpConfiguration'],
      ['an address below it', { staticIlpAddress: 'test.baobab.x' }, 400, 'InvalidPeerIlpConfiguration'],
      ['an address of another network', { staticIlpAddress: 'g.x' }, 400, 'InvalidPeerIlpConfiguration'],
      ['an address that is none', { staticIlpAddress: 'test' }, 400, 'InvalidPeerIlpConfiguration'],
      ['an asset without an entry', { asset: { code: 'EUR', scale: 2 } }, 404, 'UnknownAsset'],
      ['an asset that is not there', { asset: { code: 'USD', scale: 9 } }, 404, 'UnknownAsset'],
      ['a token that can be guessed', { httpToken: 'secret' }, 400, 'InvalidPeeringRequest'],
      ['a connector that is no URL', { ilpConnectorUrl: 'ftp://x' }, 400, 'InvalidPeeringRequest']
    ])('is refused %s', async (_, changes, status, type) => {
      expect(typeOf(await post(baobab.peeringUrl, requestOf(changes)))).toEqual([status, type])
    })

    it('is answered in the protocol’s form whatever it sends', async () => {
      expect(typeOf(await post(baobab.peeringUrl, '{'))).toEqual([400, 'InvalidPeeringRequest'])
      expect(typeOf(await post(baobab.peeringUrl, `"${'x'.repeat(20_000)}"`))).toEqual([
        413,
        'InvalidPeeringRequest'
      ])
      expect(typeOf(await post(baobab.peeringUrl, 'x', { 'content-type': 'text/plain' }))).toEqual([
        415,
        'InvalidPeeringRequest'
      ])
    })
  })
})
