/**
 * Which of some peers is to fetch this block: everybody who knows the same peers comes to the same answer without asking
 * (rendezvous hashing).
 */
export function leaderOf(key: string, self: string, others: Iterable<string>): string {
  let leader = self
  let lowest = weight(key, self)
  for (const other of others) {
    const its = weight(key, other)
    if (its >= lowest) continue
    leader = other
    lowest = its
  }
  return leader
}

/** FNV-1a, 32 bits, with a last stir: nothing depends on it being hard to foresee. */
function weight(key: string, peer: string): number {
  let hash = 0x811c9dc5
  for (const text of [key, peer])
    for (let i = 0; i < text.length; i++) hash = Math.imul(hash ^ text.charCodeAt(i), 0x01000193)
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b)
  return (hash ^ (hash >>> 13)) >>> 0
}
