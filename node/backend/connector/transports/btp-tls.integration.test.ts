import net from 'node:net'
import type { AddressInfo } from 'node:net'
import tls from 'node:tls'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { encodePrepare } from '../../../ilp/index.ts'
import { createTestCertificate } from '../../../runtime/testing-certificates.ts'
import type { TestCertificate } from '../../../runtime/testing-certificates.ts'
import { createTestPayer, prepareOf } from '../connector.test-support.ts'
import type { ExchangeTimes } from '../transport.ts'
import { clock, openBtpNode } from './btp.test-support.ts'
import type { BtpNode } from './btp.test-support.ts'

const LIMITS = { giveUpIntervalMs: 10, minBackoffMs: 5, maxBackoffMs: 20, stableAfterMs: 0 }

function inFiveSeconds(): ExchangeTimes {
  return { expiresAtMs: clock.nowMs() + 5_000, giveUpAtMs: clock.nowMs() + 5_000 }
}

describe('BTP over TLS', () => {
  let acacia: BtpNode
  let baobab: BtpNode
  const trusted = tls.getCACertificates('default')
  const undo: (() => Promise<unknown>)[] = []

  beforeEach(async () => {
    acacia = await openBtpNode('acacia', LIMITS)
    undo.push(() => acacia.close())
    baobab = await openBtpNode('baobab', LIMITS)
    undo.push(() => baobab.close())
  })
  afterEach(async () => {
    for (const step of undo.splice(0).reverse()) await step()
    tls.setDefaultCACertificates(trusted)
  })

  /** What stands in front of a node and speaks TLS for it. */
  async function terminate(certificate: TestCertificate, port: number): Promise<number> {
    const streams = new Set<net.Socket>()
    const server = tls.createServer(certificate, (outer) => {
      const inner = net.connect({ host: '127.0.0.1', port })
      for (const stream of [outer, inner]) {
        streams.add(stream)
        stream.on('error', () => undefined) // One side is gone: so is the other.
        stream.once('close', () => {
          outer.destroy()
          inner.destroy()
        })
      }
      outer.pipe(inner).pipe(outer)
    })
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
    undo.push(async () => {
      for (const stream of streams) stream.destroy()
      await new Promise((resolve) => server.close(resolve))
    })
    return (server.address() as AddressInfo).port
  }

  /** Acacia's peer baobab behind TLS, reached as `host`. */
  async function link(host: string, certificate: TestCertificate) {
    const port = await terminate(certificate, baobab.port)
    const usd = await acacia.addAsset('USD', 2)
    return acacia.addPeer('baobab', usd, {
      balance: 1_000n,
      http: { outgoing: { endpoint: `btp+wss://${host}:${port}/`, authToken: 'from-acacia' } }
    })
  }

  it.each(['localhost', '127.0.0.1'])(
    'carries packets both ways, to the name or address of the certificate: %s',
    async (host) => {
      const certificate = createTestCertificate(host)
      tls.setDefaultCACertificates([certificate.cert])
      const usd = await baobab.addAsset('USD', 2)
      const peer = await link(host, certificate)
      const upstream = await baobab.addPeer('acacia', usd, {
        balance: 1_000n,
        http: { outgoing: { endpoint: 'btp+ws://never-dialled.invalid/', authToken: 'from-baobab' } }
      })
      const there = createTestPayer(baobab, await baobab.addTarget(usd), clock)
      const accepted = baobab.logged('btp_accepted')
      acacia.changed(peer.id)
      await accepted
      const times = inFiveSeconds()
      const answer = await acacia.btp.send(peer, encodePrepare(there.prepare(10n)), times)
      expect(answer.kind).toBe('answer')
      expect(await baobab.balance(upstream.id)).toBe(990n)
      // Nobody routes this one: a Reject over the same connection, the other way.
      const back = await baobab.btp.send(
        upstream,
        encodePrepare(prepareOf(clock, 1, { amount: 1n, destination: 'test.nowhere' })),
        times
      )
      expect(back.kind).toBe('answer')
    }
  )

  it.each<[string, string, string, boolean, RegExp]>([
    ['that nobody trusts', 'localhost', 'localhost', false, /self-signed certificate/],
    [
      'of another name',
      'localhost',
      'other.test',
      true,
      /localhost\. is not in the cert's altnames: DNS:other\.test/
    ],
    ['of a name for an address', '127.0.0.1', 'localhost', true, /127\.0\.0\.1 is not in the cert's list/]
  ])('refuses a certificate %s, before it says who it is', async (_, host, certified, isTrusted, reason) => {
    const certificate = createTestCertificate(certified)
    if (isTrusted) tls.setDefaultCACertificates([certificate.cert])
    await baobab.addPeer('acacia', await baobab.addAsset('USD', 2))
    const peer = await link(host, certificate)
    const unreachable = acacia.logged('btp_unreachable')
    acacia.changed(peer.id)
    expect((await unreachable).reason).toMatch(reason)
    const bytes = encodePrepare(prepareOf(clock, 1, { amount: 1n, destination: 'test.nowhere' }))
    expect(await acacia.btp.send(peer, bytes, inFiveSeconds())).toMatchObject({
      kind: 'notSent',
      code: 'T01'
    })
  })
})
