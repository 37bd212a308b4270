import type { DurableMap } from '../registry/ports.ts'

const KEY = 'state'

/** What one round found. */
export interface ScrubCounts {
  blocks: number
  bytes: number
  /** Blocks that were damaged, and nobody had. */
  damaged: number
  healed: number
}

/** A round that came to its end. */
export interface ScrubRound extends ScrubCounts {
  /** ISO 8601. */
  readonly startedAt: string
  readonly endedAt: string
}

/** Where the scrub stands; outlives a restart. */
export interface ScrubState {
  /** When the round was begun, in ms since the epoch. */
  startedAt: number
  /** The hash in hex of the last block that was looked at; empty at the beginning. */
  position: string
  counts: ScrubCounts
  last: ScrubRound | undefined
}

export function newCounts(): ScrubCounts {
  return { blocks: 0, bytes: 0, damaged: 0, healed: 0 }
}

/** What was saved last; a new round when that is nothing that can be read. */
export async function loadScrub(map: DurableMap, now: number): Promise<ScrubState> {
  const bytes = await map.get(KEY)
  const saved = bytes === undefined ? undefined : parse(bytes)
  return saved ?? { startedAt: now, position: '', counts: newCounts(), last: undefined }
}

export function saveScrub(map: DurableMap, state: ScrubState): Promise<void> {
  return map.put(KEY, Buffer.from(JSON.stringify(state)))
}

function parse(bytes: Uint8Array): ScrubState | undefined {
  try {
    const { startedAt, position, counts, last } = JSON.parse(
      Buffer.from(bytes).toString('utf8'),
    ) as Partial<ScrubState>
    if (typeof startedAt !== 'number' || !/^([0-9a-f]{64})?$/.test(position ?? 'x'))
      return undefined
    return { startedAt, position: position ?? '', counts: { ...newCounts(), ...counts }, last }
  } catch (error) {
    if (error instanceof SyntaxError) return undefined
    throw error
  }
}
