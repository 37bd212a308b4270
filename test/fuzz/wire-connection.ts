import { once } from 'node:events'
import { connect } from 'node:net'
import { takeAnswer } from './wire-answer.ts'
import type { Socket } from 'node:net'
import type { WireAnswer } from './wire-answer.ts'

/** Where a server listens: a TCP port of loopback, or a Unix socket. */
export type Address = { port: number } | { path: string }

/** How long nothing may come of an answer, in ms: far longer than any does, also on a machine that is busy with other things. */
const ANSWER_MS = 20_000

/** The server did not answer in time. */
export class NoAnswer extends Error {
  static override readonly name = 'NoAnswer'
  override readonly name = 'NoAnswer'
}

/** The connection ended where an answer was due. */
export class Closed extends Error {
  static override readonly name = 'Closed'
  override readonly name = 'Closed'
}

/** A connection on which any bytes can be written, and answers are read strictly. */
export class WireConnection {
  readonly #socket: Socket
  #received: Buffer = Buffer.alloc(0)
  #closed = false
  #wake: () => void = () => undefined

  private constructor(socket: Socket) {
    this.#socket = socket
    socket.setNoDelay(true)
    socket.on('data', (bytes: Buffer) => {
      this.#received = this.#received.length === 0 ? bytes : Buffer.concat([this.#received, bytes])
      this.#wake()
    })
    // A reset is one of the ways a server may close; what was due and did not come is found out by who waits for it.
    socket.on('error', () => undefined)
    socket.on('close', () => this.#end())
    socket.on('end', () => this.#end())
  }

  /** @throws the socket's error when nobody listens there */
  static async open(address: Address): Promise<WireConnection> {
    const target = 'port' in address ? { ...address, host: '127.0.0.1' } : address
    const socket = connect({ ...target, allowHalfOpen: true })
    await once(socket, 'connect')
    return new WireConnection(socket)
  }

  /** Whether the server has closed its side. */
  get closed(): boolean {
    return this.#closed
  }

  /** Bytes that came and belong to no answer that was asked for. */
  get surplus(): Buffer {
    return this.#received
  }

  write(bytes: Uint8Array): void {
    if (!this.#socket.destroyed && this.#socket.writable) this.#socket.write(bytes)
  }

  /** Says that nothing more will be written, and still reads. */
  finish(): void {
    if (!this.#socket.destroyed) this.#socket.end()
  }

  destroy(): void {
    this.#socket.destroy()
    this.#end()
  }

  /** The next answer. @throws NoAnswer, Closed, MalformedAnswer */
  async answer(method: string): Promise<WireAnswer> {
    const answer = await this.#next(method)
    if (answer === undefined) throw new Closed(`the connection was closed without an answer`)
    return answer
  }

  /**
   * Waits until an interim answer or all of a final one is there; neither is taken off.
   *
   * @returns whether the server asks for the body
   */
  async continues(): Promise<boolean> {
    await this.#until(() => this.#closed || this.#received.includes('\r\n\r\n'))
    return this.#received.toString('latin1', 0, 12) === 'HTTP/1.1 100'
  }

  /** Waits until something comes, or the server closes. @throws NoAnswer */
  async heard(): Promise<void> {
    await this.#until(() => this.#closed || this.#received.length > 0)
  }

  /** All further answers until the server closes. @throws NoAnswer when it does not, MalformedAnswer */
  async rest(method: string): Promise<WireAnswer[]> {
    const answers: WireAnswer[] = []
    for (;;) {
      const answer = await this.#next(method)
      if (answer === undefined) return answers
      answers.push(answer)
    }
  }

  /** `undefined` when the server closed between two answers. */
  async #next(method: string): Promise<WireAnswer | undefined> {
    let taken = takeAnswer(this.#received, method, this.#closed)
    await this.#until(() => {
      taken = takeAnswer(this.#received, method, this.#closed)
      return taken !== undefined || this.#closed
    })
    if (taken === undefined) return undefined
    this.#received = this.#received.subarray(taken.used)
    return taken.answer
  }

  async #until(holds: () => boolean): Promise<void> {
    if (holds()) return
    const { promise, resolve, reject } = Promise.withResolvers<void>()
    const late = (): void => reject(new NoAnswer(`nothing came for ${ANSWER_MS / 1000} s`))
    const limit = setTimeout(late, ANSWER_MS)
    this.#wake = () => {
      limit.refresh()
      try {
        if (holds()) resolve()
      } catch (error) {
        reject(error)
      }
    }
    try {
      await promise
    } finally {
      this.#wake = () => undefined
      clearTimeout(limit)
    }
  }

  #end(): void {
    this.#closed = true
    this.#wake()
  }
}
