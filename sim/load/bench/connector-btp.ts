import { once } from 'node:events'
import type { AddressInfo } from 'node:net'
import { WebSocket, WebSocketServer } from 'ws'
import {
  AUTH_SUB_PROTOCOL,
  AUTH_TOKEN_SUB_PROTOCOL,
  BtpContentType,
  decodeBtpPacket,
  encodeBtpPacket,
  encodeIlpOverBtp,
  ilpPacketOf
} from '../../../node/ilp/index.ts'
import { ANY_PORT } from './connector-model.ts'
import type { ListenAddress, PacketReceiver, PacketSender } from './connector-model.ts'
import { fulfill } from './connector-packets.ts'

const NO_COMPRESSION = { perMessageDeflate: false, skipUTF8Validation: true } as const

/** The far peer, BTP over WebSocket: takes connections of whoever comes, fulfils unless `answer` says otherwise. */
export async function startBtpReceiver(
  answer: (prepare: Buffer) => Buffer = fulfill,
  { host, port }: ListenAddress = ANY_PORT
): Promise<PacketReceiver> {
  const server = new WebSocketServer({ host, port, ...NO_COMPRESSION })
  server.on('connection', (socket) => {
    socket.on('error', () => socket.terminate())
    socket.on('message', (bytes: Buffer) => {
      const packet = decodeBtpPacket(bytes)
      if (packet.type !== 'message') return
      const prepare = ilpPacketOf(packet)
      // The authentication is answered with nothing in it.
      if (prepare === undefined)
        return socket.send(encodeBtpPacket({ ...packet, type: 'response', subProtocols: [] }))
      socket.send(encodeIlpOverBtp('response', packet.requestId, answer(prepare)))
    })
  })
  await once(server, 'listening')
  return {
    endpoint: `btp+ws://${host}:${(server.address() as AddressInfo).port}/`,
    close: () =>
      new Promise((resolve) => {
        for (const client of server.clients) client.terminate()
        server.close(() => resolve())
      })
  }
}

/** The near peer, BTP over WebSocket: one connection, all packets in flight over it. */
export async function createBtpSender(origin: string, token: string): Promise<PacketSender> {
  const socket = new WebSocket(origin.replace(/^http/, 'ws'), NO_COMPRESSION)
  const waiting = new Map<number, { resolve(reply: Buffer): void; reject(error: Error): void }>()
  let lastRequestId = 0
  socket.on('message', (bytes: Buffer) => {
    const packet = decodeBtpPacket(bytes)
    if (packet.type === 'unreadable') return
    const request = waiting.get(packet.requestId)
    waiting.delete(packet.requestId)
    if (packet.type === 'response') request?.resolve(ilpPacketOf(packet) ?? Buffer.alloc(0))
    else request?.reject(new Error(`BTP ${packet.type}`))
  })
  socket.on('close', (code) => {
    for (const { reject } of waiting.values()) reject(new Error(`the connection was closed: ${code}`))
    waiting.clear()
  })
  await once(socket, 'open')

  function exchange(encode: (requestId: number) => Buffer): Promise<Buffer> {
    return new Promise((resolve, reject) => {
      const requestId = ++lastRequestId
      waiting.set(requestId, { resolve, reject })
      socket.send(encode(requestId))
    })
  }

  await exchange((requestId) =>
    encodeBtpPacket({
      type: 'message',
      requestId,
      subProtocols: [
        { name: AUTH_SUB_PROTOCOL, contentType: BtpContentType.OCTET_STREAM, data: Buffer.alloc(0) },
        { name: AUTH_TOKEN_SUB_PROTOCOL, contentType: BtpContentType.TEXT, data: Buffer.from(token) }
      ]
    })
  )
  return {
    send: (prepare) => exchange((requestId) => encodeIlpOverBtp('message', requestId, prepare)),
    close: () => socket.terminate()
  }
}
