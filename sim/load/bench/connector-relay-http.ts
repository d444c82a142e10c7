import http from 'node:http'
import { Pool } from 'undici'

/*
 * The bare relay over HTTP, as a process of its own: `node:http` takes a packet, undici's `Pool.request` hands
 * it on, the answer goes back. No ledger, no protocol: what the two libraries alone carry on this machine.
 *
 *   node connector-relay-http.ts <origin of the receiver> <connections>
 *
 * Tells its port by a message to its parent.
 */

const [origin, connections] = process.argv.slice(2)
const pool = new Pool(origin!, { connections: Number(connections), pipelining: 1 })
const headers = { 'content-type': 'application/octet-stream', authorization: 'Bearer receiver' }

const server = http.createServer((request, response) => {
  const chunks: Buffer[] = []
  request.on('data', (chunk: Buffer) => chunks.push(chunk))
  request.on('end', () => {
    const body = chunks.length === 1 ? chunks[0]! : Buffer.concat(chunks)
    pool.request({ method: 'POST', path: '/', headers, body }).then(
      async (answer) => {
        const bytes = Buffer.from(await answer.body.arrayBuffer())
        response.writeHead(200, {
          'content-type': 'application/octet-stream',
          'content-length': bytes.length
        })
        response.end(bytes)
      },
      (error: Error) => {
        response.writeHead(502)
        response.end(error.message)
      }
    )
  })
})
server.keepAliveTimeout = 60_000
server.listen(0, '127.0.0.1', () => process.send!({ port: (server.address() as { port: number }).port }))
process.once('disconnect', () => process.exit(0))
