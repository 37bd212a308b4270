import { isLoopbackHost } from './address.ts'
import type { Config } from './schema.ts'

/** What decides whether logins can be read on their way. */
interface Doors {
  readonly http: Pick<Config['http'], 'trustProxy'> & {
    readonly addr: { readonly host: string }
    readonly tls: { readonly certificate: string | null }
  }
  readonly auth: { readonly mode: Config['auth']['mode'] }
}

/**
 * Whether passwords and tokens come from other machines to this port as plain HTTP. Who names a proxy has one in front, and
 * TLS is its matter.
 */
export function isOverheard({ http, auth }: Doors): boolean {
  if (auth.mode === 'open' || isLoopbackHost(http.addr.host)) return false
  return http.tls.certificate === null && http.trustProxy.length === 0
}
