import { TLSSocket } from 'node:tls'
import { addressKey } from '../oci/address-key.ts'
import { plainAddress } from './address-ranges.ts'
import { isLocal } from './connection.ts'
import { Laggards } from './laggards.ts'
import { awaited, movedBytes, Progress } from './progress.ts'
import { refuse, unavailable } from './refuse.ts'
import { Round } from './round.ts'
import type { IncomingMessage, RequestListener, ServerResponse } from 'node:http'
import type { Socket } from 'node:net'
import type { RegistryError } from '../oci/errors.ts'
import type { RefusedRequest } from './audit.ts'

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

/** Connections of which it is looked at a time how they get on. */
const LOOKED_AT_ONCE = 1024
/** Nobody is looked at twice in so many ms. */
const LOOK_MS = 3_000

/** What {@link Connections} are made of. */
export interface ConnectionsInit {
  /** So many are served at once. */
  bound: number
  /** Bytes a second that a reader must take, over a minute; 0: any number will do. */
  minDownloadRate: number
  /** Told of each connection that was closed because its client is slow. */
  onCutOff?: (why: CutOff) => void
  /** Told of each request that was answered 429. */
  onRefused?: (refused: RefusedRequest) => void
  /** A clock that never goes back, in ms. */
  now?: () => number
}

/** Why a connection was closed: its reader took too little, or somebody else needed its place. */
export type CutOff = 'too slow' | 'place needed'

/** One connection, and what is asked on it. */
interface Connection {
  /** Responses that are open, oldest first. Node's own count leaves those out whose answer is still on its way. */
  readonly responses: Set<ServerResponse>
  /** Starts the requests that came before the first of {@link responses} was over. */
  readonly waiting: (() => void)[]
  /** Why its requests are refused: it came when there were as many as there may be. */
  readonly refusal: RegistryError | undefined
  /** Whose it is: an address. */
  readonly client: string
  readonly progress: Progress
  /** Bytes that have been counted. */
  moved: number
}

/**
 * The connections of one server. Requests that were sent at once (pipelined) are handled one after the other: Node hands
 * them out all together, and a thousand downloads would be read for one socket.
 */
export class Connections {
  readonly #open = new Map<Socket, Connection>()
  /** Those that have been answered and ask nothing, and since when, in ms; who asked last is last. */
  readonly #idle = new Map<Socket, number>()
  readonly #slow: Laggards<Socket>
  readonly #running = new Set<Promise<void>>()
  readonly #init: Required<ConnectionsInit>
  /** Whose bytes are counted next. */
  readonly #toCount = new Round(this.#open, COUNTED_AT_ONCE)
  /** Who is looked at next. */
  readonly #toLookAt = new Round(this.#open, LOOKED_AT_ONCE)
  #waiting = 0
  #draining = false
  /** Bytes that have been counted, also of connections which are closed. */
  #moved = 0

  constructor(init: ConnectionsInit) {
    this.#init = {
      now: () => performance.now(),
      onCutOff: () => undefined,
      onRefused: () => undefined,
      ...init,
    }
    this.#slow = new Laggards(this.#init.now)
  }

  /**
   * Watches a new connection. When there are too many, one makes place: one that has long been idle, else one whose client
   * is slow. If there is none, this is an extra.
   *
   * @param refusal what its requests are answered with, in any case: nobody makes place for them
   */
  add(socket: Socket, refusal?: RegistryError): void {
    const client = addressKey(plainAddress(socket.remoteAddress ?? ''))
    const isFull = this.#open.size >= this.#init.bound
    const isExtra = isFull && refusal === undefined && !this.#makePlace(client)
    this.#open.set(socket, {
      responses: new Set(),
      waiting: [],
      refusal: refusal ?? (isExtra ? unavailable('too many connections are open') : undefined),
      client,
      progress: new Progress(this.#init.minDownloadRate),
      moved: 0,
    })
    socket.once('close', () => this.#forget(socket))
  }

  /**
   * Bytes that came in and went out, of all connections there were. When there are many, some of them are looked at a time,
   * so that it can be asked often.
   */
  moved(): number {
    for (const [socket, connection] of this.#toCount.some()) this.#count(socket, connection)
    return this.#moved
  }

  /** Looks at some connections, how they get on, and closes those whose reader takes too little. To be called again and again. */
  look(): void {
    const now = this.#init.now()
    for (const [socket, { responses, client, progress }] of this.#toLookAt.some()) {
      if (now - progress.lookedAt < LOOK_MS) continue
      const [first] = responses
      const awaits = first && awaited(socket, first.req)
      if (progress.look(now, awaits, awaits === undefined ? 0 : movedBytes(socket))) {
        this.#cutOff(socket, 'too slow')
      } else this.#slow.judge(socket, client, awaits && progress.rate)
    }
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
      this.#idle.delete(socket)
      connection.responses.add(res)
      res.once('close', () => this.#ended(socket, connection, res))
      const start = (): void => this.#start(connection, res, () => handle(req, res))
      if (isFirst) return start()
      connection.waiting.push(start)
      this.#waiting += 1
    }
  }

  /** Requests that are being answered. */
  get running(): number {
    return this.#running.size
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
    else if (refusal !== undefined) this.#refuse(res, refusal)
    else this.#run(handle())
  }

  #refuse(res: ServerResponse, refusal: RegistryError): void {
    const address = plainAddress(res.req.socket.remoteAddress ?? '')
    const request = refuse(res, refusal)
    if (refusal.code === 'TOOMANYREQUESTS') this.#init.onRefused({ request, address })
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
      this.#idle.set(socket, this.#init.now())
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
    this.#idle.delete(socket)
    this.#slow.delete(socket)
  }

  /** Closes a connection for a newcomer. False: there is none to close. */
  #makePlace(newcomer: string): boolean {
    return this.#closeIdle() || this.#closeSlow(newcomer)
  }

  /** Closes the connection that has been idle for longest; not one that has yet to send its first request. */
  #closeIdle(): boolean {
    const [oldest] = this.#idle
    if (oldest === undefined) return false
    const [socket, since] = oldest
    if (since > this.#init.now() - BETWEEN_MS) return false
    this.#forget(socket)
    socket.destroy()
    return true
  }

  #closeSlow(newcomer: string): boolean {
    const socket = this.#slow.placeFor(newcomer)
    if (socket === undefined) return false
    this.#cutOff(socket, 'place needed')
    return true
  }

  #cutOff(socket: Socket, why: CutOff): void {
    this.#forget(socket)
    abandon(socket)
    this.#init.onCutOff(why)
  }
}

/** Closes a connection so that the system keeps nothing of what its client has not taken, which it would do for minutes. */
function abandon(socket: Socket): void {
  // There is no such way but for plain TCP.
  if (socket instanceof TLSSocket || isLocal(socket)) socket.destroy()
  else socket.resetAndDestroy()
}
