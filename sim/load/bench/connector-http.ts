import http from 'node:http'
import type { AddressInfo } from 'node:net'
import { Pool } from 'undici'
import { ANY_PORT } from './connector-model.ts'
import type { ListenAddress, PacketReceiver, PacketSender } from './connector-model.ts'
import { fulfill } from './connector-packets.ts'

const CONTENT_TYPE = 'application/octet-stream'

/** The far peer, ILP over HTTP: fulfils every packet unless `answer` says otherwise. @throws where the port is taken */
export async function startHttpReceiver(
  answer: (prepare: Buffer) => Buffer = fulfill,
  { host, port }: ListenAddress = ANY_PORT
): Promise<PacketReceiver> {
  const server = http.createServer((request, response) => {
    const chunks: Buffer[] = []
    request.on('data', (chunk: Buffer) => chunks.push(chunk))
    request.on('end', () => {
      const bytes = answer(chunks.length === 1 ? chunks[0]! : Buffer.concat(chunks))
      response.writeHead(200, { 'content-type': CONTENT_TYPE, 'content-length': bytes.length })
      response.end(bytes)
    })
  })
  server.keepAliveTimeout = 60_000
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject)
    server.listen(port, host, resolve)
  })
  return {
    endpoint: `http://${host}:${(server.address() as AddressInfo).port}/`,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve())
        server.closeAllConnections()
      })
  }
}

/** The near peer, ILP over HTTP: one packet per connection at a time. */
export function createHttpSender(origin: string, token: string, connections: number): PacketSender {
  const pool = new Pool(origin, { connections, pipelining: 1 })
  const headers = { 'content-type': CONTENT_TYPE, authorization: `Bearer ${token}` }
  return {
    async send(prepare) {
      const { statusCode, body } = await pool.request({ method: 'POST', path: '/', headers, body: prepare })
      const reply = Buffer.from(await body.arrayBuffer())
      if (statusCode !== 200) throw new Error(`HTTP ${statusCode}: ${reply.toString('utf8', 0, 200)}`)
      return reply
    },
    close: () => pool.destroy()
  }
}
