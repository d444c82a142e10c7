import { subscribe, unsubscribe } from 'node:diagnostics_channel'
import type { IncomingMessage } from 'node:http'
import { connect } from 'node:net'
import { expect } from 'vitest'

/**
 * Holds a door to its word while it stops: a request under way is answered to its end, and one that comes after it on
 * the same connection gets a 503 that says why and asks the client to come back on another connection.
 *
 * @param first a request as it goes over the wire, which the server cannot answer yet
 * @param steps `isUnderWay` resolves when the server works on it; `stop` stops the server; then `release` lets the
 *   request be answered
 * @returns what came before the 503
 */
export async function expectRestarting(
  port: number,
  first: string,
  {
    isUnderWay,
    stop,
    release
  }: { isUnderWay: Promise<unknown>; stop: () => Promise<unknown>; release: () => void | Promise<unknown> }
): Promise<string> {
  const socket = connect(port, '127.0.0.1')
  const chunks: Buffer[] = []
  socket.on('data', (chunk: Buffer) => chunks.push(chunk))
  const ended = new Promise((resolve, reject) => socket.once('close', resolve).once('error', reject))
  socket.write(first)
  await isUnderWay
  const stopped = stop()
  const reached = requestTo('/healthz?late', port)
  socket.write('GET /healthz?late HTTP/1.1\r\nHost: localhost\r\n\r\n')
  await reached
  await release()
  await ended
  await stopped
  const text = Buffer.concat(chunks).toString('utf8')
  const at = text.lastIndexOf('HTTP/1.1 ')
  const refusal = text.slice(at)
  expect(refusal).toMatch(/^HTTP\/1\.1 503 Service Unavailable\r\n/)
  expect(refusal).toMatch(/\r\nconnection: close\r\n/i)
  expect(refusal).toContain('Server is in the process of restarting')
  return text.slice(0, at)
}

/** Resolves when a server of this process has read a request. */
function requestTo(url: string, port: number): Promise<void> {
  return new Promise((resolve) => {
    const channel = 'http.server.request.start'
    const look = (message: unknown) => {
      const { request } = message as { request: IncomingMessage }
      if (request.url !== url || request.socket.localPort !== port) return
      unsubscribe(channel, look)
      resolve()
    }
    subscribe(channel, look)
  })
}

/** A request as it goes over the wire. */
export function onTheWire(
  method: string,
  url: string,
  { headers = {}, body = '' }: { headers?: Record<string, string>; body?: string } = {}
): string {
  const { host, pathname, search } = new URL(url)
  const fields = {
    ...headers,
    host,
    ...(body !== '' && { 'content-length': String(Buffer.byteLength(body)) })
  }
  const lines = Object.entries(fields).map(([name, value]) => `${name}: ${value}\r\n`)
  return `${method} ${pathname}${search} HTTP/1.1\r\n${lines.join('')}\r\n${body}`
}
