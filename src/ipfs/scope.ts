import { BlockList, isIP } from 'node:net'
import type { Multiaddr } from '@multiformats/multiaddr'
import type { NetworkMode } from './config.ts'

/**
 * A set of addresses (promise I10). Names (`/dns…`) are in no scope but the public one: whoever names an address must
 * not make us ask a foreign DNS. Configured peers may have names; `peer-address.ts` looks those up first.
 */
export type Scope = (address: Multiaddr) => boolean

/** What a mode does with addresses. */
export interface Scopes {
  /** Whom it calls, whoever named the address. */
  readonly dials: Scope
  /** Whom it lets in. */
  readonly admits: Scope
  /** Which of its own addresses it tells others. */
  readonly tells: Scope
}

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

/**
 * What no stranger can have as an address: RFC 6890 and its updates ("this network", protocol assignments,
 * documentation, benchmarks, multicast, reserved).
 */
const special = blockList([
  ['0.0.0.0', 8],
  ['192.0.0.0', 24],
  ['192.0.2.0', 24],
  ['198.18.0.0', 15],
  ['198.51.100.0', 24],
  ['203.0.113.0', 24],
  ['224.0.0.0', 4],
  ['240.0.0.0', 4],
  ['::', 128],
  ['64:ff9b:1::', 48],
  ['100::', 64],
  ['2001:db8::', 32],
  ['ff00::', 8],
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
  return ![loopback, local, special].some((list) => inList(list, host))
}

/**
 * The scopes of a mode. A public node is open to all, but what strangers say must not make it knock on doors of its
 * home network, nor does it tell the world what that looks like.
 *
 * @param listed the addresses of the configured peers: all that a private network calls
 */
export function scopesOf(mode: NetworkMode, listed: Scope = nowhere): Scopes {
  switch (mode) {
    case 'offline':
      return { dials: isLoopback, admits: isLoopback, tells: isLoopback }
    case 'lan':
      return { dials: isLocal, admits: isLocal, tells: isLocal }
    case 'private': // its key keeps strangers out; nobody would dial what it tells of itself
      return { dials: listed, admits: everywhere, tells: nowhere }
    case 'public':
      return { dials: isGlobal, admits: everywhere, tells: isGlobal }
  }
}

function everywhere(): boolean {
  return true
}

function nowhere(): boolean {
  return false
}

/**
 * The addresses worth telling a reader of our name, best first: only those in scope that end in our peer id. Ways
 * through a relay come after direct ones, and loopback last.
 */
export function announced(tells: Scope, addresses: readonly Multiaddr[], limit = 8): string[] {
  const rank = (address: Multiaddr) => Number(!isDirect(address)) + 2 * Number(isLoopback(address))
  return addresses
    .filter((address) => tells(address) && hasPeerId(address))
    .toSorted((a, b) => rank(a) - rank(b))
    .slice(0, limit)
    .map(String)
}

/** Whether the address ends in a peer id. */
export function hasPeerId(address: Multiaddr): boolean {
  return address.getComponents().at(-1)?.name === 'p2p'
}

/** The IP address that a multiaddr begins with: what comes later is not what would be called. */
function hostOf(address: Multiaddr): string | undefined {
  const [first, second] = address.getComponents()
  const host = first?.name === 'ip6zone' ? second : first
  return host?.name === 'ip4' || host?.name === 'ip6' ? host.value : undefined
}

/** Not by way of a relay. */
export function isDirect(address: Multiaddr): boolean {
  return !address.getComponents().some((part) => part.name === 'p2p-circuit')
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
