/** Bytes of the header that every archive begins with. */
export const TAR_HEADER_BYTES = 512

/** Where the header has its checksum: octal digits, spaces and zeros. */
const [AT, END] = [148, 156]

/**
 * Whether bytes begin as a tar archive does: with a header whose checksum is right (POSIX.1-2017 pax, "ustar Interchange
 * Format"). Nothing else in a header has to be what it should, and there are headers without a control character: what
 * reads layers whatever their type looks for no more than this.
 */
export function isTarHeader(head: Uint8Array): boolean {
  if (head.length < TAR_HEADER_BYTES) return false
  // As lenient as any reader: whatever surrounds the digits.
  const digits = /[0-7]+/.exec(Buffer.from(head.subarray(AT, END)).toString('latin1'))?.[0]
  const written = digits === undefined ? 0 : parseInt(digits, 8)
  // The checksum's own bytes count as spaces; some have added up signed bytes.
  let [unsigned, signed] = [0, 0]
  for (let at = 0; at < TAR_HEADER_BYTES; at++) {
    const byte = at >= AT && at < END ? 0x20 : (head[at] ?? 0)
    unsigned += byte
    signed += byte > 0x7f ? byte - 0x100 : byte
  }
  return written === unsigned || written === signed
}
