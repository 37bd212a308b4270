import { createServer } from 'node:https'
import { RegistryError } from '../oci/errors.ts'
import { endWith } from './client-error.ts'
import type { ServerOptions } from 'node:http'
import type { Server } from 'node:https'
import type { Socket } from 'node:net'
import type { Certificate } from './certificate.ts'

/** What a connection of TLS begins with: a record of the handshake (RFC 8446 5.1). */
const HANDSHAKE = 22

/** A server for HTTPS, and what is on its way in. */
export interface TlsDoor {
  readonly server: Server
  /** Closes connections on which TLS is not spoken yet. */
  closeSilent(): void
}

/**
 * A server for HTTPS, whose clients that speak plain HTTP are told what is wrong.
 *
 * @param limitMs from the connection until TLS is spoken
 */
export function tlsDoor(
  { options }: Certificate,
  settings: ServerOptions,
  limitMs: number,
): TlsDoor {
  const server = createServer({
    ...settings,
    ...options,
    ALPNProtocols: ['http/1.1'],
    handshakeTimeout: limitMs,
  })
  const silent = new Map<string, Socket>()
  // Node's own listener, which would take whatever comes for TLS.
  const [begin] = server.listeners('connection') as ((socket: Socket) => void)[]
  server.removeAllListeners('connection')
  server.on('connection', (stream) => {
    const socket = stream as Socket
    const key = nameOf(socket)
    silent.set(key, socket)
    socket.once('close', () => {
      if (silent.get(key) === socket) silent.delete(key)
    })
    sniff(socket, limitMs, () => begin?.call(server, socket))
  })
  server.prependListener('secureConnection', (socket) => silent.delete(nameOf(socket)))
  return {
    server,
    closeSilent: () => {
      for (const socket of silent.values()) socket.destroy()
    },
  }
}

/** The TLS socket shows the same addresses as the one below it, which it does not name. */
function nameOf({ remoteAddress, remotePort, localAddress }: Socket): string {
  return `${remoteAddress} ${remotePort} ${localAddress}`
}

/** Looks at the first byte, and gives it back. */
function sniff(socket: Socket, limitMs: number, begin: () => void): void {
  const timer = setTimeout(() => socket.destroy(), limitMs)
  const onError = (): void => void socket.destroy()
  socket.once('close', () => clearTimeout(timer))
  socket.on('error', onError)
  const look = (): void => {
    const first = socket.read(1) as Buffer | null
    if (first === null) {
      // The end is readable, too, and nothing follows it.
      if (socket.readableEnded) socket.destroy()
      else socket.once('readable', look)
      return
    }
    clearTimeout(timer)
    socket.off('error', onError)
    if (first[0] === HANDSHAKE) {
      socket.unshift(first)
      begin()
      return
    }
    socket.on('error', onError)
    endWith(socket, plainHttp())
    socket.resume()
  }
  socket.once('readable', look)
}

function plainHttp(): RegistryError {
  return new RegistryError('UNSUPPORTED', {
    status: 400,
    message: 'this port speaks TLS: use https',
  })
}
