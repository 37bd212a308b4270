import { mkdirSync } from 'node:fs'
import { access, readFile, rename, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { BaseBlockstore } from 'blockstore-core'
import type { CID } from 'multiformats/cid'

/**
 * Blocks as files, for a Helia without anything of ours: like the stock store on disk (blockstore-fs) it writes to
 * another name and renames, and does not sync.
 */
export class DiskBlocks extends BaseBlockstore {
  readonly #directory: string
  #written = 0

  constructor(directory: string) {
    super()
    mkdirSync(directory, { recursive: true })
    this.#directory = directory
  }

  override async has(cid: CID): Promise<boolean> {
    try {
      await access(this.#path(cid))
      return true
    } catch (error) {
      if (isMissing(error)) return false
      throw error
    }
  }

  override async put(
    cid: CID,
    bytes: Uint8Array | Iterable<Uint8Array> | AsyncIterable<Uint8Array>,
  ): Promise<CID> {
    const path = this.#path(cid)
    const temporary = `${path}.${this.#written++}`
    const whole = bytes instanceof Uint8Array ? bytes : Buffer.concat(await Array.fromAsync(bytes))
    await writeFile(temporary, whole)
    await rename(temporary, path)
    return cid
  }

  override async *get(cid: CID): AsyncGenerator<Uint8Array> {
    try {
      yield await readFile(this.#path(cid))
    } catch (error) {
      if (isMissing(error))
        throw Object.assign(new Error('no such block'), { name: 'NotFoundError' })
      throw error
    }
  }

  #path(cid: CID): string {
    return join(this.#directory, Buffer.from(cid.multihash.bytes).toString('hex'))
  }
}

function isMissing(error: unknown): boolean {
  return error instanceof Error && 'code' in error && error.code === 'ENOENT'
}
