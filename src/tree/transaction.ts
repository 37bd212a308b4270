import { CID } from 'multiformats/cid'
import { RAW, cidFromHash, sha256 } from '../blocks/cids.ts'
import { tryParseTag } from '../oci/name.ts'
import { isRegistryError } from '../oci/errors.ts'
import { readManifest } from '../oci/manifest.ts'
import { isDamage } from './damage.ts'
import { REPOSITORY_BRANCHES, encodeLink, isBranch, layout } from './layout.ts'
import { entriesOf } from './drafts.ts'
import { arrange } from './arrange.ts'
import type { BlockSource } from '../blocks/block-source.ts'
import type { BlockOptions, BlockStore } from '../blocks/block-store.ts'
import type { Digest } from '../oci/digest.ts'
import type { RepositoryName, Tag } from '../oci/name.ts'
import type { Half, RegistryReader, StoredContent, Transaction } from '../registry/ports.ts'
import type { Entry } from '../blocks/nodes.ts'
import type { Move } from './arrange.ts'
import type { Draft } from './draft.ts'
import type { Drafts } from './drafts.ts'
import type { Roots } from './own-source.ts'
import type { Path } from './layout.ts'

/** One line of the registry's history: what an edit did, in the field's words. */
export type Change = RepositoryChange | Move | Rollback

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
  /** The root of what is not published, if anything was in it. */
  readonly private?: string | undefined
  readonly name?: undefined
  readonly digest?: undefined
  readonly tag?: undefined
}

/** What a transaction works on. */
export interface TransactionParts {
  drafts: Drafts
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
  /** Roots of the files that this edit linked in the tree that is published. */
  readonly files: CID[] = []
  /** Whether whole directories came from elsewhere. */
  isGrafted = false
  /** Whether something was taken out of the published tree, to be given to no peer any more. */
  isUnpublished = false
  readonly #drafts: Drafts
  readonly #store: Pick<BlockStore, 'put'>
  readonly #options: BlockOptions
  #isClosed = false

  constructor({ drafts, source, store, options }: TransactionParts) {
    this.#drafts = drafts
    this.#store = store
    this.#options = options
    this.reader = drafts.reader(source)
  }

  /** Ends the transaction: work that an edit left running can change nothing any more. */
  close(): void {
    this.#isClosed = true
  }

  async linkBlob(name: RepositoryName, content: StoredContent): Promise<void> {
    await this.#setData(name, content)
    await this.#setLink(name, layout.layer(name, content.digest), content.digest)
    this.changes.push({ action: 'link', name, digest: content.digest })
  }

  async mountBlob(name: RepositoryName, digest: Digest, from: RepositoryName): Promise<boolean> {
    const link = layout.link(layout.layer(from, digest))
    const source = this.#drafts.of(from)
    if ((await source.file(link, this.#options)) === undefined) return false
    if (!(await this.#isReadable(from, digest))) return false
    if (source !== this.#drafts.of(name)) await this.#bringData(name, digest, source)
    await this.#setLink(name, layout.layer(name, digest), digest)
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
    await this.#setData(name, content)
    await this.#setLink(name, layout.revision(name, digest), digest)
    if (subject !== undefined)
      await this.#setLink(name, layout.referrer(name, subject, digest), digest)
    this.changes.push({ action: 'put', name, digest })
  }

  async setTag(name: RepositoryName, tag: Tag, digest: Digest): Promise<void> {
    await this.#setLink(name, layout.tagCurrent(name, tag), digest)
    await this.#setLink(name, layout.tagIndex(name, tag, digest), digest)
    this.changes.push({ action: 'tag', name, tag, digest })
  }

  async removeTag(name: RepositoryName, tag: Tag): Promise<boolean> {
    const there = await this.#drafts.of(name).names(layout.tag(name, tag), this.#options)
    if (there === undefined) return false
    await this.#remove(name, layout.tag(name, tag))
    this.changes.push({ action: 'untag', name, tag })
    return true
  }

  async removeManifest(name: RepositoryName, digest: Digest): Promise<{ tags: Tag[] } | undefined> {
    const manifest = await this.reader.manifest(name, digest, this.#options)
    if (manifest === undefined) return undefined
    const bytes = Buffer.concat(await Array.fromAsync(manifest.open(this.#options)))
    const subject = subjectOf(bytes)
    if (subject !== undefined) await this.#remove(name, layout.referrer(name, subject, digest))
    await this.#remove(name, layout.revision(name, digest))
    const tags = await this.#removeFromTags(name, digest)
    this.changes.push({ action: 'delete', name, digest })
    return { tags }
  }

  async removeBlob(name: RepositoryName, digest: Digest): Promise<boolean> {
    const directory = layout.layer(name, digest)
    const link = layout.link(directory)
    if ((await this.#drafts.of(name).file(link, this.#options)) === undefined) return false
    await this.#remove(name, directory)
    this.changes.push({ action: 'unlink', name, digest })
    return true
  }

  /** Every branch goes, also those that only other registries make; the repositories inside it stay. */
  async removeRepository(name: RepositoryName): Promise<boolean> {
    const directory = layout.repository(name)
    const names = await this.#drafts.of(name).names(directory, this.#options)
    const branches = names?.filter(isBranch) ?? []
    if (!branches.some((branch) => REPOSITORY_BRANCHES.includes(branch))) return false
    for (const branch of branches) await this.#remove(name, [...directory, branch])
    this.changes.push({ action: 'drop', name })
    return true
  }

  removeContent(digest: Digest, half: Half = 'public'): Promise<void> {
    this.#assertOpen()
    return this.#drafts[half].remove(layout.blob(digest), this.#options)
  }

  /**
   * Makes both trees what is under some roots, which are here and ours; what is to be published today decides where each
   * repository goes. Not for the rules: they change what is in the trees.
   */
  async restore(roots: Roots): Promise<void> {
    this.#assertOpen()
    this.#drafts.replace(entriesOf(roots))
    this.isGrafted = true
    const root = { root: roots.public.toString(), private: roots.private?.toString() }
    this.changes.push({ action: 'rollback', ...root })
    if (roots.private !== undefined || this.#drafts.rules.text !== '') await this.arrange()
  }

  /** Moves each repository into the tree that the rules of today want it in. @returns how many moved */
  async arrange(): Promise<number> {
    this.#assertOpen()
    const moves = await arrange(this.#drafts, this.#options)
    this.changes.push(...moves)
    if (moves.length > 0) this.isGrafted = true
    if (moves.some(({ action }) => action === 'unpublish')) this.isUnpublished = true
    return moves.length
  }

  /** Removes the tags that point to a manifest, and its traces in the history of the others. */
  async #removeFromTags(name: RepositoryName, digest: Digest): Promise<Tag[]> {
    const removed: Tag[] = []
    for (const text of (await this.#drafts.of(name).names(layout.tags(name), this.#options)) ??
      []) {
      const tag = tryParseTag(text)
      if (tag === undefined) continue
      if ((await this.reader.resolveTag(name, tag, this.#options)) === digest) {
        await this.#remove(name, layout.tag(name, tag))
        removed.push(tag)
      } else {
        await this.#remove(name, layout.tagIndex(name, tag, digest))
      }
    }
    return removed
  }

  async #setData(name: RepositoryName, content: StoredContent): Promise<void> {
    const entry = { cid: CID.parse(content.id), treeSize: content.treeSize }
    await this.#setFile(name, layout.blobData(content.digest), entry)
  }

  /** The bytes are in the other tree: linked in this one too, they are of both. */
  async #bringData(name: RepositoryName, digest: Digest, from: Draft): Promise<void> {
    const data = layout.blobData(digest)
    const entry = await from.file(data, this.#options)
    if (entry !== undefined) await this.#setFile(name, data, entry)
  }

  async #setLink(name: RepositoryName, directory: Path, digest: Digest): Promise<void> {
    const bytes = encodeLink(digest)
    const cid = cidFromHash(RAW, sha256(bytes))
    await this.#store.put(cid, bytes, this.#options)
    await this.#setFile(name, layout.link(directory), { cid, treeSize: bytes.length })
  }

  async #setFile(name: RepositoryName, path: Path, file: Entry): Promise<void> {
    this.#assertOpen()
    const draft = this.#drafts.of(name)
    if (draft === this.#drafts.public) this.files.push(file.cid)
    await draft.set(path, file, this.#options)
  }

  #assertOpen(): void {
    if (this.#isClosed) throw new Error('the transaction is over')
  }

  #remove(name: RepositoryName, path: Path): Promise<void> {
    this.#assertOpen()
    return this.#drafts.of(name).remove(path, this.#options)
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

/** An edit of our own lane, which may do more than the rules may. */
export function ours(tx: Transaction): TreeTransaction {
  if (tx instanceof TreeTransaction) return tx
  throw new Error('not an edit of this lane')
}
