import { BlockList, isIP } from 'node:net'
import type { Multiaddr } from '@multiformats/multiaddr'
import type { NetworkMode } from './config.ts'

/**
 * Which addresses a mode may reach, be reached from, and tell others about (promise I10).
 * Names (`/dns…`) are in no scope but the public one: whoever names an address must not make us ask a foreign DNS.
 * Configured peers may have names; `peers.ts` looks those up first.
 */
export type Scope = (address: Multiaddr) => boolean

const loopback = blockList([
  ['127.0.0.0', 8],
  ['::1', 128],
])

/** RFC 1918, RFC 6598 (carrier-grade NAT, overlay networks), RFC 3927, RFC 4193, RFC 4291 link-local. */
const local = blockList([
  ['10.0.0.0', 8],
  ['172.16.0.0', 12],
  ['192.168.0.0', 16],
  ['100.64.0.0', 10],
  ['169.254.0.0', 16],
  ['fc00::', 7],
  ['fe80::', 10],
])

/** An address on this machine only. */
export function isLoopback(address: Multiaddr): boolean {
  return isDirect(address) && inList(loopback, hostOf(address))
}

/** An address of a local network, or of this machine. */
function isLocal(address: Multiaddr): boolean {
  return isDirect(address) && (inList(loopback, hostOf(address)) || inList(local, hostOf(address)))
}

/** An address that means something anywhere in the world; a relayed one counts by its relay. */
function isGlobal(address: Multiaddr): boolean {
  const host = hostOf(address)
  if (host === undefined) return address.getComponents()[0]?.name.startsWith('dns') ?? false
  return isIP(host) !== 0 && !isUnspecified(host) && !inList(loopback, host) && !inList(local, host)
}

/** The scope of a mode: what it dials and whom it lets in. */
export function scopeOf(mode: NetworkMode): Scope {
  switch (mode) {
    case 'offline':
      return isLoopback
    case 'lan':
      return isLocal
    case 'private': // its key keeps strangers out, and only listed peers are dialled
    case 'public':
      return () => true
  }
}

/**
 * The addresses worth telling a reader of our name, best first: only those of the mode's scope, each with our peer
 * id, at most `limit`. A public node does not tell the world what its home network looks like.
 */
export function announced(mode: NetworkMode, addresses: readonly Multiaddr[], limit = 8): string[] {
  const scope = mode === 'public' ? isGlobal : mode === 'offline' ? isLoopback : isLocal
  return addresses
    .filter((address) => scope(address) && hasPeerId(address))
    .toSorted((a, b) => Number(isLoopback(a)) - Number(isLoopback(b)))
    .slice(0, limit)
    .map(String)
}

/** Whether the address ends in a peer id. */
export function hasPeerId(address: Multiaddr): boolean {
  return address.getComponents().at(-1)?.name === 'p2p'
}

/** The IP address in a multiaddr. */
function hostOf(address: Multiaddr): string | undefined {
  return address.getComponents().find((part) => part.name === 'ip4' || part.name === 'ip6')?.value
}

function isDirect(address: Multiaddr): boolean {
  return !address.getComponents().some((part) => part.name === 'p2p-circuit')
}

function isUnspecified(host: string): boolean {
  return host === '0.0.0.0' || host === '::'
}

function inList(list: BlockList, host: string | undefined): boolean {
  if (host === undefined) return false
  const family = isIP(host)
  return family !== 0 && list.check(host, family === 4 ? 'ipv4' : 'ipv6')
}

function blockList(subnets: ReadonlyArray<readonly [string, number]>): BlockList {
  const list = new BlockList()
  for (const [net, prefix] of subnets)
    list.addSubnet(net, prefix, isIP(net) === 4 ? 'ipv4' : 'ipv6')
  return list
}
