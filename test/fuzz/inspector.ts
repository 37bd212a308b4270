import { once } from 'node:events'
import { setTimeout as pause } from 'node:timers/promises'
import type { DaemonProcess } from '../support/daemon-process.ts'

/** Has the inspector listen on any free port, once somebody asks for it: until then the option changes nothing. */
export const INSPECTABLE = ['--inspect-port=127.0.0.1:0']

/** What Node says of its inspector, which is not a line of the daemon's log. */
export function isInspectorTalk(line: string): boolean {
  return /^(Debugger (listening|attached|ending)|For help, see: )/.test(line)
}

/** All that JavaScript objects hold: the heap, and what is outside of it (buffers among that). */
const LIVE = '(({ heapUsed, external }) => heapUsed + external)(process.memoryUsage())'

/** How long the daemon may take to listen, in ms. */
const PATIENCE_MS = 10_000

/** Collects all garbage of a daemon that runs. @returns what its JavaScript holds then, buffers and all, in bytes */
export async function collectGarbage(daemon: DaemonProcess): Promise<number> {
  const socket = new WebSocket(await inspectorOf(daemon))
  try {
    await opened(socket)
    // What the first leaves to finalizers, the second collects.
    await ask(socket, 1, 'HeapProfiler.collectGarbage')
    await ask(socket, 2, 'HeapProfiler.collectGarbage')
    const { result } = await ask(socket, 3, 'Runtime.evaluate', { expression: LIVE })
    if (result?.value === undefined) throw new Error('the inspector does not tell the memory')
    return result.value
  } finally {
    socket.close()
  }
}

/** @throws when nobody listens there */
async function opened(socket: WebSocket): Promise<void> {
  const failed = once(socket, 'error').then(() => {
    throw new Error(`the inspector does not answer: ${socket.url}`)
  })
  await Promise.race([once(socket, 'open'), failed])
}

const LISTENING = 'Debugger listening on '

/** Addresses by process: Node tells it when SIGUSR1 makes it listen, and only the first time. */
const addresses = new Map<number, string>()

async function inspectorOf(daemon: DaemonProcess): Promise<string> {
  const known = addresses.get(daemon.pid)
  if (known !== undefined) return known
  const end = performance.now() + PATIENCE_MS
  for (let asked = false; performance.now() < end; asked = true) {
    // The log also has what earlier lives of the daemon said.
    const earlier = new Set(addresses.values())
    const address = daemon.log
      .filter((each) => each.startsWith(LISTENING))
      .map((each) => each.slice(LISTENING.length))
      .findLast((each) => !earlier.has(each))
    if (address !== undefined) {
      addresses.set(daemon.pid, address)
      return address
    }
    if (!asked) process.kill(daemon.pid, 'SIGUSR1')
    await pause(50)
  }
  throw new Error('the daemon has no inspector')
}

/** What comes back of `Runtime.evaluate`; of other methods nothing is looked at. */
interface Evaluated {
  result?: { value?: number }
}

async function ask(
  socket: WebSocket,
  id: number,
  method: string,
  params: object = {},
): Promise<Evaluated> {
  const answer = new Promise<Evaluated>((resolve) => {
    const onMessage = ({ data }: MessageEvent): void => {
      const message = JSON.parse(String(data)) as { id?: number; result?: Evaluated }
      if (message.id !== id) return
      socket.removeEventListener('message', onMessage)
      resolve(message.result ?? {})
    }
    socket.addEventListener('message', onMessage)
  })
  socket.send(JSON.stringify({ id, method, params }))
  return answer
}
