import childProcess from 'node:child_process'
import crypto, { generateKeyPairSync, pbkdf2, scryptSync } from 'node:crypto'
import dgram from 'node:dgram'
import dns, { lookup } from 'node:dns'
import fs, { writeFileSync } from 'node:fs'
import { readFile } from 'node:fs/promises'
import http from 'node:http'
import net, { connect } from 'node:net'
import path from 'node:path'
import tls from 'node:tls'
import { Worker } from 'node:worker_threads'
import zlib from 'node:zlib'

const ignore = () => undefined
const PACKAGE = path.resolve(import.meta.dirname, '../../../../package.json')

/** Each way around the world's doors, as a library might take it. */
const ways: Record<string, () => unknown> = {
  'net.connect': () => connect(80, 'example.com'),
  'net.Socket.connect': () => new net.Socket().connect(80, 'example.com'),
  'net.Server.listen': () => net.createServer().listen(0),
  'http.Server.listen': () => http.createServer().listen(0),
  'tls.connect': () => tls.connect(443, 'example.com'),
  'dgram.createSocket': () => dgram.createSocket('udp4'),
  'dns.lookup': () => lookup('example.com', ignore),
  'dns.promises': () => dns.promises.resolve('example.com'),
  'child_process.spawn': () => childProcess.spawn('true'),
  'worker_threads.Worker': () => new Worker('true', { eval: true }),
  'crypto.pbkdf2': () => pbkdf2('a', 'b', 1, 16, 'sha256', ignore),
  'crypto.scrypt': () => crypto.scrypt('a', 'b', 16, ignore),
  'crypto.generateKeyPair': () => crypto.generateKeyPair('ed25519', {}, ignore),
  'crypto.generateKeyPairSync of rsa': () => generateKeyPairSync('rsa', { modulusLength: 2048 }),
  'crypto.subtle': () => crypto.webcrypto.subtle.generateKey('Ed25519', true, ['sign']),
  'zlib.gzip': () => zlib.gzip('a', ignore),
  'zlib.createGunzip': () => zlib.createGunzip(),
  'fs.writeFileSync': () => writeFileSync('/tmp/never', ''),
  'fs.promises.writeFile': () => fs.promises.writeFile('/tmp/never', ''),
  'fs.createWriteStream': () => fs.createWriteStream('/tmp/never'),
  'fs.readFile elsewhere': () => readFile('/etc/passwd'),
  'process.exit': () => process.exit(0)
}

/** Tries them all: what each had to say. */
export default async function outside(): Promise<unknown> {
  const refusals: Record<string, string> = {}
  for (const [name, way] of Object.entries(ways)) {
    try {
      await way()
      refusals[name] = 'not refused'
    } catch (error) {
      refusals[name] = (error as Error).message
    }
  }
  const unknownHost = await fetch('https://example.com/').catch(
    (error: Error) => (error.cause as { code: string }).code
  )
  return {
    refusals,
    unknownHost,
    // What is allowed: work that is done at once, and files of the project.
    allowed: [
      scryptSync('a', 'b', 4).length,
      zlib.gunzipSync(zlib.gzipSync('small')).toString(),
      (await readFile(PACKAGE, 'utf8')).length > 0,
      Buffer.from(await crypto.subtle.digest('SHA-256', Buffer.from('a')))
        .toString('hex')
        .slice(0, 8)
    ]
  }
}
