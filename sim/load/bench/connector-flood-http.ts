import net from 'node:net'
import type { PacketSender } from './connector-model.ts'

const HEAD_END = '\r\n\r\n'

interface Connection {
  socket: net.Socket
  heard: string
  waiting: { resolve(reply: Buffer): void; reject(error: Error): void } | undefined
}

/**
 * ILP over HTTP from thousands of connections, one packet on each at a time: sockets and the little of HTTP/1.1 that
 * an answer of the node takes, so that the generator carries more than what it measures. A connection is opened
 * when no open one is free; how many there are is up to the caller, who knows how many packets are under way.
 */
export function createHttpFloodSender(origin: string, token: string): PacketSender {
  const { hostname, port, host } = new URL(origin)
  const head =
    `POST / HTTP/1.1\r\nhost: ${host}\r\nauthorization: Bearer ${token}\r\n` +
    'content-type: application/octet-stream\r\ncontent-length: '
  const all = new Set<Connection>()
  const idle: Connection[] = []
  let isClosed = false

  function open(): Connection {
    const socket = net.connect({ host: hostname, port: Number(port), noDelay: true })
    const connection: Connection = { socket, heard: '', waiting: undefined }
    all.add(connection)
    // One character a byte: an answer is a few hundred of them.
    socket.setEncoding('latin1')
    socket.on('data', (text: string) => read(connection, text))
    socket.on('error', (error: NodeJS.ErrnoException) => lose(connection, error.code ?? error.message))
    socket.on('close', () => lose(connection, 'the connection was closed'))
    return connection
  }

  function lose(connection: Connection, why: string): void {
    all.delete(connection)
    const { waiting } = connection
    connection.waiting = undefined
    connection.socket.destroy()
    if (!isClosed) waiting?.reject(new Error(why))
  }

  function read(connection: Connection, text: string): void {
    const { waiting } = connection
    if (waiting === undefined) return
    connection.heard = connection.heard === '' ? text : connection.heard + text
    const { heard } = connection
    const headEnd = heard.indexOf(HEAD_END)
    if (headEnd < 0) return
    const bodyAt = headEnd + HEAD_END.length
    const bodyBytes = Number(/\r\ncontent-length: (\d+)/i.exec(heard)?.[1] ?? 0)
    if (heard.length < bodyAt + bodyBytes) return
    connection.heard = ''
    connection.waiting = undefined
    if (/\r\nconnection: close/i.test(heard)) {
      all.delete(connection)
      connection.socket.end()
    } else {
      idle.push(connection)
    }
    const status = heard.slice(9, 12)
    if (status === '200') waiting.resolve(Buffer.from(heard.slice(bodyAt, bodyAt + bodyBytes), 'latin1'))
    else waiting.reject(new Error(`HTTP ${status}`))
  }

  return {
    send(prepare) {
      return new Promise((resolve, reject) => {
        let connection = idle.pop()
        while (connection !== undefined && !all.has(connection)) connection = idle.pop()
        connection ??= open()
        connection.waiting = { resolve, reject }
        connection.socket.write(`${head}${prepare.length}${HEAD_END}${prepare.toString('latin1')}`, 'latin1')
      })
    },
    close() {
      isClosed = true
      for (const { socket } of all) socket.destroy()
    }
  }
}
