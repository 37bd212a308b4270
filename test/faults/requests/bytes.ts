import type { Sent } from './row.ts'

export const HOST = 'Host: localhost\r\n'
export const CLOSE = 'Connection: close\r\n'
export const CHUNKED = 'Transfer-Encoding: chunked\r\n'

/** Bytes that need not be HTTP. */
export function bytes(text: string): Sent {
  return { bytes: Buffer.from(text, 'latin1') }
}

/** A GET of an address as it is written. @param version after `HTTP/` */
export function get(address: string, version = '1.1'): Sent {
  return bytes(`GET ${address} HTTP/${version}\r\n${HOST}\r\n`)
}

/** The beginning of an upload. @param headers each with its end of line */
export function post(headers: string, body = 'hello'): Sent {
  return bytes(`POST /v2/app/blobs/uploads/ HTTP/1.1\r\n${HOST}${headers}\r\n${body}`)
}

/** A manifest in chunks, or not quite. */
export function chunks(body: string): Sent {
  return bytes(`PUT /v2/app/manifests/bad HTTP/1.1\r\n${HOST}${CHUNKED}\r\n${body}`)
}

/** A request that announces a body, and waits to be asked for it. */
export function expects(line: string, length: number, what = '100-continue'): Sent {
  const headers = `${HOST}Expect: ${what}\r\nContent-Length: ${length}\r\n`
  return bytes(`${line} HTTP/1.1\r\n${headers}\r\n`)
}
