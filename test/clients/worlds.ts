import { DaemonProcess } from '../support/daemon-process.ts'
import type { DaemonOptions } from '../support/daemon-process.ts'
import type { World } from './client.ts'

/** The daemons of a run. */
export interface Daemons {
  readonly hosts: Pick<World, 'host' | 'other' | 'mirror'>
  /** Warnings and errors that they have logged since then (milliseconds since the epoch), as JSON. */
  complaints(since: number): string[]
}

/** Two independent daemons, and a mirror that knows the first one's name and address only. */
export async function startDaemons(
  cleanUp: AsyncDisposableStack,
  { signal }: { signal: AbortSignal },
): Promise<Daemons> {
  const start = async (options?: DaemonOptions): Promise<DaemonProcess> => {
    signal.throwIfAborted()
    return cleanUp.use(await DaemonProcess.start(options))
  }
  const first = await start()
  const other = await start()
  const mirror = await start({ mirrors: [first.ipnsName], peers: [first.peerAddress] })
  return {
    hosts: { host: first.host, other: other.host, mirror: mirror.host },
    complaints: (since) =>
      Object.entries({ first, other, mirror }).flatMap(([name, { log }]) =>
        log.filter((line) => isComplaint(line, since)).map((line) => `${name}: ${line}`),
      ),
  }
}

/** pino's lines; whatever else a daemon writes is a complaint too, without a time. */
function isComplaint(line: string, since: number): boolean {
  try {
    const { level, time } = JSON.parse(line) as { level: number; time: number }
    return level >= 40 && time >= since
  } catch (error) {
    if (error instanceof SyntaxError) return true
    throw error
  }
}
