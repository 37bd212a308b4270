import { isLoopbackHost, isLoopbackName } from './address.ts'
import type { Config } from './schema.ts'

/** What decides who can come. */
interface Doors {
  readonly http: Pick<Config['http'], 'hosts' | 'trustProxy'> & {
    readonly addr: { readonly host: string }
  }
  readonly auth: { readonly mode: Config['auth']['mode'] }
}

/** Whether others than this machine can come, by an address, a name or a proxy, and nobody is asked who he is. */
export function isOpenToAll({ http, auth }: Doors): boolean {
  if (auth.mode !== 'open') return false
  const isNamed = http.hosts.some((host) => !isLoopbackName(host))
  return !isLoopbackHost(http.addr.host) || isNamed || http.trustProxy.length > 0
}
