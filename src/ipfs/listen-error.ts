import { StartError, isNamed } from './errors.ts'

const REASONS: Readonly<Record<string, string>> = {
  EADDRINUSE: 'the port is taken by another program',
  EACCES: 'not allowed to use this port',
  EADDRNOTAVAIL: 'this machine has no such address',
}

/**
 * Makes one line of what libp2p throws (a page) when it cannot listen: which address, why, and which option.
 * Any other error is handed back as it came.
 */
export function listenError(error: unknown): unknown {
  if (!(error instanceof Error) || !isNamed(error, 'UnsupportedListenAddressesError')) return error
  const lines = error.message.split('\n').map((line) => line.trim())
  const failed = lines.find((line) => line.startsWith('/')) ?? 'the configured addresses'
  const address = failed.split(':', 1)[0] ?? failed
  const code = Object.keys(REASONS).find((name) => error.message.includes(name))
  const reason =
    code === undefined ? 'this is no address to listen on' : `${REASONS[code]} (${code})`
  return new StartError(`network.listen: cannot listen on ${address}: ${reason}`, { cause: error })
}
