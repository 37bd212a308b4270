import { refuse, unavailable } from './refuse.ts'
import type { IncomingMessage, RequestListener, ServerResponse } from 'node:http'
import type { Socket } from 'node:net'
import type { RegistryError } from '../oci/errors.ts'

/** Handles one request; resolves when it has nothing more to do for it. */
export type Handler = (req: IncomingMessage, res: ServerResponse) => Promise<void>

/**
 * Requests that may wait for the one before them on their connection, over all connections. No registry client sends a
 * request before it has the last answer; who sends thousands wants our memory, and is closed.
 */
const MAX_WAITING = 4096

/**
 * Between two requests of one client, in ms: its connection is not idle, for the next may be on its way already. Whoever
 * is closed then loses it, and many clients do not repeat a PUT.
 */
const BETWEEN_MS = 2_000

/** Connections whose bytes are counted at a time: it takes a microsecond for each. */
const COUNTED_AT_ONCE = 256

/** One connection, and what is asked on it. */
interface Connection {
  /** Responses that are open, oldest first. Node's own count leaves those out whose answer is still on its way. */
  readonly responses: Set<ServerResponse>
  /** Starts the requests that came before the first of {@link responses} was over. */
  readonly waiting: (() => void)[]
  /** Why its requests are refused: it came when there were as many as there may be. */
  readonly refusal: RegistryError | undefined
  /** Whether it has had a request. */
  isUsed: boolean
  /** When its last answer was over, in ms of the clock. */
  answeredAt: number
  /** Bytes that have been counted. */
  moved: number
}

/**
 * The connections of one server. Requests that were sent at once (pipelined) are handled one after the other: Node hands
 * them out all together, and a thousand downloads would be read for one socket.
 */
export class Connections {
  /** Those that did something last are last. */
  readonly #open = new Map<Socket, Connection>()
  readonly #running = new Set<Promise<void>>()
  readonly #bound: number
  readonly #now: () => number
  #waiting = 0
  #draining = false
  /** Bytes that have been counted, also of connections which are closed. */
  #moved = 0
  /** Whose bytes are counted next. */
  #next = this.#open.entries()

  /**
   * @param bound as many connections are served at once
   * @param now a clock that never goes back, in ms
   */
  constructor(bound: number, now: () => number = () => performance.now()) {
    this.#bound = bound
    this.#now = now
  }

  /**
   * Watches a new connection. When there are too many, one that has long been idle goes; if there is none, this is an extra.
   *
   * @param refusal what its requests are answered with, in any case
   */
  add(socket: Socket, refusal?: RegistryError): void {
    if (this.#open.size >= this.#bound) this.#closeIdle()
    const isExtra = this.#open.size >= this.#bound
    this.#open.set(socket, {
      responses: new Set(),
      waiting: [],
      refusal: refusal ?? (isExtra ? unavailable('too many connections are open') : undefined),
      isUsed: false,
      answeredAt: 0,
      moved: 0,
    })
    socket.once('close', () => this.#forget(socket))
  }

  /**
   * Bytes that came in and went out, of all connections there were. When there are many, some of them are looked at a time,
   * so that it can be asked often.
   */
  moved(): number {
    for (let left = Math.min(this.#open.size, COUNTED_AT_ONCE); left > 0; left--) {
      let next = this.#next.next()
      if (next.done === true) next = (this.#next = this.#open.entries()).next()
      if (next.done !== true) this.#count(...next.value)
    }
    return this.#moved
  }

  /** Whether a connection is one that was added, and open. */
  has(socket: Socket): boolean {
    return this.#open.has(socket)
  }

  /** Responses not finished on a connection, oldest first. */
  pending(socket: Socket): ReadonlySet<ServerResponse> {
    return this.#open.get(socket)?.responses ?? new Set()
  }

  /** Makes a handler one whose requests are counted, wait for their turn, and are refused while draining. */
  listener(handle: Handler): RequestListener {
    return (req, res) => {
      const { socket } = req
      const connection = this.#open.get(socket)
      const isFirst = connection?.responses.size === 0
      if (connection === undefined || (!isFirst && this.#waiting >= MAX_WAITING)) {
        socket.destroy()
        return
      }
      connection.isUsed = true
      connection.responses.add(res)
      res.once('close', () => this.#ended(socket, connection, res))
      const start = (): void => this.#start(connection, res, () => handle(req, res))
      if (isFirst) return start()
      connection.waiting.push(start)
      this.#waiting += 1
    }
  }

  /** Closes idle connections, and each other one after its last answer. */
  drain(): void {
    this.#draining = true
    for (const [socket, { responses }] of this.#open) {
      const last = [...responses].at(-1)
      if (last === undefined) socket.destroySoon()
      else if (!last.headersSent) last.shouldKeepAlive = false
    }
  }

  /** Closes what is left, whatever it is doing. */
  destroy(): void {
    for (const socket of this.#open.keys()) socket.destroy()
  }

  /** Resolves when no handler runs. */
  async idle(): Promise<void> {
    while (this.#running.size > 0) await Promise.allSettled(this.#running)
  }

  #start({ refusal }: Connection, res: ServerResponse, handle: () => Promise<void>): void {
    if (this.#draining) refuse(res, unavailable('the registry is shutting down'))
    else if (refusal !== undefined) refuse(res, refusal)
    else this.#run(handle())
  }

  #run(work: Promise<void>): void {
    // Koa answers its own errors; nothing rejects here.
    const running = work.finally(() => this.#running.delete(running))
    this.#running.add(running)
  }

  #ended(socket: Socket, connection: Connection, res: ServerResponse): void {
    connection.responses.delete(res)
    if (socket.destroyed) return
    const next = connection.waiting.shift()
    if (next !== undefined) {
      this.#waiting -= 1
      next()
    } else if (connection.responses.size === 0) {
      connection.answeredAt = this.#now()
      this.#open.delete(socket)
      this.#open.set(socket, connection)
      if (this.#draining) socket.destroySoon()
    }
  }

  #count(socket: Socket, connection: Connection): void {
    const moved = socket.bytesRead + socket.bytesWritten
    this.#moved += moved - connection.moved
    connection.moved = moved
  }

  #forget(socket: Socket): void {
    const connection = this.#open.get(socket)
    if (connection === undefined) return
    this.#waiting -= connection.waiting.length
    connection.waiting.length = 0
    this.#count(socket, connection)
    this.#open.delete(socket)
  }

  /** Closes the connection that has been idle for longest; not one that has yet to send its first request. */
  #closeIdle(): void {
    const idleSince = this.#now() - BETWEEN_MS
    for (const [socket, { responses, isUsed, answeredAt }] of this.#open) {
      if (!isUsed || responses.size > 0) continue
      if (answeredAt > idleSince) return // and all that come after it did something even later
      this.#forget(socket)
      socket.destroy()
      return
    }
  }
}
