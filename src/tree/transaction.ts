import { CID } from 'multiformats/cid'
import { RAW, cidFromHash, sha256 } from '../blocks/cids.ts'
import { tryParseTag } from '../oci/name.ts'
import { isRegistryError } from '../oci/errors.ts'
import { readManifest } from '../oci/manifest.ts'
import { isDamage } from './damage.ts'
import { REPOSITORY_BRANCHES, encodeLink, isBranch, layout } from './layout.ts'
import { TreeReader } from './reader.ts'
import type { BlockSource } from '../blocks/block-source.ts'
import type { BlockOptions, BlockStore } from '../blocks/block-store.ts'
import type { Digest } from '../oci/digest.ts'
import type { RepositoryName, Tag } from '../oci/name.ts'
import type { RegistryReader, StoredContent, Transaction } from '../registry/ports.ts'
import type { Draft } from './draft.ts'
import type { Path } from './layout.ts'

/** One line of the registry's history: what an edit did, in the field's words. */
export type Change = RepositoryChange | Rollback

interface RepositoryChange {
  /** `drop` is a whole repository. */
  readonly action: 'link' | 'put' | 'tag' | 'untag' | 'delete' | 'unlink' | 'drop'
  readonly name: RepositoryName
  readonly digest?: Digest
  readonly tag?: Tag
}

/** The whole tree is again what it was. */
interface Rollback {
  readonly action: 'rollback'
  /** The root, as text. */
  readonly root: string
  readonly name?: undefined
  readonly digest?: undefined
  readonly tag?: undefined
}

/** What a transaction works on. */
export interface TransactionParts {
  draft: Draft
  /** Blocks of our own tree. */
  source: BlockSource
  /** Where new link files go. */
  store: Pick<BlockStore, 'put'>
  options: BlockOptions
}

/** Turns what an edit wants into path changes of the draft. Says nothing about whether the edit may. */
export class TreeTransaction implements Transaction {
  readonly reader: RegistryReader
  /** What this edit did, for the journal. */
  readonly changes: Change[] = []
  /** Roots of the files that this edit linked. */
  readonly files: CID[] = []
  readonly #draft: Draft
  readonly #store: Pick<BlockStore, 'put'>
  readonly #options: BlockOptions
  #isClosed = false

  constructor({ draft, source, store, options }: TransactionParts) {
    this.#draft = draft
    this.#store = store
    this.#options = options
    this.reader = new TreeReader('own', draft, source)
  }

  /** Ends the transaction: work that an edit left running can change nothing any more. */
  close(): void {
    this.#isClosed = true
  }

  async linkBlob(name: RepositoryName, content: StoredContent): Promise<void> {
    await this.#setData(content)
    await this.#setLink(layout.layer(name, content.digest), content.digest)
    this.changes.push({ action: 'link', name, digest: content.digest })
  }

  async mountBlob(name: RepositoryName, digest: Digest, from: RepositoryName): Promise<boolean> {
    const link = layout.link(layout.layer(from, digest))
    if ((await this.#draft.file(link, this.#options)) === undefined) return false
    if (!(await this.#isReadable(from, digest))) return false
    await this.#setLink(layout.layer(name, digest), digest)
    this.changes.push({ action: 'link', name, digest })
    return true
  }

  /**
   * As far as a HEAD tells. A tree that was made elsewhere may have a link without bytes, and bytes can be damaged; a
   * mount promises the blob, and where it cannot, the client's upload mends it.
   */
  async #isReadable(name: RepositoryName, digest: Digest): Promise<boolean> {
    try {
      return (await this.reader.blob(name, digest, this.#options)) !== undefined
    } catch (error) {
      if (isDamage(error)) return false
      throw error
    }
  }

  async putManifest(name: RepositoryName, content: StoredContent, subject?: Digest): Promise<void> {
    const { digest } = content
    await this.#setData(content)
    await this.#setLink(layout.revision(name, digest), digest)
    if (subject !== undefined) await this.#setLink(layout.referrer(name, subject, digest), digest)
    this.changes.push({ action: 'put', name, digest })
  }

  async setTag(name: RepositoryName, tag: Tag, digest: Digest): Promise<void> {
    await this.#setLink(layout.tagCurrent(name, tag), digest)
    await this.#setLink(layout.tagIndex(name, tag, digest), digest)
    this.changes.push({ action: 'tag', name, tag, digest })
  }

  async removeTag(name: RepositoryName, tag: Tag): Promise<boolean> {
    const there = await this.#draft.names(layout.tag(name, tag), this.#options)
    if (there === undefined) return false
    await this.#remove(layout.tag(name, tag))
    this.changes.push({ action: 'untag', name, tag })
    return true
  }

  async removeManifest(name: RepositoryName, digest: Digest): Promise<{ tags: Tag[] } | undefined> {
    const manifest = await this.reader.manifest(name, digest, this.#options)
    if (manifest === undefined) return undefined
    const bytes = Buffer.concat(await Array.fromAsync(manifest.open(this.#options)))
    const subject = subjectOf(bytes)
    if (subject !== undefined) await this.#remove(layout.referrer(name, subject, digest))
    await this.#remove(layout.revision(name, digest))
    const tags = await this.#removeFromTags(name, digest)
    this.changes.push({ action: 'delete', name, digest })
    return { tags }
  }

  async removeBlob(name: RepositoryName, digest: Digest): Promise<boolean> {
    const directory = layout.layer(name, digest)
    if ((await this.#draft.file(layout.link(directory), this.#options)) === undefined) return false
    await this.#remove(directory)
    this.changes.push({ action: 'unlink', name, digest })
    return true
  }

  /** Every branch goes, also those that only other registries make; the repositories inside it stay. */
  async removeRepository(name: RepositoryName): Promise<boolean> {
    const directory = layout.repository(name)
    const branches = (await this.#draft.names(directory, this.#options))?.filter(isBranch) ?? []
    if (!branches.some((branch) => REPOSITORY_BRANCHES.includes(branch))) return false
    for (const branch of branches) await this.#remove([...directory, branch])
    this.changes.push({ action: 'drop', name })
    return true
  }

  removeContent(digest: Digest): Promise<void> {
    return this.#remove(layout.blob(digest))
  }

  /** Makes the whole tree what is under a root, which is here and ours. Not for the rules: they change what is in it. */
  restore(root: CID): void {
    this.#assertOpen()
    this.#draft.replace({ cid: root, treeSize: 0 })
    this.changes.push({ action: 'rollback', root: root.toString() })
  }

  /** Removes the tags that point to a manifest, and its traces in the history of the others. */
  async #removeFromTags(name: RepositoryName, digest: Digest): Promise<Tag[]> {
    const removed: Tag[] = []
    for (const text of (await this.#draft.names(layout.tags(name), this.#options)) ?? []) {
      const tag = tryParseTag(text)
      if (tag === undefined) continue
      if ((await this.reader.resolveTag(name, tag, this.#options)) === digest) {
        await this.#remove(layout.tag(name, tag))
        removed.push(tag)
      } else {
        await this.#remove(layout.tagIndex(name, tag, digest))
      }
    }
    return removed
  }

  async #setData(content: StoredContent): Promise<void> {
    const entry = { cid: CID.parse(content.id), treeSize: content.treeSize }
    this.#assertOpen()
    this.files.push(entry.cid)
    await this.#draft.set(layout.blobData(content.digest), entry, this.#options)
  }

  async #setLink(directory: Path, digest: Digest): Promise<void> {
    const bytes = encodeLink(digest)
    const cid = cidFromHash(RAW, sha256(bytes))
    await this.#store.put(cid, bytes, this.#options)
    this.#assertOpen()
    this.files.push(cid)
    await this.#draft.set(layout.link(directory), { cid, treeSize: bytes.length }, this.#options)
  }

  #assertOpen(): void {
    if (this.#isClosed) throw new Error('the transaction is over')
  }

  #remove(path: Path): Promise<void> {
    this.#assertOpen()
    return this.#draft.remove(path, this.#options)
  }
}

/** The subject of a stored manifest. One that we would not have taken, from an imported tree, has none here. */
function subjectOf(bytes: Uint8Array): Digest | undefined {
  try {
    return readManifest(bytes).subject?.digest
  } catch (error) {
    if (isRegistryError(error, 'MANIFEST_INVALID')) return undefined
    throw error
  }
}
