import { Certificates } from '../support/certificate.ts'
import { DaemonProcess } from '../support/daemon-process.ts'
import { speaksTls, trustAuthority } from './support/transport.ts'
import type { DaemonOptions } from '../support/daemon-process.ts'
import type { World } from './client.ts'

/** The daemons of a run. */
export interface Daemons {
  readonly hosts: Pick<World, 'host' | 'other' | 'mirror'>
  /** Warnings and errors that they have logged since then (milliseconds since the epoch), as JSON. */
  complaints(since: number): string[]
}

/** Two independent daemons, and a mirror that knows the first one's name and address only. @param options `tls`: they speak TLS */
export async function startDaemons(
  cleanUp: AsyncDisposableStack,
  { signal, tls = false }: { signal: AbortSignal; tls?: boolean },
): Promise<Daemons> {
  const http = tls ? { tls: await trustedCertificate(cleanUp) } : {}
  const start = async (options?: DaemonOptions): Promise<DaemonProcess> => {
    signal.throwIfAborted()
    const daemon = cleanUp.use(await DaemonProcess.start({ ...options, config: { http } }))
    if (tls) speaksTls(daemon.host)
    return daemon
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

/** A certificate of an authority that all clients know. */
async function trustedCertificate(cleanUp: AsyncDisposableStack) {
  const made = cleanUp.use(await Certificates.open())
  const authority = await made.make('authority')
  trustAuthority(authority.certificate)
  return made.make('registry', authority)
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
