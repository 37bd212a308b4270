import { webSockets } from '@libp2p/websockets'
import { LARGEST_MESSAGE, MAX_SOCKETS } from './inbound-limits.ts'
import type { Server, Socket } from 'node:net'
import type { Listener, Transport } from '@libp2p/interface'

/** How long a connection may take until it is a WebSocket. Milliseconds. */
const UPGRADE_TIME = 10_000

/** The parts of the listener of @libp2p/websockets 10 that its types hide; {@link isInside} checks that they are there. */
interface Inside {
  readonly server: Server
  readonly wsServer: { readonly options: { maxPayload?: number } }
}

/**
 * WebSockets with bounds: the stock listener takes any number of sockets, waits for ever for their first byte, and takes
 * messages of 100 MiB before it knows who sends them.
 */
export function boundedWebSockets(): (components: Components) => Transport {
  const make = webSockets()
  return (components) => {
    const transport = make(components)
    const createListener = transport.createListener.bind(transport)
    transport.createListener = (options) => bounded(createListener(options))
    return transport
  }
}

type Components = Parameters<ReturnType<typeof webSockets>>[0]

function bounded(listener: Listener): Listener {
  if (!isInside(listener))
    throw new Error('this version of @libp2p/websockets is not the one Heliport was written for')
  listener.server.maxConnections = MAX_SOCKETS
  // The timer ends when it becomes a WebSocket: `ws` takes it off.
  listener.server.prependListener('connection', (socket: Socket) => {
    socket.setTimeout(UPGRADE_TIME, () => socket.destroy())
  })
  listener.wsServer.options.maxPayload = 4 * LARGEST_MESSAGE
  return listener
}

function isInside(listener: unknown): listener is Inside {
  const { server, wsServer } = listener as Partial<Inside>
  return server !== undefined && wsServer?.options !== undefined
}
