import { z } from 'zod'
import type { DurableMap } from '../registry/ports.ts'

const text = z.string()
const number = text.regex(/^\d+$/).transform(BigInt)
const schema = z.object({
  /** The last sequence that was used, or is about to be: it is written before it signs anything. */
  sequence: number,
  /** What it was used for: `/ipfs/…`. */
  value: text,
  /** The signed record, base64; absent until it was told. */
  record: text.optional(),
  /** When it was last told to the network. Milliseconds since the epoch. */
  publishedAt: z.number().optional(),
  /**
   * Whether somebody out there was seen to hold a record that fits this state. Until then the state may be younger
   * than the key (restored into an empty store), and higher sequences are ours to continue.
   */
  confirmed: z.boolean(),
  /** The newest that another writer published under the key. Nothing is published until somebody says who goes on. */
  conflict: z.object({ sequence: number, value: text }).optional(),
})

/** What a publisher must never forget. */
export type PublisherState = z.infer<typeof schema>

/** Before anything was published under the key. */
const EMPTY_STATE: PublisherState = { sequence: 0n, value: '', confirmed: false }

/** @throws when what is stored cannot be read: guessing a sequence could make it fall */
export async function loadPublisherState(
  map: Pick<DurableMap, 'get'>,
  name: string,
): Promise<PublisherState> {
  const bytes = await map.get(name)
  return bytes === undefined
    ? EMPTY_STATE
    : schema.parse(JSON.parse(Buffer.from(bytes).toString('utf8')))
}

export async function savePublisherState(
  map: Pick<DurableMap, 'put'>,
  name: string,
  state: PublisherState,
): Promise<void> {
  // JSON has no bigints.
  const json = JSON.stringify(state, (_key, value: unknown) =>
    typeof value === 'bigint' ? value.toString() : value,
  )
  await map.put(name, Buffer.from(json))
}

/** What another writer means for whoever runs this one, and what to do. */
export function explained({ sequence, value }: { sequence: bigint; value: string }): string {
  return (
    `another writer publishes under this key: sequence ${sequence} is ${value.slice(0, 80)}, by a record that is not known here. ` +
    'Nothing is published from here. Stop the other writer, then run heliport key takeover. ' +
    'If there is none, this data directory is older than what was published from it, and so is what it would publish'
  )
}
