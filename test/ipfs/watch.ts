import { createHook } from 'node:async_hooks'
import { subscribe, unsubscribe } from 'node:diagnostics_channel'
import type { Socket } from 'node:net'

/** What Node calls a lookup by the system, a DNS query of its own, and a UDP socket. */
const KINDS: ReadonlySet<string> = new Set(['GETADDRINFOREQWRAP', 'QUERYWRAP', 'UDPWRAP'])

/** What the process did on the network since the watch began. */
export interface Watch extends Disposable {
  /** IP addresses that were called by TCP. */
  readonly called: string[]
  /** DNS lookups and UDP sockets, by Node's names for them. */
  readonly other: string[]
}

export function watchNetwork(): Watch {
  const called: string[] = []
  const other: string[] = []
  const onSocket = (message: unknown): void => {
    const { socket } = message as { socket: Socket }
    socket.on('connectionAttempt', (ip: string) => called.push(ip))
  }
  const hook = createHook({
    init(_id, type) {
      if (KINDS.has(type)) other.push(type)
    },
  })
  subscribe('net.client.socket', onSocket)
  hook.enable()
  return {
    called,
    other,
    [Symbol.dispose]() {
      unsubscribe('net.client.socket', onSocket)
      hook.disable()
    },
  }
}
