import { isIP } from 'node:net'
import { RegistryError } from '../oci/errors.ts'
import { isLocal } from './connection.ts'
import type { ApiContext, ApiMiddleware } from './context.ts'

/** A `Host` value in parts, lower case, without brackets and without the root's trailing dot. */
interface Authority {
  name: string
  port: string | undefined
}

/** RFC 9110 7.2 `uri-host [ ":" port ]`, without user information and the percent-encoding no registry needs. */
const AUTHORITY = /^(?:\[([0-9a-f:.]+)\]|([a-z0-9._-]+))(?::(\d{1,5}))?$/

/**
 * Keeps web pages out. Without authentication, whoever can make a browser send a request here could push; a page can
 * do that directly (then `Origin` names the page) or by pointing its own name at this address (DNS rebinding: then
 * `Host` is that name). So a `Host` must be one that no foreign page can own, and an `Origin` must be us.
 *
 * With authentication a page whose name was pointed here has no credentials, for browsers keep them by name. So any
 * `Host` will do for whoever has some; it is noted where it may be such a page, which then is given nothing of what is for
 * everybody ({@link ApiState.isStrangeHost}). An `Origin` must be us all the same: a browser that knows a name and a
 * password would send them for any page.
 *
 * @param hosts further names (`registry.example`, or `registry.example:5000` for that port only)
 * @param options `isOpen`: there is no authentication
 */
export function hostCheck(
  hosts: readonly string[],
  { isOpen }: { isOpen: boolean },
): ApiMiddleware {
  const listed = hosts.map((host) => {
    const authority = parseAuthority(host)
    if (authority === undefined) throw new TypeError(`http.hosts: not a host name: ${host}`)
    return authority
  })
  return (ctx, next) => {
    if (isLocal(ctx.req.socket)) return next()
    const host = hostOf(ctx)
    const isStrange = !isTrusted(host, listed)
    if (isOpen && isStrange) deny('this host name is not listed in http.hosts')
    // Over TLS the browser has seen a certificate for that name, which the page's owner has none for here.
    ctx.state.isStrangeHost = isStrange && ctx.state.client.protocol !== 'https'
    checkOrigin(ctx, host)
    return next()
  }
}

function hostOf(ctx: ApiContext): Authority {
  // RFC 9112 3.2: none, several, or one that is no host name is 400.
  const host = parseAuthority(ctx.state.client.host ?? '')
  if (host === undefined) {
    throw new RegistryError('UNSUPPORTED', {
      status: 400,
      message: 'the Host header is missing or wrong',
    })
  }
  return host
}

function parseAuthority(text: string): Authority | undefined {
  const match = AUTHORITY.exec(text.trim().toLowerCase())
  if (match === null) return undefined
  const name = match[1] ?? match[2]?.replace(/\.$/, '') ?? ''
  if (name === '' || (match[1] !== undefined && isIP(name) !== 6)) return undefined
  return { name, port: match[3] }
}

function isTrusted(host: Authority, listed: Authority[]): boolean {
  if (host.name === 'localhost' || host.name.endsWith('.localhost') || isIP(host.name) !== 0)
    return true
  return listed.some(
    (entry) => entry.name === host.name && (entry.port === undefined || entry.port === host.port),
  )
}

function checkOrigin(ctx: ApiContext, host: Authority): void {
  const origin = ctx.get('Origin')
  if (origin !== '' && !isSameOrigin(origin, host))
    deny('requests from other web pages are refused')
  // Old browsers send no Origin with a GET. A link that someone follows to here is no danger: nobody reads the answer.
  const followed = ctx.get('Sec-Fetch-Mode') === 'navigate' && ['GET', 'HEAD'].includes(ctx.method)
  if (ctx.get('Sec-Fetch-Site') === 'cross-site' && !followed) {
    deny('requests from other web pages are refused')
  }
}

/** The scheme is not compared: behind a proxy that ends TLS it differs from ours. */
function isSameOrigin(origin: string, host: Authority): boolean {
  const match = /^(https?):\/\/(.+)$/i.exec(origin)
  const from = parseAuthority(match?.[2] ?? '')
  if (from === undefined) return false
  const usual = match?.[1]?.toLowerCase() === 'https' ? '443' : '80'
  return from.name === host.name && (from.port ?? usual) === (host.port ?? usual)
}

function deny(message: string): never {
  throw new RegistryError('DENIED', { message })
}
