import tls from 'node:tls'
import type { AddressInfo, Socket } from 'node:net'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { readCacheTls } from './cache-tls.ts'
import { createRedisCache } from './cache.ts'
import { ConfigurationError } from './environment.ts'
import { createLogger } from './logger.ts'
import { createSystemNetwork } from './network.ts'
import { createTestCertificate } from './testing-certificates.ts'

const own = createTestCertificate('127.0.0.1')
const other = createTestCertificate('127.0.0.1')
const client = createTestCertificate('client')
const files: Record<string, string> = { ca: own.cert, other: other.cert, key: client.key, cert: client.cert }

const readTextFile = async (path: string) => {
  if (files[path] === undefined) throw new Error('no such file')
  return files[path]
}

describe('TLS to Redis', () => {
  let server: tls.Server
  const clients: (string | undefined)[] = []
  const sockets = new Set<Socket>()
  const network = createSystemNetwork()

  beforeAll(async () => {
    // As much of Redis as a connection begins with (RESP 2): INFO, then PING.
    server = tls.createServer(
      { ...own, ca: client.cert, requestCert: true, rejectUnauthorized: false },
      (socket) => {
        clients.push(socket.getPeerCertificate().subject?.CN?.toString())
        sockets.add(socket)
        socket.on('error', () => sockets.delete(socket))
        socket.on('data', (data) => {
          for (const command of data.toString().match(/info|ping|client/gi) ?? []) {
            socket.write(
              /info/i.test(command) ? '$9\r\nloading:0\r\n' : /ping/i.test(command) ? '+PONG\r\n' : '+OK\r\n'
            )
          }
        })
      }
    )
    server.on('tlsClientError', () => undefined)
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  })
  afterAll(async () => {
    network.kill()
    for (const socket of sockets) socket.destroy()
    await new Promise((resolve) => server.close(resolve))
  })

  function open(tlsFiles: Parameters<typeof readCacheTls>[0], scheme = 'redis') {
    const { port } = server.address() as AddressInfo
    const lines: string[] = []
    const logger = createLogger({ name: 'test', level: 'warn', write: (line) => void lines.push(line) })
    const cache = createRedisCache({ network, logger }, `${scheme}://127.0.0.1:${port}`, () =>
      readCacheTls(tlsFiles, readTextFile)
    )
    return { cache, lines }
  }

  it('is spoken where a certificate is named, and the server must have one from it', async () => {
    const { cache } = open({ REDIS_TLS_CA_FILE_PATH: 'ca' })
    await cache.ping()
    await cache.close()
  })

  it('shows the own certificate', async () => {
    const { cache } = open({
      REDIS_TLS_CA_FILE_PATH: 'ca',
      REDIS_TLS_KEY_FILE_PATH: 'key',
      REDIS_TLS_CERT_FILE_PATH: 'cert'
    })
    await cache.ping()
    expect(clients.at(-1)).toBe('client')
    await cache.close()
  })

  it.each([{ REDIS_TLS_CA_FILE_PATH: 'other' }, {}])('trusts no other server: %j', async (tlsFiles) => {
    const { cache, lines } = open(tlsFiles, 'rediss')
    await expect(cache.ping()).rejects.toThrow()
    expect(lines.join()).toMatch(/SELF_SIGNED|self-signed|UNABLE_TO_VERIFY|unable to verify/i)
    await cache.close()
  })

  it('names the variable whose file cannot be read, and a key without a certificate', async () => {
    expect(await readCacheTls({}, readTextFile)).toBeUndefined()
    await expect(readCacheTls({ REDIS_TLS_CA_FILE_PATH: 'none' }, readTextFile)).rejects.toThrow(
      new ConfigurationError('REDIS_TLS_CA_FILE_PATH holds "none": the file cannot be read (no such file)')
    )
    await expect(readCacheTls({ REDIS_TLS_KEY_FILE_PATH: 'key' }, readTextFile)).rejects.toThrow(
      /^REDIS_TLS_CERT_FILE_PATH is not set/
    )
    await expect(readCacheTls({ REDIS_TLS_CERT_FILE_PATH: 'cert' }, readTextFile)).rejects.toThrow(
      /^REDIS_TLS_KEY_FILE_PATH is not set/
    )
  })
})
