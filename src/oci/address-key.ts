/**
 * What an address counts under. Of IPv6 it is the /64, for that is the least a client is given: it has 2^64 addresses to
 * come from. IPv4 is itself, also as a socket for both families shows it.
 */
export function addressKey(address: string): string {
  return networkOf(address, 64)
}

/**
 * What an address counts under where somebody could come from many: of IPv6 the /48, which is the most that a customer is
 * usually given. IPv4 is itself.
 */
export function siteKey(address: string): string {
  return networkOf(address, 48)
}

function networkOf(address: string, bits: 48 | 64): string {
  if (!address.includes(':')) return address
  if (/^::ffff:\d+\./i.test(address)) return address.slice('::ffff:'.length)
  const gap = address.indexOf('::')
  if (gap === -1) return prefixOf(address.split(':'), bits)
  const left = gap === 0 ? [] : address.slice(0, gap).split(':')
  // Groups on the right of `::` reach into the first four only when few are left out.
  const rest = address.slice(gap + 2)
  const right = rest === '' ? [] : rest.split(':')
  const width = right.at(-1)?.includes('.') === true ? right.length + 1 : right.length
  const zeros = Array.from({ length: Math.max(0, 8 - left.length - width) }, () => '0')
  return prefixOf([...left, ...zeros, ...right], bits)
}

function prefixOf(groups: readonly string[], bits: number): string {
  const first = groups.slice(0, bits / 16).map((group) => Number.parseInt(group, 16).toString(16))
  return `${first.join(':')}::/${bits}`
}
