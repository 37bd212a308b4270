import { RegistryError } from '../oci/errors.ts'
import { errorBody } from './errors.ts'
import type { IncomingMessage, RequestListener, ServerResponse } from 'node:http'
import type { Socket } from 'node:net'

/** Handles one request; resolves when it has nothing more to do for it. */
export type Handler = (req: IncomingMessage, res: ServerResponse) => Promise<void>

/**
 * The connections of one server and the responses that are open on each. Node's own count takes a connection for
 * idle when its last request was read and `end` was called, though the answer may still be on its way out.
 */
export class Connections {
  readonly #open = new Map<Socket, Set<ServerResponse>>()
  readonly #running = new Set<Promise<void>>()
  #draining = false

  /** Watches a new connection. */
  add(socket: Socket): void {
    this.#open.set(socket, new Set())
    socket.once('close', () => this.#open.delete(socket))
  }

  /** Responses not finished on a connection, oldest first. */
  pending(socket: Socket): ReadonlySet<ServerResponse> {
    return this.#open.get(socket) ?? new Set()
  }

  /** Makes a handler one whose requests are counted, and refused while draining. */
  listener(handle: Handler): RequestListener {
    return (req, res) => {
      const responses = this.#open.get(req.socket)
      responses?.add(res)
      res.once('close', () => {
        responses?.delete(res)
        if (this.#draining && responses?.size === 0) req.socket.destroySoon()
      })
      if (this.#draining) refuse(res)
      else this.#run(handle(req, res))
    }
  }

  #run(work: Promise<void>): void {
    // Koa answers its own errors; nothing rejects here.
    const running = work.finally(() => this.#running.delete(running))
    this.#running.add(running)
  }

  /** Closes idle connections, and each other one after its last answer. */
  drain(): void {
    this.#draining = true
    for (const [socket, responses] of this.#open) {
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
}

function refuse(res: ServerResponse): void {
  const error = new RegistryError('UNAVAILABLE', { message: 'the registry is shutting down' })
  const body = Buffer.from(JSON.stringify(errorBody(error)))
  res.writeHead(error.status, {
    Connection: 'close',
    'Content-Length': body.length,
    'Content-Type': 'application/json',
    'Retry-After': '5',
    'X-Content-Type-Options': 'nosniff',
  })
  res.end(body)
}
