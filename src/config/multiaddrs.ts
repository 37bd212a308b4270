import { isIPv6 } from 'node:net'
import { multiaddr } from '@multiformats/multiaddr'
import { canonicalKey } from './mirror-name.ts'
import { InvalidValue, quote } from './value.ts'
import type { Component } from '@multiformats/multiaddr'

const IP = ['ip4', 'ip6']
const DNS = ['dns', 'dns4', 'dns6', 'dnsaddr']
const KNOWN = new Set([
  ...IP,
  ...DNS,
  'ip6zone',
  'tcp',
  'tls',
  'sni',
  'ws',
  'wss',
  'p2p',
  'p2p-circuit',
])

function parse(text: string): Component[] {
  try {
    const components = multiaddr(text).getComponents()
    if (components.length > 0) return components
  } catch (error) {
    if (!(error instanceof Error)) throw error
    throw new InvalidValue(`is ${quote(text)}, not a multiaddr: ${lowerFirst(error.message)}`, {
      cause: error,
    })
  }
  throw new InvalidValue('is empty: write a multiaddr like /ip4/192.0.2.1/tcp/4001')
}

function lowerFirst(text: string): string {
  return text.charAt(0).toLowerCase() + text.slice(1)
}

function names(components: readonly Component[]): string[] {
  return components.map((component) => component.name)
}

function requireTransport(text: string, components: readonly Component[]): void {
  const foreign = components.find((component) => !KNOWN.has(component.name))
  if (foreign !== undefined) {
    throw new InvalidValue(
      `is ${quote(text)}: heliport speaks TCP and WebSocket, not /${foreign.name}`,
    )
  }
}

/**
 * Reads an address to listen on, like `/ip4/0.0.0.0/tcp/4001` or `/ip6/::/tcp/4002/ws`.
 *
 * @throws InvalidValue
 */
export function parseListenAddress(text: string): string {
  const components = parse(text)
  if (names(components).includes('p2p')) {
    throw new InvalidValue(
      `is ${quote(text)}: an address to listen on has no /p2p/ part, remove it`,
    )
  }
  requireTransport(text, components)
  if (!/^ip[46],tcp(,ws)?$/.test(names(components).join())) {
    throw new InvalidValue(
      `is ${quote(text)}: write an IP address and a TCP port, like /ip4/0.0.0.0/tcp/4001`,
    )
  }
  return multiaddr(text).toString()
}

/**
 * Reads the address of a peer to stay connected to: it ends in `/p2p/` and the peer's id.
 *
 * @throws InvalidValue
 */
export function parsePeerAddress(text: string): string {
  const components = parse(text)
  requireTransport(text, components)
  const last = components.at(-1)
  if (last?.name !== 'p2p') {
    throw new InvalidValue(
      `is ${quote(text)}: it must end in /p2p/ and the peer's id, so that no other peer can answer`,
    )
  }
  const bad = components.find((part) => part.name === 'p2p' && !isPeerId(part.value))
  if (bad !== undefined)
    throw new InvalidValue(`is ${quote(text)}: ${quote(bad.value ?? '')} is not a peer id`)
  requireReachable(text, components)
  return multiaddr(text).toString()
}

/** A peer must be dialled somewhere: a DNS address list, or a host and a port that is not 0. */
function requireReachable(text: string, components: readonly Component[]): void {
  const parts = names(components)
  if (parts[0] === 'dnsaddr') return
  const port = components.find((component) => component.name === 'tcp')
  const host = parts[0] === 'ip6zone' ? parts[1] : parts[0]
  if (port === undefined || host === undefined || ![...IP, ...DNS].includes(host)) {
    throw new InvalidValue(
      `is ${quote(text)}: write host, port and peer id, like /ip4/192.0.2.1/tcp/4001/p2p/12D3…`,
    )
  }
  if (Number(port.value) === 0)
    throw new InvalidValue(`is ${quote(text)}: a peer cannot be dialled at port 0`)
}

function isPeerId(text: string | undefined): boolean {
  return text !== undefined && canonicalKey(text) !== undefined
}

/** Whether the address stays on this machine: nothing but loopback IP addresses, and no name to look up. */
export function isLoopback(address: string): boolean {
  const hosts = multiaddr(address)
    .getComponents()
    .filter((component) => IP.includes(component.name) || DNS.includes(component.name))
  return (
    hosts.length > 0 &&
    hosts.every(({ name, value }) => IP.includes(name) && isLoopbackIp(value ?? ''))
  )
}

function isLoopbackIp(ip: string): boolean {
  return isIPv6(ip) ? new URL(`http://[${ip}]`).hostname === '[::1]' : ip.startsWith('127.')
}

/** Whether the address is looked up as a list in the DNS, which only the public mode may ask. */
export function isDnsList(address: string): boolean {
  return address.startsWith('/dnsaddr/')
}

/** Whether the address leads through somebody else's node. */
export function isRelayed(address: string): boolean {
  return names(multiaddr(address).getComponents()).includes('p2p-circuit')
}
