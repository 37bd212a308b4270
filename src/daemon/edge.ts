import { refusedRequest } from '../api/audit.ts'
import { sendQueueBound } from './send-queue.ts'
import type { AppOptions } from '../api/app.ts'
import type { AuditSink } from '../api/audit.ts'
import type { ListenOptions } from '../api/server.ts'
import type { Config } from '../config/schema.ts'

/**
 * What the HTTP port is opened with: TLS, how many connections an address may have and who hears of more, what its
 * readers must take, and what the system holds for each.
 */
export function portOptions(
  { http, limits }: Config,
  audit?: AuditSink,
): Pick<ListenOptions, 'tls' | 'perAddress' | 'minDownloadRate' | 'onRefused' | 'onArrival'> {
  const { certificate, key, minVersion } = http.tls
  const { connections: most } = limits.address
  return {
    tls: certificate === null || key === null ? undefined : { certificate, key, minVersion },
    // Behind a proxy there are many people.
    perAddress:
      most === null ? undefined : { most, exempt: [...limits.exempt, ...http.trustProxy] },
    minDownloadRate: limits.minDownloadRate ?? 0,
    onRefused: audit && ((refused) => void audit.write(refusedRequest(refused))),
    onArrival: sendQueueBound(),
  }
}

/** What the application on it is told of clients. */
export function clientOptions({
  http,
  limits,
}: Config): Pick<AppOptions, 'trustProxy' | 'limits' | 'clientLimits'> {
  const { blob, minUploadRate, exempt, address, user } = limits
  return {
    trustProxy: http.trustProxy,
    limits: { blob, minUploadRate: minUploadRate ?? 0 },
    clientLimits: { exempt, address, user },
  }
}
