/**
 * Whether we, of all who take part, are the one to fetch this block: everybody who knows the same others comes to the
 * same answer without asking (rendezvous hashing).
 */
export function leads(key: string, self: string, others: Iterable<string>): boolean {
  const own = weight(key, self)
  for (const other of others) if (weight(key, other) < own) return false
  return true
}

/** FNV-1a, 32 bits: nothing depends on it being hard to foresee. */
function weight(key: string, peer: string): number {
  let hash = 0x811c9dc5
  for (const text of [key, peer])
    for (let i = 0; i < text.length; i++) hash = Math.imul(hash ^ text.charCodeAt(i), 0x01000193)
  return hash >>> 0
}
