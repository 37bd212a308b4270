import { tryParseDigest } from '../oci/digest.ts'
import type { Digest } from '../oci/digest.ts'

/** What stands in a manifest. */
export interface Mentions {
  readonly all: ReadonlySet<Digest>
  readonly subject: Digest | undefined
}

/**
 * Every digest that stands anywhere in a manifest: whatever a manifest of any kind refers to, it names by its digest. More
 * than it refers to may be among them, which only keeps more.
 *
 * @returns `undefined` when it is not JSON, so that nobody knows what it refers to
 */
export function mentionsOf(bytes: Uint8Array): Mentions | undefined {
  const found = new Set<Digest>()
  const manifest = parse(bytes)
  if (typeof manifest !== 'object' || manifest === null) return undefined
  const waiting: unknown[] = [manifest]
  for (let value = waiting.pop(); value !== undefined; value = waiting.pop()) {
    if (typeof value === 'string') {
      const digest = tryParseDigest(value)
      if (digest !== undefined) found.add(digest)
    } else if (typeof value === 'object' && value !== null) {
      for (const [key, inner] of Object.entries(value)) waiting.push(key, inner ?? false)
    }
  }
  const { subject } = manifest as { subject?: { digest?: unknown } }
  return { all: found, subject: tryParseDigest(subject?.digest) }
}

function parse(bytes: Uint8Array): unknown {
  try {
    return JSON.parse(Buffer.from(bytes).toString('utf8'))
  } catch (error) {
    if (error instanceof SyntaxError) return undefined
    throw error
  }
}
