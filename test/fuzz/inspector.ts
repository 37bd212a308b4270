import { once } from 'node:events'
import { setTimeout as pause } from 'node:timers/promises'
import type { DaemonProcess } from '../support/daemon-process.ts'

/** Has the inspector listen on any free port, once somebody asks for it: until then the option changes nothing. */
export const INSPECTABLE = ['--inspect-port=127.0.0.1:0']

/** What Node says of its inspector, which is not a line of the daemon's log. */
export function isInspectorTalk(line: string): boolean {
  return /^(Debugger (listening|attached|ending)|For help, see: )/.test(line)
}

/** How long the daemon may take to listen, in ms. */
const PATIENCE_MS = 10_000

/** Collects all garbage of a daemon that runs. @returns what its JavaScript heap holds then, in bytes */
export async function collectGarbage(daemon: DaemonProcess): Promise<number> {
  const socket = new WebSocket(await inspectorOf(daemon))
  try {
    await once(socket, 'open')
    // What the first leaves to finalizers, the second collects.
    await ask(socket, 1, 'HeapProfiler.collectGarbage')
    await ask(socket, 2, 'HeapProfiler.collectGarbage')
    const { usedSize } = await ask(socket, 3, 'Runtime.getHeapUsage')
    return usedSize ?? Number.NaN
  } finally {
    socket.close()
  }
}

/** Node tells the address when SIGUSR1 makes it listen, and only the first time. */
async function inspectorOf(daemon: DaemonProcess): Promise<string> {
  const end = performance.now() + PATIENCE_MS
  for (let asked = false; performance.now() < end; asked = true) {
    const address = daemon.log.findLast((line) => line.startsWith('Debugger listening on '))
    if (address !== undefined) return address.slice('Debugger listening on '.length)
    if (!asked) process.kill(daemon.pid, 'SIGUSR1')
    await pause(50)
  }
  throw new Error('the daemon has no inspector')
}

interface Answer {
  id?: number
  result?: { usedSize?: number }
}

async function ask(socket: WebSocket, id: number, method: string): Promise<{ usedSize?: number }> {
  const answer = new Promise<{ usedSize?: number }>((resolve) => {
    const onMessage = ({ data }: MessageEvent): void => {
      const message = JSON.parse(String(data)) as Answer
      if (message.id !== id) return
      socket.removeEventListener('message', onMessage)
      resolve(message.result ?? {})
    }
    socket.addEventListener('message', onMessage)
  })
  socket.send(JSON.stringify({ id, method }))
  return answer
}
