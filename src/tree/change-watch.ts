import type { Digest } from '../oci/digest.ts'
import type { RepositoryName } from '../oci/name.ts'
import type { Change } from './transaction.ts'

/** What edits linked since it began: what was found unused before may be in use by now. */
export class ChangeWatch implements Disposable {
  readonly #names = new Set<RepositoryName>()
  readonly #digests = new Set<Digest>()
  /** The whole tree is another one. */
  #isAll = false
  readonly #end: () => void

  constructor(end: () => void) {
    this.#end = end
  }

  note(changes: readonly Change[]): void {
    for (const { action, name, digest } of changes) {
      if (name === undefined) {
        this.#isAll = true
        continue
      }
      if (action === 'link' || action === 'put' || action === 'tag') this.#names.add(name)
      if (digest !== undefined && action !== 'delete' && action !== 'unlink')
        this.#digests.add(digest)
    }
  }

  /** Whether anything was linked or tagged in a repository. */
  hasChanged(name: RepositoryName): boolean {
    return this.#isAll || this.#names.has(name)
  }

  /** The same for any of those that are meant. */
  hasChangedAny(isMeant: (name: RepositoryName) => boolean): boolean {
    return this.#isAll || [...this.#names].some(isMeant)
  }

  /** Whether this content was linked anywhere. */
  hasLinked(digest: Digest): boolean {
    return this.#isAll || this.#digests.has(digest)
  }

  [Symbol.dispose](): void {
    this.#end()
  }
}
