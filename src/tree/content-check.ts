import { DamagedBlockError, MissingBlockError } from '../blocks/block-store.ts'
import { LIMITS } from '../blocks/chunking.ts'
import { RAW, sha256 } from '../blocks/cids.ts'
import { readFile } from '../blocks/file-reader.ts'
import { LiveSet } from '../blocks/live-set.ts'
import { NodeFormatError } from '../blocks/nodes.ts'
import { readNode } from '../blocks/read-node.ts'
import { algorithmOf, createHasher } from '../oci/digest.ts'
import { isRegistryError } from '../oci/errors.ts'
import { MANIFEST_MAX_BYTES, readManifest } from '../oci/manifest.ts'
import { isProof } from './reader.ts'
import type { BlockOptions } from '../blocks/block-store.ts'
import type { Entry } from '../blocks/nodes.ts'
import type { Digest } from '../oci/digest.ts'
import type { TreeCheckParts, TreeProblem } from './tree-problem.ts'
import type { CID } from 'multiformats/cid'

/** Bytes under a digest, as a tree has them. */
interface Claimed {
  readonly digest: Digest
  readonly entry: Entry
  /** Whether they are served as a manifest. */
  readonly isManifest: boolean
}

/** Checks contents: that all of their blocks are whole, and together what the digest says. Each content is read once. */
export class ContentCheck {
  readonly #parts: Pick<TreeCheckParts, 'blocks' | 'pace' | 'counts'>
  readonly #onProblem: (problem: Omit<TreeProblem, 'path'>) => void
  /** Contents that are what their digests say, and manifests that are some. */
  readonly #whole = new LiveSet()

  constructor(
    parts: Pick<TreeCheckParts, 'blocks' | 'pace' | 'counts'>,
    onProblem: (problem: Omit<TreeProblem, 'path'>) => void,
  ) {
    this.#parts = parts
    this.#onProblem = onProblem
  }

  /** @returns whether it is what it should be. @throws the disk's error; the signal's reason */
  async check(claimed: Claimed, options: BlockOptions): Promise<boolean> {
    const { digest, entry, isManifest } = claimed
    const key = sha256(Buffer.from(`${digest} ${entry.cid} ${entry.treeSize}`))
    const manifestKey = sha256(Buffer.concat([key, Buffer.from('manifest')]))
    if (this.#whole.has(isManifest ? manifestKey : key)) return true
    const { counts } = this.#parts
    if (!this.#whole.has(key)) counts.contents++
    if (isManifest) counts.manifests++
    const wrong = await this.#read(claimed, options)
    if (wrong !== undefined) return wrong
    this.#whole.add(key)
    if (isManifest) this.#whole.add(manifestKey)
    return true
  }

  /** @returns `false` when it is not what it should be, which has been told */
  async #read(claimed: Claimed, options: BlockOptions): Promise<false | undefined> {
    const { digest, entry, isManifest } = claimed
    const { cid } = entry
    const hasher = isProof(entry, digest) ? undefined : createHasher(algorithmOf(digest))
    const pieces: Uint8Array[] = []
    let size = 0
    try {
      for await (const bytes of readFile(this.#parts.blocks, cid, options)) {
        hasher?.update(bytes)
        size += bytes.length
        if (isManifest && size <= MANIFEST_MAX_BYTES) pieces.push(bytes)
        await this.#parts.pace.turn(options)
      }
    } catch (error) {
      return this.#unreadable(cid, error, options)
    }
    const actual = hasher?.digest() ?? digest
    if (actual !== digest)
      return this.#tell('content', cid, `it hashes to ${actual}, and not to ${digest}`)
    if (cid.code === RAW && entry.treeSize !== size)
      return this.#tell(
        'content',
        cid,
        `it has ${size} bytes, and its directory says ${entry.treeSize}`,
      )
    return isManifest ? this.#manifest(cid, size, pieces) : undefined
  }

  #manifest(cid: CID, size: number, pieces: readonly Uint8Array[]): false | undefined {
    if (size > MANIFEST_MAX_BYTES)
      return this.#tell('manifest', cid, `it has ${size} bytes, too many for a manifest`)
    try {
      readManifest(Buffer.concat(pieces))
      return undefined
    } catch (error) {
      if (!isRegistryError(error, 'MANIFEST_INVALID')) throw error
      return this.#tell('manifest', cid, error.message)
    }
  }

  #tell(kind: TreeProblem['kind'], cid: CID, message: string): false {
    this.#onProblem({ kind, cid, message })
    return false
  }

  async #unreadable(cid: CID, error: unknown, options: BlockOptions): Promise<false> {
    if (error instanceof NodeFormatError) return this.#tell('content', cid, error.message)
    if (!isBlockDamage(error)) throw error
    // The first block that cannot be read ended it: the others are looked at as well.
    await this.look(cid, options)
    return false
  }

  /** Looks at every block of a file, past those that are damaged. @returns whether all are whole */
  async look(cid: CID, options: BlockOptions, depth = 0): Promise<boolean> {
    await this.#parts.pace.turn(options)
    try {
      const node = await readNode(this.#parts.blocks, cid, options)
      if (node.kind !== 'file') return true
      if (depth >= LIMITS.fileDepth) throw new NodeFormatError(cid, 'a file nested too deeply')
      let whole = true
      for (const part of node.parts)
        whole = (await this.look(part.cid, options, depth + 1)) && whole
      return whole
    } catch (error) {
      if (error instanceof NodeFormatError) return this.#tell('content', cid, error.message)
      if (!isBlockDamage(error)) throw error
      return this.#tell('block', error.cid, error.message)
    }
  }
}

function isBlockDamage(error: unknown): error is DamagedBlockError | MissingBlockError {
  return error instanceof DamagedBlockError || error instanceof MissingBlockError
}
