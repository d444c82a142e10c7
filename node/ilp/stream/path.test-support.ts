import { DataAndMoneyStream } from 'ilp-protocol-stream/dist/src/stream.js'
import { createIldcpAnswer, isIldcpRequest } from '../ildcp.ts'
import type { IlpPrepare, IlpReply } from '../model.ts'
import { decodePrepare, decodeReply, encodePrepare, encodeReply, isPacketError } from '../packet.ts'

/** For tests: what the deployed STREAM library calls a plugin, with packets as values on our side. */
export interface MemoryPlugin {
  connect(): Promise<void>
  disconnect(): Promise<void>
  isConnected(): boolean
  sendData(bytes: Buffer): Promise<Buffer>
  registerDataHandler(handler: (bytes: Buffer) => Promise<Buffer>): void
  deregisterDataHandler(): void
  /** Hands a packet to whoever registered. */
  deliver(prepare: IlpPrepare): Promise<IlpReply>
}

/** A plugin whose owner is told the configuration, and whose other packets go to `handle`. */
export function createMemoryPlugin(
  configuration: { address: string; assetCode: string; assetScale: number },
  handle: (prepare: IlpPrepare) => Promise<IlpReply>
): MemoryPlugin {
  let connected = false
  let receive: ((bytes: Buffer) => Promise<Buffer>) | undefined

  return {
    connect: async () => void (connected = true),
    disconnect: async () => void (connected = false),
    isConnected: () => connected,
    registerDataHandler: (handler) => void (receive = handler),
    deregisterDataHandler: () => void (receive = undefined),
    async sendData(bytes) {
      const prepare = decodePrepare(bytes)
      if (isPacketError(prepare)) throw new Error(prepare.reason)
      return encodeReply(isIldcpRequest(prepare) ? createIldcpAnswer(configuration) : await handle(prepare))
    },
    async deliver(prepare) {
      if (!receive) throw new Error('nobody listens')
      const reply = decodeReply(await receive(encodePrepare(prepare)))
      if (isPacketError(reply)) throw new Error(reply.reason)
      return reply
    }
  }
}

/**
 * The deployed library's streams assign `closed`, which Node.js made a getter of Readable in version 18. Their
 * class gets a field of that name back; nothing of the protocol is touched.
 */
export function allowDeployedStreams(): void {
  const closed = new WeakMap<object, boolean>()
  Object.defineProperty(DataAndMoneyStream.prototype, 'closed', {
    configurable: true,
    get(this: object) {
      return closed.get(this) ?? false
    },
    set(this: object, value: boolean) {
      closed.set(this, value)
    }
  })
}
