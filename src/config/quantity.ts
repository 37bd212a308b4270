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

/** An IPNS record states its end as a date with a four-digit year (IPNS spec, "Validity"): stay far below. */
const LONGEST_MS = 100 * 365 * DAY

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

/**
 * Reads a duration such as `365d`, `48h`, `30m`, `90s` or `500ms`.
 *
 * @returns milliseconds, at least one and at most 100 years
 * @throws InvalidValue
 */
export function parseDuration(text: string): number {
  const ms = parseQuantity(text, DURATION_UNITS)
  // A bare number could be seconds or milliseconds: a guess here would be a wrong lifetime signed into records.
  if (ms === undefined || /^[\d. ]+$/.test(text)) {
    throw new InvalidValue(
      `is ${quote(text)}, not a duration: write a number with a unit (ms, s, m, h, d) like 365d`,
    )
  }
  if (ms < 1 || ms > LONGEST_MS) {
    throw new InvalidValue(`is ${quote(text)}: a duration must be between 1ms and 36500d`)
  }
  return ms
}
