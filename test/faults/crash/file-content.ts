import type { SeededRandom } from '../random.ts'

/** What a disk loses of the writes that were not synced. */
export type Loss =
  /** All of them. */
  | 'all'
  /** Any of them, and parts of others. */
  | 'some'
  /** Their bytes, though not their lengths: the file has zeros there. */
  | 'bytes'

/** A disk writes so many bytes or none. */
const SECTOR = 512

interface Write {
  /** Its place in the order of all changes. */
  readonly order: number
  readonly at: number
  /** `undefined`: the file ends at {@link at} from now on. */
  readonly data: Buffer | undefined
}

/** The content of one file: what is safe, and what was written after that. */
export class FileContent {
  #safe: Buffer
  #writes: Write[] = []

  constructor(safe: Buffer) {
    this.#safe = safe
  }

  change(write: Write): void {
    this.#writes.push(write)
  }

  /** A sync that began at that place of the order has ended: what was written before it is safe. */
  synced(order: number): void {
    for (const write of this.#writes)
      if (write.order < order) this.#safe = applied(this.#safe, write)
    this.#writes = this.#writes.filter((write) => write.order > order)
  }

  /** What is there after the power was gone. */
  afterLoss(loss: Loss, random: SeededRandom): Buffer {
    let content = this.#safe
    for (const write of this.#writes) {
      const kept = remainder(write, loss, random)
      if (kept !== undefined) content = applied(content, kept)
    }
    return content
  }
}

function applied(content: Buffer, { at, data }: Write): Buffer {
  if (data === undefined)
    return Buffer.concat([content.subarray(0, at), Buffer.alloc(Math.max(0, at - content.length))])
  const size = Math.max(content.length, at + data.length)
  const result = size === content.length ? Buffer.from(content) : Buffer.alloc(size)
  if (size !== content.length) content.copy(result)
  data.copy(result, at)
  return result
}

function remainder(write: Write, loss: Loss, random: SeededRandom): Write | undefined {
  if (loss === 'all') return undefined
  const { data } = write
  if (data === undefined) return random.next() < 0.5 ? write : undefined
  if (loss === 'bytes') return { ...write, data: Buffer.alloc(data.length) }
  const dice = random.next()
  if (dice < 0.3) return undefined
  if (dice < 0.6) return write
  const kept = data.subarray(0, random.between(0, Math.ceil(data.length / SECTOR)) * SECTOR)
  if (dice < 0.8) return { ...write, data: kept }
  return { ...write, data: Buffer.concat([kept, Buffer.alloc(data.length - kept.length)]) }
}
