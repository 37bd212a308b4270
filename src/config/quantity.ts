import { InvalidValue, quote } from './value.ts'

const SIZE_UNITS = new Map([
  ['', 1],
  ['B', 1],
  ['kB', 1e3],
  ['KB', 1e3],
  ['MB', 1e6],
  ['GB', 1e9],
  ['TB', 1e12],
  ['PB', 1e15],
  ['KiB', 2 ** 10],
  ['MiB', 2 ** 20],
  ['GiB', 2 ** 30],
  ['TiB', 2 ** 40],
  ['PiB', 2 ** 50],
])

const SECOND = 1000
const MINUTE = 60 * SECOND
const HOUR = 60 * MINUTE
const DAY = 24 * HOUR
const DURATION_UNITS = new Map([
  ['ms', 1],
  ['s', SECOND],
  ['m', MINUTE],
  ['h', HOUR],
  ['d', DAY],
])

/**
 * Mirrors refuse a record that is valid for more than five years (`naming/record-policy.ts`), and their clocks may differ
 * from ours; below ten minutes a record would expire before it has gone round.
 */
const SHORTEST_MS = 10 * MINUTE
const LONGEST_MS = 4 * 365 * DAY

const QUANTITY = /^(\d+(?:\.\d+)?) ?([a-zA-Z]*)$/

function parseQuantity(text: string, units: Map<string, number>): number | undefined {
  const [, number, unit] = QUANTITY.exec(text) ?? []
  const factor = unit === undefined ? undefined : units.get(unit)
  return factor === undefined ? undefined : Math.round(Number(number) * factor)
}

/**
 * Reads a size such as `100GiB`, `1.5TiB`, `500MB` or `1048576`.
 *
 * @returns bytes, a positive safe integer
 * @throws InvalidValue
 */
export function parseSize(text: string): number {
  const bytes = parseQuantity(text, SIZE_UNITS)
  if (bytes === undefined) {
    throw new InvalidValue(
      `is ${quote(text)}, not a size: write a number of bytes, or one with a unit like 100GiB`,
    )
  }
  if (bytes < 1 || !Number.isSafeInteger(bytes)) {
    throw new InvalidValue(
      `is ${quote(text)}: a size must be between 1 byte and ${Number.MAX_SAFE_INTEGER} bytes`,
    )
  }
  return bytes
}

/** Slower, and readers would give a block of 1 MiB up (`ipfs/transfer/link.ts`). */
const SLOWEST_RATE = 64 * 2 ** 10

/**
 * Reads how many bytes may go in a second, such as `50MiB`.
 *
 * @throws InvalidValue
 */
export function parseRate(text: string): number {
  const bytes = parseSize(text)
  if (bytes >= SLOWEST_RATE) return bytes
  throw new InvalidValue(
    `is ${quote(text)}: with less than 64KiB a second nothing would arrive in time`,
  )
}

/**
 * Reads how long a record is valid, such as `365d`, `48h` or `30m`.
 *
 * @returns milliseconds, from ten minutes to four years
 * @throws InvalidValue
 */
export function parseDuration(text: string): number {
  return parseTime(text, {
    example: '365d',
    least: [SHORTEST_MS, '10m'],
    most: [LONGEST_MS, '1460d'],
  })
}

/**
 * Reads how long a mirror's tags are served without anybody confirming them, such as `7d` or `1h`.
 *
 * @returns milliseconds, from a second to four years
 * @throws InvalidValue
 */
export function parseMaxStale(text: string): number {
  return parseTime(text, { example: '7d', least: [SECOND, '1s'], most: [LONGEST_MS, '1460d'] })
}

/**
 * Reads how long one answer of a mirror may take, such as `10s`.
 *
 * @returns milliseconds, from a tenth of a second to ten minutes
 * @throws InvalidValue
 */
export function parseDeadline(text: string): number {
  return parseTime(text, { example: '10s', least: [100, '100ms'], most: [10 * MINUTE, '10m'] })
}

/**
 * Reads how long something is kept that nothing needs any more, such as `30d`; `0s` is not at all.
 *
 * @returns milliseconds, up to ten years
 * @throws InvalidValue
 */
export function parseAge(text: string): number {
  return parseTime(text, { example: '30d', least: [0, '0s'], most: [3650 * DAY, '3650d'] })
}

/**
 * Reads how long a client may rely on what it was told, such as `1h`.
 *
 * @returns milliseconds, from a second to 30 days
 * @throws InvalidValue
 */
export function parseLease(text: string): number {
  return parseTime(text, { example: '1h', least: [SECOND, '1s'], most: [30 * DAY, '30d'] })
}

/**
 * Reads how often something is done in the background, such as `24h`.
 *
 * @returns milliseconds, from a second to a year
 * @throws InvalidValue
 */
export function parseInterval(text: string): number {
  return parseTime(text, { example: '24h', least: [SECOND, '1s'], most: [365 * DAY, '365d'] })
}

/**
 * Reads how long a token is valid, such as `5m`.
 *
 * @returns milliseconds, from a minute (clients need some of it) to a day
 * @throws InvalidValue
 */
export function parseTokenLifetime(text: string): number {
  return parseTime(text, { example: '5m', least: [60 * SECOND, '1m'], most: [DAY, '1d'] })
}

/** A bound in milliseconds, and as it is told. */
type Bound = readonly [ms: number, text: string]

function parseTime(
  text: string,
  { example, least, most }: { example: string; least: Bound; most: Bound },
): number {
  const ms = parseQuantity(text, DURATION_UNITS)
  // A bare number could be seconds or milliseconds: a guess here would be a wrong lifetime signed into records.
  if (ms === undefined || /^[\d. ]+$/.test(text)) {
    throw new InvalidValue(
      `is ${quote(text)}, not a duration: write a number with a unit (ms, s, m, h, d) like ${example}`,
    )
  }
  if (ms < least[0] || ms > most[0]) {
    throw new InvalidValue(`is ${quote(text)}: the time must be between ${least[1]} and ${most[1]}`)
  }
  return ms
}
