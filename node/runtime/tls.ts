import { isIP } from 'node:net'
import tls from 'node:tls'
import type { Socket } from './network.ts'

/**
 * Speaks TLS as a client over a connection of the network's door. The certificate must be trusted by the system, or be
 * from `ca` where that is given, and be `host`'s, a name or an address: else the stream fails with the reason as its `code`.
 */
export function secureClient(
  socket: Socket,
  host: string,
  options: { alpnProtocols?: string[]; ca?: string; key?: string; cert?: string } = {}
): Socket {
  const stream = tls.connect({
    socket: socket as never,
    // An address is no server name, but is what the certificate must be for: else Node would compare "localhost".
    host,
    servername: isIP(host) ? '' : host,
    ...(options.ca !== undefined && { ca: options.ca }),
    ...(options.key !== undefined && { key: options.key }),
    ...(options.cert !== undefined && { cert: options.cert }),
    ...(options.alpnProtocols && { ALPNProtocols: options.alpnProtocols })
  })
  return stream as unknown as Socket
}
