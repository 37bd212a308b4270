import type { Socket } from 'node:net'

/** What holds as long as one request does. */
export interface RequestScope {
  /** Aborted when the connection closes before {@link RequestScope.end}. */
  readonly signal: AbortSignal
  end(): void
}

const scopes = new WeakMap<Socket, Set<AbortController>>()
const localSockets = new WeakSet<Socket>()

/**
 * Opens the scope of a request that came in on `socket`.
 *
 * The socket is watched, not the response: a pipelined response that waits for its turn has no socket yet and hears
 * nothing when the connection goes. One listener a socket, however many requests it carries.
 */
export function openScope(socket: Socket): RequestScope {
  const controller = new AbortController()
  const open = scopesOf(socket)
  if (socket.destroyed) controller.abort(gone())
  else open.add(controller)
  return { signal: controller.signal, end: () => void open.delete(controller) }
}

function scopesOf(socket: Socket): Set<AbortController> {
  const known = scopes.get(socket)
  if (known !== undefined) return known
  const open = new Set<AbortController>()
  scopes.set(socket, open)
  socket.once('close', () => {
    for (const controller of open) controller.abort(gone())
    open.clear()
  })
  return open
}

function gone(): DOMException {
  return new DOMException('the client closed the connection', 'AbortError')
}

/** Says that `socket` came in through a Unix socket. Called by the listener, which alone can know. */
export function markLocal(socket: Socket): void {
  localSockets.add(socket)
}

/**
 * Whether `socket` came in through a Unix socket. Its missing `remoteAddress` would not tell: a TCP socket that
 * was closed early has none either.
 */
export function isLocal(socket: Socket): boolean {
  return localSockets.has(socket)
}
