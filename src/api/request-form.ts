import { RegistryError } from '../oci/errors.ts'
import { refuse } from './refuse.ts'
import type { IncomingMessage } from 'node:http'
import type { Handler } from './connections.ts'

/** RFC 9112 3.2.2: what a client sends to a proxy, and every server has to take. */
const ABSOLUTE = /^https?:\/\/([^/?#]*)([^#]*)/i

/**
 * Keeps from the application what Node's parser lets through and Koa stumbles over: addresses that are none, and
 * expectations that nobody meets. An absolute address becomes what stands behind its host.
 */
export function wellFormed(handle: Handler): Handler {
  return async (req, res) => {
    const wrong = expectation(req) ?? target(req)
    if (wrong === undefined) await handle(req, res)
    else refuse(res, wrong)
  }
}

/** RFC 9110 10.1.1: the one expectation there is is `100-continue`. */
function expectation({ headers: { expect } }: IncomingMessage): RegistryError | undefined {
  if (expect === undefined || expect.toLowerCase().includes('100-continue')) return undefined
  return badRequest('only 100-continue can be expected', 417)
}

function target(req: IncomingMessage): RegistryError | undefined {
  const { url = '', headers } = req
  if (url.startsWith('/') || (url === '*' && req.method === 'OPTIONS')) return undefined
  const [, authority = '', rest = ''] = ABSOLUTE.exec(url) ?? []
  if (authority === '') return badRequest('the address is none of HTTP')
  // It stands above Host (3.2.2), which all that follows looks at; so they must be the same.
  if (authority.toLowerCase() !== headers.host?.toLowerCase())
    return badRequest('the address is on another host than the Host header says')
  req.url = rest.startsWith('/') ? rest : `/${rest}`
  return undefined
}

function badRequest(message: string, status = 400): RegistryError {
  return new RegistryError('UNSUPPORTED', { status, message })
}
