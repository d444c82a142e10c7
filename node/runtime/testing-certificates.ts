import { generateKeyPairSync, sign } from 'node:crypto'
import { isIPv4 } from 'node:net'

/** A certificate that only a test trusts, and its key, as PEM. */
export interface TestCertificate {
  cert: string
  key: string
}

/**
 * A certificate of its own authority for a name or an IPv4 address, valid for some decades (RFC 5280). For tests: made
 * anew in each, so that no key lies in the repository and none expires.
 */
export function createTestCertificate(host: string): TestCertificate {
  const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' })
  const name = sequence(set(sequence(oid('550403'), der(0x0c, Buffer.from(host)))))
  const signatureAlgorithm = sequence(oid('2a8648ce3d040302')) // ecdsa-with-SHA256
  const altName = isIPv4(host)
    ? der(0x87, Buffer.from(host.split('.').map(Number)))
    : der(0x82, Buffer.from(host))
  const isAuthority = sequence(der(0x01, Buffer.of(0xff)))
  const body = sequence(
    der(0xa0, integer(2)), // version 3
    integer(1),
    signatureAlgorithm,
    name,
    sequence(der(0x17, Buffer.from('200101000000Z')), der(0x17, Buffer.from('490101000000Z'))),
    name,
    publicKey.export({ type: 'spki', format: 'der' }),
    der(
      0xa3,
      sequence(extension('551d13', isAuthority), extension('551d11', sequence(altName))) // constraints, names
    )
  )
  const signature = Buffer.concat([Buffer.of(0), sign('sha256', body, privateKey)])
  const certificate = sequence(body, signatureAlgorithm, der(0x03, signature))
  const lines = certificate.toString('base64').match(/.{1,64}/g)!
  return {
    cert: ['-----BEGIN CERTIFICATE-----', ...lines, '-----END CERTIFICATE-----', ''].join('\n'),
    key: privateKey.export({ type: 'pkcs8', format: 'pem' }).toString()
  }
}

/** One value of X.690: tag, length, contents. */
function der(tag: number, ...contents: Buffer[]): Buffer {
  const body = Buffer.concat(contents)
  const length =
    body.length < 128
      ? [body.length]
      : body.length < 256
        ? [0x81, body.length]
        : [0x82, body.length >> 8, body.length & 0xff]
  return Buffer.concat([Buffer.of(tag, ...length), body])
}

const sequence = (...contents: Buffer[]) => der(0x30, ...contents)
const set = (...contents: Buffer[]) => der(0x31, ...contents)
const oid = (hex: string) => der(0x06, Buffer.from(hex, 'hex'))
const integer = (value: number) => der(0x02, Buffer.of(value))
const extension = (id: string, value: Buffer) => sequence(oid(id), der(0x04, value))
