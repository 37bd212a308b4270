import { once } from 'node:events'
import { chmod } from 'node:fs/promises'
import { createServer } from 'node:http'
import { Server as NetServer } from 'node:net'
import { RegistryError } from '../oci/errors.ts'
import { plainAddress } from './address-ranges.ts'
import { AddressConnections } from './address-connections.ts'
import { CertificateKeeper } from './certificate-keeper.ts'
import { answerClientError } from './client-error.ts'
import { markLocal } from './connection.ts'
import { connectionBound } from './connection-bound.ts'
import { Connections } from './connections.ts'
import { ListenError } from './listen-error.ts'
import { wellFormed } from './request-form.ts'
import { CONNECTION_TIMES, serverSettings } from './server-settings.ts'
import { tlsDoor } from './tls-door.ts'
import { removeStaleSocket } from './unix-socket.ts'
import type { Server } from 'node:http'
import type { AddressInfo, Socket } from 'node:net'
import type { Abortable } from '../registry/ports.ts'
import type { AddressBound } from './address-connections.ts'
import type { RefusedRequest } from './audit.ts'
import type { CertificateFiles } from './certificate.ts'
import type { ApiLog } from './context.ts'
import type { CutOff, Handler } from './connections.ts'

/** After the drain's time is over, handlers that were cut off still get so long to keep what they have. */
const LAST_WORDS_MS = 5_000
const DRAIN_MS = 10_000

/** Connections beyond the bound of which each is told so, as a part of the bound. Those beyond are closed as they come. */
const EXTRA = 1 / 2

/**
 * Connections that the system takes for us while we are busy, if it allows as many (`net.core.somaxconn`). Node asks for 511:
 * whoever comes then is not heard, and comes again after 1, 3 and 7 s.
 */
const BACKLOG = 4096

/** So often, in ms, it is looked how some connections get on. */
const LOOK_EVERY_MS = 1_000

/** The operator hears of refused connections once in so many ms. */
const COMPLAIN_MS = 60_000

/** Where to listen: a TCP address, or the path of a Unix socket. */
type ListenTarget = { host: string; port: number } | { path: string }

/** How to listen. */
export type ListenOptions = ListenTarget &
  Abortable & {
    log: ApiLog
    /** To speak TLS; absent: plain HTTP. */
    tls?: CertificateFiles | undefined
    /** Connections of one address; absent: any number. */
    perAddress?: AddressBound | undefined
    /** Called with each request that is answered 429 because its address has too many connections. */
    onRefused?: ((refused: RefusedRequest) => void) | undefined
    /** Called with each connection as it comes, before anything is read of it. */
    onArrival?: (socket: Socket) => void
    /** Connections served at once (default: what {@link connectionBound} finds). */
    maxConnections?: number
    /** Bytes a second that a reader must take, over a minute; 0, or absent: any number will do. */
    minDownloadRate?: number
    /** In place of `CONNECTION_TIMES.headers`. */
    headersTimeoutMs?: number
    /** The clock that tells which connections are idle or slow, in ms. */
    now?: () => number
    /** How often it is looked which are slow, in ms (default 1 s). */
    lookEveryMs?: number
  }

/** A server that listens. */
export interface Listener {
  /** `http://host:port`, or `https://…`, with the port that was taken, or the path of the Unix socket. */
  readonly address: string
  /** The TCP port; `undefined` on a Unix socket. */
  readonly port: number | undefined
  /** Bytes that came in and went out since it listens. */
  moved(): number
  /** Requests that are being answered. */
  running(): number
  /** Looks whether certificate and key have changed. What is wrong with them is logged. */
  reload(): Promise<void>
  /**
   * Stops: takes no new connections, lets running requests end until `signal` aborts (default 10 s), refuses new
   * ones, then closes everything. Resolves when no handler runs any more (or 5 s after the cut). Idempotent.
   */
  close(options?: Abortable): Promise<void>
}

/** The part of a Koa application that is needed here. */
export interface Application {
  callback(): Handler
}

/**
 * Serves an application.
 *
 * @throws ListenError whose message names `http.addr` (or the socket's path) when the address cannot be had, or
 *   `http.tls.…` when its files cannot be used
 */
export async function listen(app: Application, options: ListenOptions): Promise<Listener> {
  options.signal?.throwIfAborted()
  const bound = options.maxConnections ?? (await connectionBound())
  const connections = new Connections({
    bound,
    minDownloadRate: options.minDownloadRate ?? 0,
    onCutOff: cutOffLog(options.log),
    ...(options.onRefused && { onRefused: options.onRefused }),
    ...(options.now && { now: options.now }),
  })
  await using stack = new AsyncDisposableStack()
  const door = await openDoor(options, stack)
  const { server } = door
  server.maxConnections = Math.ceil(bound * (1 + EXTRA))
  // Node drops headers beyond this count without a word; their size is bounded already.
  server.maxHeadersCount = 0
  watchArrivals(door, connections, options)
  wire(server, connections, wellFormed(app.callback()), options.log)
  if ('path' in options) await removeStaleSocket(options.path)
  await bind(server, options)
  // After this, an error is one connection that could not be accepted (EMFILE); unheard it would end the process.
  server.on('error', (error) => options.log.error({ err: error }, 'could not accept a connection'))
  server.on(
    'drop',
    complainer(options.log, 'too many connections are open: more are closed as they come'),
  )
  const looking = setInterval(() => connections.look(), options.lookEveryMs ?? LOOK_EVERY_MS)
  looking.unref()
  const open = stack.move()
  let closing: Promise<void> | undefined
  return {
    ...addressOf(server, door.scheme),
    moved: () => connections.moved(),
    running: () => connections.running,
    reload: () => door.reload(),
    close: ({ signal } = {}) =>
      (closing ??= (async () => {
        await close(door, connections, signal ?? AbortSignal.timeout(DRAIN_MS))
        clearInterval(looking)
        await open.disposeAsync()
      })()),
  }
}

/** A server that does not listen yet, and what depends on whether it speaks TLS. */
interface Door {
  readonly server: Server
  readonly scheme: 'http' | 'https'
  /** What Node calls a connection on which requests can be read. */
  readonly event: 'connection' | 'secureConnection'
  closeSilent(): void
  reload(): Promise<void>
}

async function openDoor(options: ListenOptions, stack: AsyncDisposableStack): Promise<Door> {
  const settings = serverSettings(options.headersTimeoutMs)
  if (options.tls === undefined)
    return {
      server: createServer(settings),
      scheme: 'http',
      event: 'connection',
      closeSilent: () => undefined,
      reload: () => Promise.resolve(),
    }
  const keeper = stack.use(
    await CertificateKeeper.open(options.tls, {
      log: options.log,
      onChange: (certificate) => door.server.setSecureContext(certificate.options),
    }),
  )
  const limitMs = options.headersTimeoutMs ?? CONNECTION_TIMES.headers
  const door = tlsDoor(keeper.certificate, settings, limitMs)
  return { ...door, scheme: 'https', event: 'secureConnection', reload: () => keeper.check() }
}

/** Counts and watches connections as they come. */
function watchArrivals(
  { server, event }: Door,
  connections: Connections,
  options: ListenOptions,
): void {
  const perAddress = options.perAddress && new AddressConnections(options.perAddress)
  server.prependListener(event, (socket: Socket) => {
    if (socket.destroyed) return
    connections.add(socket, perAddress?.isOver(socket) === true ? tooMany() : undefined)
    if ('path' in options) markLocal(socket)
  })
  // Comes first, before a handshake, which is dear.
  server.prependListener('connection', (socket: Socket) => {
    if (perAddress?.enter(socket) === false) socket.destroy()
    else options.onArrival?.(socket)
  })
}

function tooMany(): RegistryError {
  return new RegistryError('TOOMANYREQUESTS', {
    message: 'too many connections of this address are open',
  })
}

function wire(server: Server, connections: Connections, handle: Handler, log: ApiLog): void {
  const listener = connections.listener(handle)
  server.on('request', listener)
  // Without a listener Node says `100 Continue` before we have looked at the request; `readBody` says it.
  server.on('checkContinue', listener)
  // And it answers other expectations without a body; `wellFormed` has one.
  server.on('checkExpectation', listener)
  server.on('clientError', (error: Error, stream) => {
    const socket = stream as Socket
    // Where TLS has failed there is nobody to answer.
    if (!connections.has(socket)) {
      socket.destroy()
      return
    }
    const address = plainAddress(socket.remoteAddress ?? '')
    const answered = answerClientError(error, socket, connections.pending(socket))
    if (answered !== undefined) log.info({ ...answered, address }, 'no request')
  })
}

function complainer(log: ApiLog, message: string): () => void {
  let last = -Infinity
  return () => {
    if (performance.now() - last < COMPLAIN_MS) return
    last = performance.now()
    log.warn(message)
  }
}

/** What the operator hears of connections that were closed because they are slow. */
function cutOffLog(log: ApiLog): (why: CutOff) => void {
  const full = complainer(
    log,
    'too many connections are open: the slowest are closed for others that come',
  )
  return (why) => {
    if (why === 'place needed') full()
    else
      log.info(
        'a reader took less than limits.minDownloadRate, as far as can be seen: its connection was closed',
      )
  }
}

async function bind(server: Server, { signal, ...target }: ListenOptions): Promise<void> {
  const where = 'path' in target ? { path: target.path } : { host: target.host, port: target.port }
  try {
    const listening = once(server, 'listening', signal === undefined ? {} : { signal })
    server.listen({ ...where, backlog: BACKLOG })
    await listening
    if ('path' in target) await chmod(target.path, 0o600)
  } catch (error) {
    server.close()
    signal?.throwIfAborted()
    throw new ListenError(explain(error, target), { cause: error })
  }
}

const REASONS: Record<string, string> = {
  EADDRINUSE: 'the address is already in use',
  EACCES: 'no permission to listen there',
  EADDRNOTAVAIL: 'this machine has no such address',
  ENOTFOUND: 'the host name is unknown',
}

function explain(error: unknown, target: ListenTarget): string {
  const { code = '', message } = error as NodeJS.ErrnoException
  const where = 'path' in target ? target.path : `http.addr ${authority(target.host, target.port)}`
  return `cannot listen on ${where}: ${REASONS[code] ?? message}`
}

function addressOf(server: Server, scheme: string): { address: string; port: number | undefined } {
  const address = server.address() as AddressInfo | string
  if (typeof address === 'string') return { address, port: undefined }
  return { address: `${scheme}://${authority(address.address, address.port)}`, port: address.port }
}

function authority(host: string, port: number): string {
  return host.includes(':') ? `[${host}]:${port}` : `${host}:${port}`
}

async function close(door: Door, connections: Connections, signal: AbortSignal): Promise<void> {
  const { server } = door
  // Not http's own close: it destroys connections whose answer is still on its way out.
  const closed = new Promise<void>((resolve) => {
    NetServer.prototype.close.call(server, () => resolve())
  })
  door.closeSilent()
  const cut = (): void => connections.destroy()
  signal.addEventListener('abort', cut, { once: true })
  connections.drain()
  if (signal.aborted) cut()
  await closed
  signal.removeEventListener('abort', cut)
  await atMost(LAST_WORDS_MS, connections.idle())
  // Only ends http's timer now.
  server.close()
}

async function atMost(ms: number, work: Promise<void>): Promise<void> {
  const late = Promise.withResolvers<void>()
  const timer = setTimeout(late.resolve, ms)
  await Promise.race([work, late.promise])
  clearTimeout(timer)
}
