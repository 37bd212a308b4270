import { formatWithOptions } from 'node:util'
import type { ComponentLogger, Logger } from '@libp2p/interface'

/** The part of a pino logger that this room uses. */
export interface Log {
  trace(details: object, message: string): void
  debug(details: object, message: string): void
  info(details: object, message: string): void
  warn(details: object, message: string): void
  /** Asked before a message is formatted: libp2p writes a lot that nobody reads. */
  isLevelEnabled?(level: string): boolean
}

/** A logger that says nothing. */
export const silent: Log = {
  trace: () => undefined,
  debug: () => undefined,
  info: () => undefined,
  warn: () => undefined,
  isLevelEnabled: () => false,
}

/**
 * Helia's and libp2p's component logger over ours. What they call an error is mostly a peer that went away,
 * so their errors are `debug` here and the rest `trace`.
 */
export function componentLogger(log: Log): ComponentLogger {
  return { forComponent: (name) => loggerFor(log, name) }
}

function loggerFor(log: Log, component: string): Logger {
  const write =
    (level: 'trace' | 'debug') =>
    (format: unknown, ...args: unknown[]) => {
      if (log.isLevelEnabled?.(level) === false) return
      log[level]({ component }, render(format, args))
    }
  return Object.assign(write('trace'), {
    error: write('debug'),
    trace: write('trace'),
    enabled: log.isLevelEnabled?.('trace') !== false,
    newScope: (name: string) => loggerFor(log, `${component}:${name}`),
  })
}

/** Their formatters (`%p` peer, `%c` CID, `%a` address, `%e` error, `%b %z %t %m` bytes) are all texts to us. */
function render(format: unknown, args: unknown[]): string {
  if (typeof format !== 'string') return formatWithOptions({ depth: 2 }, format, ...args)
  let next = 0
  const text = format.replace(/%(.)/g, (whole, letter: string) => {
    if (letter === '%') return '%'
    if (!/[a-zA-Z]/.test(letter) || next >= args.length) return whole
    return textOf(args[next++])
  })
  return next < args.length ? formatWithOptions({ depth: 2 }, text, ...args.slice(next)) : text
}

function textOf(value: unknown): string {
  if (value instanceof Error) return `${value.name}: ${value.message}`
  if (value instanceof Uint8Array) return Buffer.from(value).toString('base64url')
  if (typeof value === 'object' && value !== null)
    return formatWithOptions({ depth: 0 }, '%s', value)
  return String(value)
}
