import { isIP } from 'node:net'
import { AddressRanges, plainAddress } from './address-ranges.ts'
import type { IncomingMessage } from 'node:http'
import type { Socket } from 'node:net'

/** Who sent a request, and what he called us: what everything looks at that depends on it. */
export interface Client {
  /** The IP address; empty on a Unix socket, and when the connection closed before it was asked for. */
  readonly address: string
  readonly protocol: 'http' | 'https'
  /** The `Host` as it was sent; `undefined` when there is none, or several. */
  readonly host: string | undefined
  /** Whether somebody passed the request on, believed or not: then the connection does not tell from where it came. */
  readonly isForwarded: boolean
}

/** What proxies write, of whom nobody said that they are here. */
const FORWARDED = ['forwarded', 'via', 'x-forwarded-for', 'x-forwarded-host', 'x-real-ip'] as const

const LOOPBACK = new AddressRanges([
  { address: '127.0.0.0', prefix: 8 },
  { address: '::1', prefix: 128 },
])

/** Longer chains of proxies are not followed. */
const MAX_HOPS = 32

/**
 * Finds out who sent a request.
 *
 * What `X-Forwarded-For`, `-Proto` and `-Host` say counts only when the connection comes from a trusted proxy. Of the
 * addresses the rightmost that is no trusted proxy is the client: what stands left of it he may have written himself.
 * Where something stands that is no address, the proxy that passed it on is taken for the client.
 */
export function clientOf(req: IncomingMessage, trusted: AddressRanges): Client {
  const socket = req.socket as Socket & { encrypted?: boolean }
  const direct = {
    address: plainAddress(socket.remoteAddress ?? ''),
    protocol: socket.encrypted === true ? 'https' : 'http',
    host: onlyHost(req),
    isForwarded: FORWARDED.some((header) => req.headers[header] !== undefined),
  } as const
  if (!trusted.has(direct.address)) return direct
  const { address, hops } = forwardedFor(req, direct.address, trusted)
  const told = (header: string): string | undefined => forwarded(req, header, hops)
  const protocol = told('x-forwarded-proto')?.toLowerCase()
  return {
    ...direct,
    address,
    protocol: protocol === 'http' || protocol === 'https' ? protocol : direct.protocol,
    host: told('x-forwarded-host') ?? direct.host,
  }
}

/** Whether somebody on this machine sent it, as far as can be told. */
export function isHere({ address, isForwarded }: Client): boolean {
  return !isForwarded && LOOPBACK.has(address)
}

/** RFC 9112 3.2: there has to be one. Node's `headers` shows the first of several. */
function onlyHost(req: IncomingMessage): string | undefined {
  const given = req.headersDistinct['host'] ?? []
  return given.length === 1 ? given[0] : undefined
}

/** The client's address, and how many entries were read for it, from the right. */
function forwardedFor(
  req: IncomingMessage,
  peer: string,
  trusted: AddressRanges,
): { address: string; hops: number } {
  let address = peer
  let hops = 0
  for (const entry of fromTheRight(textOf(req, 'x-forwarded-for'))) {
    const next = addressIn(entry)
    if (next === undefined || hops === MAX_HOPS) break
    address = next
    hops += 1
    if (!trusted.has(address)) break
  }
  return { address, hops }
}

/**
 * What a list says of the client. Proxies that append say as much as of addresses, so it is the entry that was written
 * together with the client's address; others write one entry, or replace it.
 */
function forwarded(req: IncomingMessage, header: string, hops: number): string | undefined {
  let last: string | undefined
  let at = 0
  for (const entry of fromTheRight(textOf(req, header))) {
    last = entry
    at += 1
    if (at >= hops) break
  }
  return last === '' ? undefined : last
}

/** Node joins those that came several times by commas, as RFC 9110 5.3 has it. */
function textOf(req: IncomingMessage, header: string): string {
  const value = req.headers[header]
  return typeof value === 'string' ? value : ''
}

/** The entries of a list, the last first, each without the spaces around it. Of a long list only what is asked for is read. */
function* fromTheRight(list: string): Generator<string> {
  if (list === '') return
  for (let end = list.length; ;) {
    const comma = end === 0 ? -1 : list.lastIndexOf(',', end - 1)
    yield list.slice(comma + 1, end).trim()
    if (comma === -1) return
    end = comma
  }
}

/** An IP address, perhaps with a port behind it: `192.0.2.7`, `192.0.2.7:1234`, `2001:db8::1`, `[2001:db8::1]:1234`. */
function addressIn(entry: string): string | undefined {
  if (entry.length > 64) return undefined
  const close = entry.indexOf(']')
  const text = entry.startsWith('[') ? entry.slice(1, Math.max(1, close)) : withoutPort(entry)
  return isIP(text) === 0 || text.includes('%') ? undefined : plainAddress(text.toLowerCase())
}

function withoutPort(entry: string): string {
  const colon = entry.indexOf(':')
  return colon !== -1 && colon === entry.lastIndexOf(':') ? entry.slice(0, colon) : entry
}
