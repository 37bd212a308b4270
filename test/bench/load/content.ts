import { createCipheriv, createHash } from 'node:crypto'

/** Bytes that everybody who knows the seed can make. */
export interface ContentPlan {
  readonly seed: number
  /** Bytes. */
  readonly size: number
  /** An archive with one file in it, as engines that unpack layers want it; the size is then a multiple of 512. */
  readonly tar?: boolean
}

/** A plan and the digest of its bytes. */
export interface Blob extends ContentPlan {
  readonly digest: string
}

const CHUNK = 2 ** 20
const TAR_BLOCK = 512
/** What an archive has besides the bytes of its one file: a header, and two blocks of zeros at the end. */
export const TAR_FRAME = 3 * TAR_BLOCK

/**
 * The bytes, in pieces of 1 MiB of which no two are alike. A piece is valid until the next one is asked for: making them
 * costs next to nothing, so that whoever sends them is measured and not we.
 */
export function* content({ seed, size, tar = false }: ContentPlan): Generator<Buffer> {
  const template = noise(seed)
  for (let at = 0; at < size; at += CHUNK) {
    template.writeBigUInt64LE(BigInt(at / CHUNK), 0)
    const piece = template.subarray(0, Math.min(CHUNK, size - at))
    yield tar ? framed(piece, at, size, seed) : piece
  }
}

const digests = new Map<string, string>()

/** Its digest; the same plan is hashed once. */
export function blobOf(plan: ContentPlan): Blob {
  const key = JSON.stringify(plan)
  const digest = digests.get(key) ?? digestOfContent(plan)
  digests.set(key, digest)
  return { ...plan, digest }
}

function digestOfContent(plan: ContentPlan): string {
  const hash = createHash('sha256')
  for (const piece of content(plan)) hash.update(piece)
  return `sha256:${hash.digest('hex')}`
}

function noise(seed: number): Buffer {
  const key = createHash('sha256').update(`heliport bench ${seed}`).digest()
  return createCipheriv('aes-256-ctr', key, Buffer.alloc(16)).update(Buffer.alloc(CHUNK))
}

/** A copy with the archive's header before it, or its end after it. */
function framed(piece: Buffer, at: number, size: number, seed: number): Buffer {
  const copy = Buffer.from(piece)
  if (at === 0) header(`bench-${seed}`, size - TAR_FRAME).copy(copy)
  copy.fill(0, Math.max(0, size - 2 * TAR_BLOCK - at))
  return copy
}

/** The header of a file in the ustar format (POSIX.1-1988). */
function header(path: string, size: number): Buffer {
  const block = Buffer.alloc(TAR_BLOCK)
  block.write(path, 0)
  for (const [at, digits, value] of [
    [100, 7, 0o644],
    [108, 7, 0],
    [116, 7, 0],
    [124, 11, size],
    [136, 11, 0],
  ] as const)
    block.write(value.toString(8).padStart(digits, '0'), at)
  block.write(' '.repeat(8), 148) // the checksum is made with blanks in its place
  block.write('0', 156)
  block.write('ustar\0' + '00', 257)
  const sum = block.reduce((total, byte) => total + byte, 0)
  block.write(`${sum.toString(8).padStart(6, '0')}\0 `, 148)
  return block
}
