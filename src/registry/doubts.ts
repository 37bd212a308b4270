import { Recent } from './recent.ts'
import { Trust } from './trust.ts'
import type { FactsCache } from './facts-cache.ts'
import type { Content } from './ports.ts'

/** Time enough for a client that was cut off to come back, in ms. */
const FAILED_FOR_MS = 10 * 60_000

/**
 * Reasons to read some content from another mirror first. None of them proves that it is wrong, so it is never left out
 * for that: it only comes last.
 *
 * - It could not be read lately. A mirror that stalls in the middle of a blob would otherwise do so each time the client
 *   comes back, though the next one has it too.
 * - A manifest that was read here says another size. What is claimed to be larger than it is may cost a client, and us,
 *   any time before it is found out.
 */
export class Doubts {
  readonly #facts: Pick<FactsCache, 'sizeOf'>
  readonly #failed: Recent

  constructor({ facts, now }: { facts: Pick<FactsCache, 'sizeOf'>; now: () => number }) {
    this.#facts = facts
    this.#failed = new Recent({ ttl: FAILED_FOR_MS, now })
  }

  /** It could not be read to its end from that mirror, whatever the reason. */
  failed(mirror: string, content: Content): void {
    this.#failed.add(keyOf(mirror, content))
  }

  has(mirror: string, content: Content): boolean {
    const size = this.#facts.sizeOf(content.digest)
    return (size !== undefined && size !== content.size) || this.#failed.has(keyOf(mirror, content))
  }
}

/** Two mirrors may have the same content, and only one of them the peers that give it. */
function keyOf(mirror: string, content: Content): string {
  return `${mirror} ${Trust.key(content)}`
}
