import { RAW } from '../blocks/cids.ts'
import { fileSize, readFile } from '../blocks/file-reader.ts'
import { gatherFile } from '../blocks/gather-file.ts'
import { algorithmOf, createHasher } from '../oci/digest.ts'
import { isProof } from './reader.ts'
import { FalseClaimError } from './replica-problems.ts'
import type { BlockOptions } from '../blocks/block-store.ts'
import type { Gate } from '../blocks/gate.ts'
import type { KeptBlocks } from '../blocks/kept-blocks.ts'
import type { Entry } from '../blocks/nodes.ts'
import type { Digest } from '../oci/digest.ts'
import type { Content } from '../registry/ports.ts'

/** A claim that some bytes are what a digest names. */
export type Claim = Pick<Content, 'digest' | 'id' | 'proven'>

/** What is known about claims (`registry/trust.ts`). */
export interface Claims {
  isProven(claim: Claim): Promise<boolean>
  isRejected(claim: Claim): boolean
  /** Remembers for good that the claim is true. */
  accept(claim: Claim): Promise<void>
  reject(claim: Claim): void
}

/** What a blob is replicated with. */
export interface BlobParts {
  readonly blocks: KeptBlocks
  readonly claims: Claims
  /** Largest blob that is taken, in bytes. */
  readonly blobLimit: number
  /** Fetches that run at once, over all blobs. */
  readonly fetching: Gate
  /** Blobs that are hashed at once. */
  readonly hashing: Gate
}

/** Who wants to know how far a blob is. */
export interface BlobOptions extends BlockOptions {
  readonly onSize: (bytes: number) => void
  /** Bytes of it that are here, as they are found or come. */
  readonly onBytes: (bytes: number) => void
}

/**
 * Brings a blob or manifest here as a whole, and makes sure that it is what its digest says (promise I5).
 *
 * @throws FalseClaimError, NodeFormatError when the tree is wrong about it; whatever keeps a block from being had
 */
export async function replicateBlob(
  parts: BlobParts,
  digest: Digest,
  file: Entry,
  { signal, onSize, onBytes }: BlobOptions,
): Promise<void> {
  const { blocks, claims, blobLimit, fetching } = parts
  const claim: Claim = { digest, id: file.cid.toString(), proven: isProof(file, digest) }
  // A raw block's size is what its directory says, until it is here.
  const size = file.cid.code === RAW ? file.treeSize : await fileSize(blocks, file.cid, { signal })
  if (size > blobLimit)
    throw new FalseClaimError(`${digest} claims ${size} bytes, and at most ${blobLimit} are taken`)
  onSize(size)
  if (claims.isRejected(claim)) throw new FalseClaimError(`${claim.id} was not ${digest} before`)
  await gatherFile(blocks, { cid: file.cid, size }, { gate: fetching, onBytes, signal })
  if (await claims.isProven(claim)) return
  await parts.hashing.run(() => prove(parts, claim, file, { signal }), { signal })
}

async function prove(
  { blocks, claims }: BlobParts,
  claim: Claim,
  { cid }: Entry,
  options: BlockOptions,
): Promise<void> {
  const hasher = createHasher(algorithmOf(claim.digest))
  for await (const bytes of readFile(blocks, cid, options)) hasher.update(bytes)
  const actual = hasher.digest()
  if (actual === claim.digest) return claims.accept(claim)
  claims.reject(claim)
  throw new FalseClaimError(
    `${claim.id} is not the content of ${claim.digest}: it hashes to ${actual}`,
  )
}
