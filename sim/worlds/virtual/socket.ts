import { Duplex } from 'node:stream'
import type { Socket } from '../../../node/runtime/index.ts'
import type { Path } from './conditions.ts'
import type { Owner } from './owner.ts'
import type { Scheduler } from './scheduler.ts'
import type { EventLog } from './event-log.ts'
import type { ScheduledEvent } from './timer-heap.ts'

/** Bytes that a connection holds in one direction, sent and not taken by the reader, before its writer has to wait. */
export const CONNECTION_WINDOW_BYTES = 262_144

/** What goes over a connection, in order. */
type Segment = { kind: 'data'; bytes: Buffer } | { kind: 'end' } | { kind: 'reset' }

/** Hears of the bytes of one end of a connection. */
export interface SocketTap {
  /** This end writes them: before anything can happen to them on their way. */
  sent(bytes: Buffer): void
  /** As many have reached this end. */
  arrived(length: number): void
  /** Nothing reaches this end any more. Perhaps told more than once. */
  broken(): void
}

/** What a socket asks of the network that it belongs to. */
export interface SocketHost {
  readonly owner: Owner
  readonly host: string
  readonly scheduler: Scheduler
  readonly log: EventLog
  /** Starts to open a connection; later the socket hears `opened` or `refused`. */
  open(socket: VirtualSocket, port: number, host: string): void
  closed(socket: VirtualSocket): void
  /** Bytes are about to be sent. `reset`: they are lost and the connection breaks. */
  judge(socket: VirtualSocket, bytes: Buffer): 'pass' | 'reset'
}

/**
 * One end of a connection of the virtual network: bytes reach the other end after the connection's latency, in order,
 * none twice.
 *
 *   idle ──connect──▶ connecting ──opened──▶ open ──end sent and received──▶ closed
 *                         └──refused──▶ closed ◀──reset, destroy, kill──┘
 */
export class VirtualSocket extends Duplex implements Socket {
  connecting = false
  remoteAddress: string | undefined
  remotePort: number | undefined
  localAddress: string | undefined
  localPort: number | undefined
  bytesRead = 0
  bytesWritten = 0
  /** How the event log names this direction of the connection. */
  label = ''
  /** Which end it is; undefined until the connection stands. */
  side: 'client' | 'server' | undefined
  tap: SocketTap | undefined
  readonly #host: SocketHost
  #peer: VirtualSocket | undefined
  /** The way to the other end. */
  #path: Path | undefined
  #opened = false
  #endSent = false
  #silent = false
  /** Bytes sent that the other end has not taken yet. */
  #outstandingBytes = 0
  /** Segments on their way to this end. */
  #incoming = 0
  #wantsMore = false
  readonly #held: Buffer[] = []
  #endHeld = false
  /** The callback of a write that waits: for the connection to stand, or for room. */
  #waitingWrite: ((error?: Error | null) => void) | undefined
  #whenOpen: (() => void) | undefined
  #timeoutMs = 0
  #timeout: ScheduledEvent | undefined

  constructor(host: SocketHost) {
    // Like net.Socket: when the other side ended, this side ends as well (node:http sets `allowHalfOpen` itself).
    super({ allowHalfOpen: false })
    this.#host = host
  }

  get owner(): Owner {
    return this.#host.owner
  }

  get readyState(): string {
    if (this.connecting) return 'opening'
    return this.readable && this.writable
      ? 'open'
      : this.readable
        ? 'readOnly'
        : this.writable
          ? 'writeOnly'
          : 'closed'
  }

  /** The hosts of its two ends: this one first. */
  get hosts(): [string, string] {
    return [this.#host.host, this.#peer?.hostName ?? '']
  }

  get hostName(): string {
    return this.#host.host
  }

  get pending(): boolean {
    return !this.#opened
  }

  /** Whether something is on its way over this connection, in either direction. */
  get moving(): boolean {
    return this.#incoming > 0 || (this.#peer?.inFlight ?? 0) > 0
  }

  get inFlight(): number {
    return this.#incoming
  }

  connect(...args: unknown[]): this {
    const [first, second] = args
    const target =
      typeof first === 'object' && first !== null ? (first as { port: number; host?: string }) : undefined
    const port = Number(target ? target.port : first)
    const host = target ? target.host : typeof second === 'string' ? second : undefined
    const listener = args.find((argument) => typeof argument === 'function') as (() => void) | undefined
    if (listener) this.once('connect', listener)
    this.connecting = true
    this.#host.open(this, port, host ?? 'localhost')
    return this
  }

  setNoDelay(): this {
    return this
  }

  setKeepAlive(): this {
    return this
  }

  ref(): this {
    return this
  }

  unref(): this {
    return this
  }

  address(): { address: string | undefined; port: number | undefined; family: string } {
    return { address: this.localAddress, port: this.localPort, family: 'IPv4' }
  }

  setTimeout(timeoutMs: number, callback?: () => void): this {
    this.#timeoutMs = timeoutMs
    if (callback) {
      if (timeoutMs === 0) this.off('timeout', callback)
      else this.once('timeout', callback)
    }
    this.#restartTimeout()
    return this
  }

  /** Tears the connection down: after what was sent before, the other side sees ECONNRESET. */
  resetAndDestroy(): this {
    if (this.destroyed) return this
    this.#endSent = true
    this.#send({ kind: 'reset' })
    this.destroy()
    return this
  }

  /** The end of the process that holds this end, as `kill -9` would: the other side sees a reset, this side nothing. */
  kill(): void {
    if (this.#silent) return
    this.#silent = true
    this.tap?.broken()
    if (!this.destroyed) this.#send({ kind: 'reset' })
    this.#stopTimeout()
    this.#host.closed(this)
  }

  // ---- What the network tells.

  /** The connection stands. Each end is told, with the other. */
  opened(peer: VirtualSocket, side: 'client' | 'server', path: Path): void {
    this.connecting = false
    this.#opened = true
    this.#peer = peer
    this.side = side
    this.#path = path
  }

  /** What this end sends from here on arrives only when `forMs` are over. */
  stall(forMs: number): void {
    this.#path?.stall(forMs)
  }

  /** The client learns that its connection stands. */
  announce(): void {
    this.connecting = false
    if (this.destroyed || this.#silent) return
    this.emit('connect')
    this.emit('ready')
    const waiting = this.#whenOpen
    this.#whenOpen = undefined
    waiting?.()
    this.#restartTimeout()
  }

  refused(error: Error): void {
    this.connecting = false
    if (!this.#silent) this.destroy(error)
  }

  // ---- Duplex

  override _write(chunk: Buffer, _encoding: BufferEncoding, done: (error?: Error | null) => void): void {
    if (this.#silent) return
    if (!this.#opened || this.connecting) {
      this.#waitingWrite = done
      this.#whenOpen = () => this._write(chunk, _encoding, done)
      return
    }
    this.#waitingWrite = undefined
    // The writer may use its buffer again as soon as `done` is called: what is in flight is a copy.
    const bytes = Buffer.from(chunk)
    this.bytesWritten += bytes.length
    this.#outstandingBytes += bytes.length
    this.#host.log.append('message', this.label, bytes)
    this.tap?.sent(bytes)
    if (this.#host.judge(this, bytes) === 'reset') return this.#break()
    this.#send({ kind: 'data', bytes })
    this.#restartTimeout()
    if (this.#outstandingBytes < CONNECTION_WINDOW_BYTES) done()
    else this.#waitingWrite = done
  }

  override _writev(
    chunks: { chunk: Buffer; encoding: BufferEncoding }[],
    done: (error?: Error | null) => void
  ): void {
    this._write(Buffer.concat(chunks.map(({ chunk }) => chunk)), 'binary', done)
  }

  override _final(done: (error?: Error | null) => void): void {
    if (this.#silent) return
    if (!this.#opened || this.connecting) {
      this.#whenOpen = () => this._final(done)
      return
    }
    this.#sendEnd()
    done()
  }

  override _read(): void {
    this.#wantsMore = true
    this.#pushHeld()
  }

  override _destroy(error: Error | null, done: (error?: Error | null) => void): void {
    this.#stopTimeout()
    this.tap?.broken()
    const unread = this.#held.length > 0 || this.readableLength > 0
    if (this.#opened && !this.#endSent) {
      // As TCP does: closing with unread bytes resets, otherwise the other side sees the end.
      if (unread) {
        this.#endSent = true
        this.#send({ kind: 'reset' })
      } else this.#sendEnd()
    }
    this.connecting = false
    this.#host.closed(this)
    const waiting = this.#waitingWrite
    this.#waitingWrite = undefined
    waiting?.(error ?? systemError('ECANCELED', 'write', 'write ECANCELED'))
    done(error)
  }

  // ---- Between the two ends

  #sendEnd(): void {
    if (this.#endSent) return
    this.#endSent = true
    this.#send({ kind: 'end' })
  }

  #send(segment: Segment): void {
    const peer = this.#peer
    if (!peer) return
    if (segment.kind !== 'data') this.#host.log.append(segment.kind, this.label)
    peer.#incoming += 1
    // Bytes of a process that died meanwhile still arrive; only the death of the receiver stops them.
    this.#path!.send(() => {
      peer.#incoming -= 1
      peer.#arrive(segment)
    }, peer.owner)
  }

  /** The connection breaks under way: both ends see a reset, and what was being sent reached nobody. */
  #break(): void {
    this.#send({ kind: 'reset' })
    this.#host.scheduler.after(0, () => this.#arrive({ kind: 'reset' }), { owner: this.owner })
  }

  #arrive(segment: Segment): void {
    if (this.#silent) return
    if (this.destroyed) {
      // Nobody reads here any more: bytes are answered with a reset.
      if (segment.kind === 'data' && this.#peer && !this.#peer.destroyed) this.#send({ kind: 'reset' })
      return
    }
    this.#restartTimeout()
    if (segment.kind === 'reset') {
      this.#endSent = true
      this.#held.length = 0
      return void this.destroy(systemError('ECONNRESET', 'read', 'read ECONNRESET'))
    }
    if (segment.kind === 'end') {
      this.#endHeld = true
      this.tap?.broken()
    } else {
      this.tap?.arrived(segment.bytes.length)
      this.bytesRead += segment.bytes.length
      this.#held.push(segment.bytes)
    }
    this.#pushHeld()
    // A stream that nobody reads learns of the end nevertheless.
    if (segment.kind === 'end' && this.#held.length === 0 && this.readableFlowing === null) this.read(0)
  }

  #pushHeld(): void {
    while (this.#wantsMore && this.#held.length > 0) {
      const bytes = this.#held.shift()!
      if (this.#peer) this.#peer.#taken(bytes.length)
      this.#wantsMore = this.push(bytes)
    }
    if (this.#endHeld && this.#held.length === 0) {
      this.#endHeld = false
      this.push(null)
    }
  }

  /** The other end took bytes: a writer that waits for room goes on, once it has heard of it. */
  #taken(length: number): void {
    this.#outstandingBytes -= length
    if (this.#waitingWrite === undefined || this.#outstandingBytes >= CONNECTION_WINDOW_BYTES) return
    this.#peer?.tell(() => this.#roomAgain(), this.owner)
  }

  /** Lets the other end know something that is no part of the stream. */
  tell(hear: () => void, owner: Owner): void {
    this.#path?.send(hear, owner)
  }

  #roomAgain(): void {
    const done = this.#waitingWrite
    if (done === undefined || this.#silent || this.#outstandingBytes >= CONNECTION_WINDOW_BYTES) return
    this.#waitingWrite = undefined
    done()
  }

  #restartTimeout(): void {
    this.#stopTimeout()
    if (this.#timeoutMs <= 0 || this.destroyed || this.#silent) return
    this.#timeout = this.#host.scheduler.after(this.#timeoutMs, () => this.emit('timeout'), {
      owner: this.owner,
      logged: 'socket timeout'
    })
  }

  #stopTimeout(): void {
    if (this.#timeout) this.#host.scheduler.cancel(this.#timeout)
    this.#timeout = undefined
  }
}

/** An error as the system would report it. */
export function systemError(
  code: string,
  syscall: string,
  message: string,
  extra: Record<string, unknown> = {}
): NodeJS.ErrnoException {
  return Object.assign(new Error(message), { code, syscall, ...extra })
}
