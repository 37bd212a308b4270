import { connect } from 'node:net'
import type { Socket } from 'node:net'

/*
 * Many slow clients, in a process of their own: how much they have to do must not be seen in what the healthy one measures.
 * Told what to do by its first argument, and for how long by its standard input: it ends with that.
 */

/** What the runner says. */
export interface SlowPlan {
  readonly port: number
  readonly clients: number
  /** From so many addresses of 127.0.0.0/8, none of which is 127.0.0.1. */
  readonly addresses: number
  /** A large blob, for slow readers. */
  readonly blob: string
}

/** What it says, a line of JSON a second. */
export interface SlowState {
  readonly open: number
  /** Connections that were made, also in place of those that were closed. */
  readonly made: number
  readonly closed: number
  readonly refused: number
  /** The longest that one with slow headers has lived, in ms. */
  readonly longestHeaders: number
}

const HEADER_MS = 5_000
const BODY_MS = 10_000
const READ_MS = 2_000
/** What is read at a time. */
const READ_BYTES = 16 * 1024
/** Whoever was closed comes back, but not all at once. */
const AGAIN_MS = 1_000

const HEAD = 'Host: localhost\r\n'

class SlowClients {
  readonly #plan: SlowPlan
  readonly #state = { open: 0, made: 0, closed: 0, refused: 0, longestHeaders: 0 }

  constructor(plan: SlowPlan) {
    this.#plan = plan
    for (let i = 0; i < plan.clients; i++) setTimeout(() => this.#begin(i), i / 2)
  }

  get state(): SlowState {
    return this.#state
  }

  /** Opens the connection of a client, and again when it is closed. */
  #begin(number: number): void {
    const { port, addresses } = this.#plan
    const at = number % addresses
    const localAddress = `127.1.${(at >> 7) & 255}.${(at & 127) + 1}`
    const socket = connect({ port, host: '127.0.0.1', localAddress })
    this.#state.made += 1
    let began = performance.now()
    let timer: NodeJS.Timeout | undefined
    socket.on('connect', () => {
      began = performance.now()
      this.#state.open += 1
      timer = this.#play(number % 3, socket)
    })
    socket.on('error', () => undefined)
    socket.on('data', (bytes: Buffer) => {
      if (/^HTTP\/1\.1 (429|503) /.test(bytes.toString('latin1', 0, 16))) this.#state.refused += 1
    })
    socket.on('close', () => {
      clearInterval(timer)
      if (timer !== undefined) this.#state.open -= 1
      this.#state.closed += 1
      const age = performance.now() - began
      if (number % 3 === 0) this.#state.longestHeaders = Math.max(this.#state.longestHeaders, age)
      setTimeout(() => this.#begin(number), AGAIN_MS)
    })
  }

  #play(kind: number, socket: Socket): NodeJS.Timeout {
    if (kind === 0) {
      socket.write(`GET /v2/ HTTP/1.1\r\n${HEAD}X-Slow: `)
      return setInterval(() => socket.write('a'), HEADER_MS)
    }
    if (kind === 1) {
      const start = 'POST /v2/slow/blobs/uploads/?digest=sha256:' + 'a'.repeat(64)
      socket.write(`${start} HTTP/1.1\r\n${HEAD}Content-Length: 1000000\r\n\r\n`)
      return setInterval(() => socket.write('a'), BODY_MS)
    }
    socket.write(`GET /v2/slow/blobs/${this.#plan.blob} HTTP/1.1\r\n${HEAD}\r\n`)
    socket.pause()
    return setInterval(() => void socket.read(READ_BYTES), READ_MS)
  }
}

if (import.meta.main) {
  const clients = new SlowClients(JSON.parse(process.argv[2] ?? '') as SlowPlan)
  setInterval(() => console.log(JSON.stringify(clients.state)), 1_000)
  process.stdin.resume().on('end', () => process.exit(0))
}
