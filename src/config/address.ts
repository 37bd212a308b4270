import { isIP, isIPv6 } from 'node:net'
import { InvalidValue, quote } from './value.ts'

/** Where to listen. */
export interface HostPort {
  /** An IP address (IPv6 without brackets) or a host name. */
  readonly host: string
  /** 0 means: any free one. */
  readonly port: number
}

/** Whether only this machine reaches what listens there. */
export function isLoopbackHost(host: string): boolean {
  return host === 'localhost' || host === '::1' || (isIP(host) === 4 && host.startsWith('127.'))
}

/** Whether a host name means this machine wherever it is looked up (RFC 6761, section 6.3). */
export function isLoopbackName(name: string): boolean {
  return name === 'localhost' || name.endsWith('.localhost')
}

const LABEL = /^(?!-)[a-z0-9-]{1,63}(?<!-)$/

/** Whether the text is a host name (RFC 1123, section 2.1) in lower case that cannot be taken for an IP address. */
export function isHostName(text: string): boolean {
  const labels = text.split('.')
  return (
    text.length <= 253 &&
    labels.every((label) => LABEL.test(label)) &&
    !/^\d+$/.test(labels.at(-1) ?? '')
  )
}

/**
 * Reads `host:port`, IPv6 in brackets (`[::1]:5000`).
 *
 * @throws InvalidValue
 */
export function parseHostPort(text: string): HostPort {
  const [, bracketed, plain, digits] = /^(?:\[([^\]]*)\]|([^:]*)):(\d{1,5})$/.exec(text) ?? []
  if (digits === undefined) throw new InvalidValue(`is ${quote(text)}: ${whatIsWrong(text)}`)
  const port = Number(digits)
  if (port > 65535) throw new InvalidValue(`has the port ${digits}: ports end at 65535`)
  const host = (bracketed ?? plain ?? '').toLowerCase()
  if (host === '')
    throw new InvalidValue(`names no host: write 0.0.0.0:${port} to listen on every interface`)
  const good = bracketed === undefined ? isIP(host) === 4 || isHostName(host) : isIPv6(host)
  if (!good)
    throw new InvalidValue(
      `has the host ${quote(host)}, which is neither an IP address nor a host name`,
    )
  return { host, port }
}

function whatIsWrong(text: string): string {
  if (isIPv6(text) || text.split(':').length > 2)
    return 'write an IPv6 address in brackets, like [::1]:5000'
  return 'write host:port, like 127.0.0.1:5000'
}

/**
 * Reads a host name that a client may put in its `Host` header, without a port (any port is meant).
 *
 * @throws InvalidValue
 */
export function parseHostName(text: string): string {
  const host = text.toLowerCase()
  if (isHostName(host)) return host
  if (isIP(host) !== 0)
    throw new InvalidValue(`is ${quote(text)}: IP addresses are always allowed, remove it`)
  throw new InvalidValue(
    `is ${quote(text)}, not a host name: write it like registry.example.com, without a port`,
  )
}
