/**
 * A proxy that nobody is behind, for everything but loopback: programs in Go ask it instead of looking names up, so
 * that what wants out of this machine fails here, and not somewhere in the world.
 */
export const NO_WAY_OUT: Readonly<Record<string, string>> = {
  HTTP_PROXY: 'http://127.0.0.1:1',
  HTTPS_PROXY: 'http://127.0.0.1:1',
  NO_PROXY: '',
  no_proxy: '',
}
