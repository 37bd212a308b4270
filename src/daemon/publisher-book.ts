import type { Logger } from 'pino'
import type { Notes } from '../ipfs/notes.ts'
import type { DurableMap } from '../registry/ports.ts'

type Book = Pick<DurableMap, 'get' | 'put'>

const PREFIX = 'publisher/'

/** The IPNS names that are in one of the two. */
export async function namesInBooks(
  map: Pick<DurableMap, 'entries'>,
  notes: Notes | undefined,
): Promise<Set<string>> {
  const copied = (await notes?.names(PREFIX)) ?? []
  const names = await Array.fromAsync(map.entries(), ([name]) => name)
  return new Set([...names, ...copied.map((name) => name.slice(PREFIX.length))])
}

/**
 * What the publisher must never forget, in two databases: where the one that is synced lost its end, the other still knows
 * which sequence was used last (promise I6).
 */
export function inTwoBooks(map: Book, notes: Notes, log?: Logger): Book {
  const place = (name: string): string => PREFIX + name
  return {
    get: async (name) => {
      const [first, second] = [await map.get(name), await notes.get(place(name))]
      const [known, copied] = [first && sequenceOf(first), second && sequenceOf(second)]
      // One that is there and cannot be read is an error, for the publisher to tell: the copy may be older.
      if (copied === undefined || (first !== undefined && known === undefined)) return first
      if (known !== undefined && known >= copied) return first
      log?.warn(
        { name, sequence: copied.toString() },
        'the state database lost what was published last; it is known from the other one',
      )
      return second
    },
    put: async (name, bytes) => {
      await map.put(name, bytes)
      await notes.put(place(name), bytes).catch((error: unknown) => {
        log?.warn({ err: error }, 'the copy of what was published last cannot be written')
      })
    },
  }
}

function sequenceOf(bytes: Uint8Array): bigint | undefined {
  try {
    const { sequence } = JSON.parse(Buffer.from(bytes).toString('utf8')) as { sequence?: unknown }
    return typeof sequence === 'string' && /^\d+$/.test(sequence) ? BigInt(sequence) : undefined
  } catch (error) {
    if (error instanceof SyntaxError) return undefined
    throw error
  }
}
