import {
  AUTH_PROCESS_SUB_PROTOCOL,
  AUTH_SUB_PROTOCOL,
  AUTH_TOKEN_SUB_PROTOCOL,
  BtpContentType,
  decodeBtpPacket,
  encodeBtpPacket
} from '../../../ilp/index.ts'
import type { BtpSubProtocol, BtpUri } from '../../../ilp/index.ts'
import { WebSocketCloseCode, guardedHost, openWebSocket } from '../../../runtime/index.ts'
import type { Clock, Network, WebSocketConnection } from '../../../runtime/index.ts'

/** What a server has to answer the authentication. */
export const AUTH_ANSWER_TIMEOUT_MS = 5_000

const AUTH_REQUEST_ID = 1

/**
 * Opens a BTP connection and says who we are (RFC 23, Authentication). `onOpen` is called in the turn in which
 * the answer is read, and must `listen` at once: the next packet may be right behind.
 *
 * @throws an error when the connection did not come to stand, saying why
 */
export async function openBtpConnection(
  { network, clock }: { network: Network; clock: Clock },
  uri: BtpUri & { token: string; processId: string },
  onOpen: (connection: WebSocketConnection) => void,
  /** Whether a host that is, or has, a private address is refused. */
  isGuarded = false
): Promise<void> {
  const host = uri.host.replace(/^\[|\]$/g, '')
  const checked = isGuarded && { address: await guardedHost(network, host, false) }
  const connection = await openWebSocket({ network, clock }, { ...uri, ...checked })
  await new Promise<void>((resolve, reject) => {
    const timeout = clock.setTimer(AUTH_ANSWER_TIMEOUT_MS, () => fail('did not answer the authentication'))
    function fail(reason: string): void {
      timeout.cancel()
      connection.close(WebSocketCloseCode.POLICY_VIOLATION, 'not authenticated')
      reject(new Error(`${uri.host}:${uri.port} ${reason}`))
    }
    connection.listen({
      onMessage(bytes) {
        const packet = decodeBtpPacket(bytes)
        if (packet.type === 'unreadable' || packet.requestId !== AUTH_REQUEST_ID) return
        if (packet.type === 'error') {
          return fail(`refused the authentication: ${packet.code} ${packet.data.toString('utf8', 0, 200)}`)
        }
        if (packet.type !== 'response') return
        timeout.cancel()
        onOpen(connection)
        resolve()
      },
      onDrain: () => undefined,
      onClose: (code, reason) => fail(`closed the connection: ${code} ${reason}`)
    })
    connection.send(
      encodeBtpPacket({ type: 'message', requestId: AUTH_REQUEST_ID, subProtocols: introduction(uri) })
    )
  })
}

function introduction({
  account,
  token,
  processId
}: {
  account: string
  token: string
  processId: string
}): BtpSubProtocol[] {
  const text = (name: string, value: string) => ({
    name,
    contentType: BtpContentType.TEXT,
    data: Buffer.from(value)
  })
  return [
    { name: AUTH_SUB_PROTOCOL, contentType: BtpContentType.OCTET_STREAM, data: Buffer.alloc(0) },
    // Not in RFC 23: deployed servers tell accounts apart by it.
    ...(account === '' ? [] : [text('auth_username', account)]),
    text(AUTH_TOKEN_SUB_PROTOCOL, token),
    // Ours: servers that do not know it have one connection per account.
    text(AUTH_PROCESS_SUB_PROTOCOL, processId)
  ]
}
