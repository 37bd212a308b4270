const BASE64 = /^[A-Za-z0-9+/]+={0,2}$/

/** Bytes written as base64 (RFC 4648 §4); `undefined` for anything else, and for nothing. */
export function fromBase64(text: unknown): Uint8Array | undefined {
  if (typeof text !== 'string' || text.length % 4 !== 0 || !BASE64.test(text)) return undefined
  return Buffer.from(text, 'base64')
}
