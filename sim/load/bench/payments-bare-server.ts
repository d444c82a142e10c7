import http from 'node:http'
import type { AddressInfo } from 'node:net'
import pg from 'pg'
import { BARE_BODY_BYTES, COMMITS_HEADER } from './payments-bare.ts'

// A process of its own, started by payments-bare.ts with the address of a database.

/** As many as a node has for its nouns. */
const CONNECTIONS = 10
/** About the bytes of a payment's row. */
const ROW_BYTES = 300

process.once('disconnect', () => process.exit())
const database = new pg.Pool({ connectionString: process.argv[2], max: CONNECTIONS })
const row = 'x'.repeat(ROW_BYTES)
const answer = Buffer.alloc(BARE_BODY_BYTES, 'x')
await database
  .query('CREATE TABLE IF NOT EXISTS "benchBare" (id bigserial PRIMARY KEY, what text NOT NULL)')
  .catch(
    // The other server made it at the same moment.
    (error: { code?: string }) => {
      if (error.code !== '23505' && error.code !== '42P07') throw error
    }
  )

const server = http.createServer((request, response) => {
  request.resume()
  request.on('end', () => {
    commit(Number(request.headers[COMMITS_HEADER])).then(
      () => response.writeHead(200, { 'content-length': answer.length }).end(answer),
      (error: Error) => response.writeHead(500).end(error.message)
    )
  })
})
server.listen(0, '127.0.0.1', () => process.send!((server.address() as AddressInfo).port))

async function commit(count: number): Promise<void> {
  for (let index = 0; index < count; index++) {
    await database.query({ name: 'row', text: 'INSERT INTO "benchBare" (what) VALUES ($1)', values: [row] })
  }
}
