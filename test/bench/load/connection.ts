import { connect } from 'node:net'
import { once } from 'node:events'
import { answerLength } from './answer-length.ts'
import type { Socket } from 'node:net'

/** One kept HTTP/1.1 connection that asks one thing after the other, and looks at nothing but the status. */
export class Connection implements Disposable {
  readonly #socket: Socket
  #received: Buffer = Buffer.alloc(0)
  #isHead = false
  #waiting: PromiseWithResolvers<number> | undefined

  private constructor(socket: Socket) {
    this.#socket = socket
    socket.on('data', (bytes) => this.#take(bytes))
    socket.on('error', (error) => this.#waiting?.reject(error))
    socket.on('close', () => this.#waiting?.reject(new Error('the registry closed a connection')))
  }

  static async open(host: string): Promise<Connection> {
    const [address = '', port = ''] = host.split(':')
    const socket = connect({ host: address, port: Number(port), noDelay: true })
    await once(socket, 'connect')
    return new Connection(socket)
  }

  /** @param request its whole bytes @returns the status, when the whole answer has come */
  ask(request: Uint8Array, isHead = false): Promise<number> {
    this.#isHead = isHead
    this.#waiting = Promise.withResolvers<number>()
    this.#socket.write(request)
    return this.#waiting.promise
  }

  [Symbol.dispose](): void {
    this.#waiting = undefined
    this.#socket.destroy()
  }

  #take(bytes: Buffer): void {
    this.#received = this.#received.length === 0 ? bytes : Buffer.concat([this.#received, bytes])
    const answer = answerLength(this.#received, this.#isHead)
    if (answer === undefined || this.#received.length < answer.length) return
    this.#received = this.#received.subarray(answer.length)
    const waiting = this.#waiting
    this.#waiting = undefined
    waiting?.resolve(answer.status)
  }
}

/** The bytes of a request. */
export function requestBytes(
  method: string,
  path: string,
  host: string,
  headers: Readonly<Record<string, string>> = {},
  body: Uint8Array = Buffer.alloc(0),
): Buffer {
  const length = method === 'GET' || method === 'HEAD' ? {} : { 'Content-Length': `${body.length}` }
  const lines = Object.entries({ Host: host, ...headers, ...length }).map(
    ([name, value]) => `${name}: ${value}\r\n`,
  )
  return Buffer.concat([Buffer.from(`${method} ${path} HTTP/1.1\r\n${lines.join('')}\r\n`), body])
}
