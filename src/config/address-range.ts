import { isIP } from 'node:net'
import { InvalidValue, quote } from './value.ts'

/** IP addresses that begin alike. */
export interface AddressRange {
  readonly address: string
  /** Bits that count: 32 or 128 for one address. */
  readonly prefix: number
}

/**
 * Reads an IP address or a range of them (CIDR), such as `10.0.0.0/8`, `192.0.2.7` or `fd00::/8`.
 *
 * @throws InvalidValue
 */
export function parseAddressRange(text: string): AddressRange {
  const [, address = '', digits] = /^([0-9a-fA-F.:]{2,45})(?:\/(\d{1,3}))?$/.exec(text) ?? []
  const family = isIP(address)
  if (family === 0)
    throw new InvalidValue(
      `is ${quote(text)}, not an IP address or a range of them: write it like 192.0.2.7 or 10.0.0.0/8`,
    )
  if (/^::ffff:[\d.]+$/i.test(address))
    throw new InvalidValue(`is ${quote(text)}: write it as IPv4, ${address.slice(7)}`)
  const most = family === 4 ? 32 : 128
  const prefix = Number(digits ?? most)
  if (prefix > most) throw new InvalidValue(`is ${quote(text)}: the part after / ends at ${most}`)
  return { address: address.toLowerCase(), prefix }
}

/**
 * The same for peers whose word counts: everybody's must not.
 *
 * @throws InvalidValue
 */
export function parseTrustedRange(text: string): AddressRange {
  const range = parseAddressRange(text)
  if (range.prefix === 0)
    throw new InvalidValue(
      `is ${quote(text)}, which is everybody: whoever reaches the port could claim any address; list your proxies`,
    )
  return range
}
