import { once } from 'node:events'
import type { AddressInfo } from 'node:net'
import { WebSocket, WebSocketServer } from 'ws'

/*
 * The bare relay over WebSocket, as a process of its own: what comes in goes out as it is, and what answers goes
 * back. No ledger, no protocol: what the library alone carries on this machine.
 *
 *   node connector-relay-btp.ts <URL of the receiver>
 *
 * Tells its port by a message to its parent.
 */

const options = { perMessageDeflate: false, skipUTF8Validation: true }
const server = new WebSocketServer({ host: '127.0.0.1', port: 0, ...options })
server.on('connection', (near) => {
  const far = new WebSocket(process.argv[2]!, options)
  const isOpen = once(far, 'open')
  near.on('message', (bytes: Buffer) => {
    if (far.readyState === WebSocket.OPEN) far.send(bytes)
    else void isOpen.then(() => far.send(bytes))
  })
  far.on('message', (bytes: Buffer) => near.send(bytes))
  near.on('close', () => far.terminate())
  far.on('close', () => near.terminate())
})
await once(server, 'listening')
process.send!({ port: (server.address() as AddressInfo).port })
process.once('disconnect', () => process.exit(0))
