import { yamux } from '@libp2p/yamux'
import type { StreamMuxerFactory } from '@libp2p/interface'

/** Four times what fits in a round trip of 25 ms at 40 MiB/s; every bitswap message starts with this window. */
const WINDOW_BYTES = 4 * 1024 * 1024

/**
 * Yamux with a larger first window, under a protocol id of our own: the window is not negotiated, and a peer with the
 * stock one would cut the connection (facts S14). Two Heliports choose this one, anybody else the stock one after it.
 */
export function wideYamux(): () => StreamMuxerFactory {
  const stock = yamux({ streamOptions: { initialStreamWindowSize: WINDOW_BYTES } })
  return () => Object.assign(stock(), { protocol: '/heliport/yamux/1.0.0' })
}
