import { yamux } from '@libp2p/yamux'
import { MAX_INBOUND_STREAMS } from './inbound-limits.ts'
import type { StreamMuxerFactory } from '@libp2p/interface'

/** Four times what fits in a round trip of 25 ms at 40 MiB/s; every bitswap message starts with this window. */
const WINDOW_BYTES = 4 * 1024 * 1024

/**
 * What a stream may hold until it is read. The stock 4 MiB are less than the window grows to, so a peer that keeps to
 * the rules is cut off when we are busy for a moment; this is the largest window.
 */
const READ_BUFFER_BYTES = 16 * 1024 * 1024

/** Yamux as everybody speaks it. */
export function stockYamux(): () => StreamMuxerFactory {
  return yamux({
    maxInboundStreams: MAX_INBOUND_STREAMS,
    streamOptions: { maxReadBufferLength: READ_BUFFER_BYTES },
  })
}

/**
 * Yamux with a larger first window, under a protocol id of our own: the window is not negotiated, and a peer with the
 * stock one would cut the connection (facts S14). Two Heliports choose this one, anybody else the stock one after it.
 */
export function wideYamux(): () => StreamMuxerFactory {
  const wide = yamux({
    maxInboundStreams: MAX_INBOUND_STREAMS,
    streamOptions: {
      initialStreamWindowSize: WINDOW_BYTES,
      maxReadBufferLength: READ_BUFFER_BYTES,
    },
  })
  return () => Object.assign(wide(), { protocol: '/heliport/yamux/1.0.0' })
}
