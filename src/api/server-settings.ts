import type { ServerOptions } from 'node:http'

const SECOND = 1000

/**
 * How long a connection may keep us waiting, in ms. Node's defaults suit web pages; bodies and answers have idle times
 * of their own (`ApiLimits`), for those that move, however slowly, are somebody's push or pull.
 */
export const CONNECTION_TIMES = {
  /** From the connection, or the first byte of a later request, until all headers are there: whoever trickles is cut off. */
  headers: 10 * SECOND,
  /**
   * A connection without a request. Longer than the minute that proxies wait, and than the 90 s of Go's clients: whoever
   * closes first must be them, for a request that meets our close is lost, and a push is not repeated by itself.
   */
  keepAlive: 100 * SECOND,
}

/** Request line and headers, in bytes: a `last` or `artifactType` of 10 KB fits, and no cookie of anybody's is meant for us. */
const MAX_HEADER_BYTES = 16 * 1024

/** Node's settings. @param headersMs in place of {@link CONNECTION_TIMES}' own */
export function serverSettings(headersMs = CONNECTION_TIMES.headers): ServerOptions {
  return {
    headersTimeout: headersMs,
    // Late ones are looked for every so many ms. Often, for all that are found at a time are answered in a row.
    connectionsCheckingInterval: Math.ceil(headersMs / 40),
    // A layer may take hours.
    requestTimeout: 0,
    keepAliveTimeout: CONNECTION_TIMES.keepAlive,
    maxHeaderSize: MAX_HEADER_BYTES,
    // The host check answers a missing Host itself, with a body; the Unix socket needs none.
    requireHostHeader: false,
  }
}
