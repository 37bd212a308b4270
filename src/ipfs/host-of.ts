import type { Multiaddr } from '@multiformats/multiaddr'

/** The IP address in an address; of a connection through a relay, the relay's. Empty where there is none. */
export function hostOf(address: Multiaddr): string {
  const host = address.getComponents().find(({ name }) => name === 'ip4' || name === 'ip6')
  return host?.value ?? ''
}
