import { open } from 'node:fs/promises'
import { storageError, syncError } from './storage-error.ts'
import type { StorageError } from './storage-error.ts'

/** Directories opened at once. */
const AT_ONCE = 8

/**
 * Directories whose entries changed and are not yet safe on disk. One sync covers all files that were renamed into a
 * directory before it, so a commit of a hundred leaves pays for a few directories, not for a hundred files.
 */
export class DirectorySync {
  #dirty = new Set<string>()
  #running: Promise<void> = Promise.resolve()
  /** A sync failed: what it was for may be lost, and no later success would tell. */
  #lost: StorageError | undefined

  /** Why nothing is ever safe again in this life of the process; `undefined` while all is well. */
  get lost(): StorageError | undefined {
    return this.#lost
  }

  /** A file was renamed into (or found in) this directory and must survive. */
  mark(path: string): void {
    this.#dirty.add(path)
  }

  /**
   * Returns when everything marked before this call is safe. Calls queue up: one that finds nothing dirty still waits
   * for the sync that may be taking care of its own files.
   *
   * @throws StorageError; when it does not pass, every later call throws it too
   */
  sync(): Promise<void> {
    const result = this.#running.then(() => this.#flush())
    this.#running = result.catch(() => undefined) // the caller of that sync has its error; the next one tries again
    return result
  }

  async #flush(): Promise<void> {
    if (this.#lost !== undefined) throw this.#lost
    const paths = [...this.#dirty]
    this.#dirty = new Set()
    try {
      for (let at = 0; at < paths.length; at += AT_ONCE) {
        await Promise.all(paths.slice(at, at + AT_ONCE).map((path) => this.#syncOne(path)))
      }
    } catch (error) {
      for (const path of paths) this.#dirty.add(path)
      throw error
    }
  }

  async #syncOne(path: string): Promise<void> {
    const handle = await open(path, 'r').catch((error: unknown) => {
      throw storageError(`${path} could not be opened`, error) // EMFILE: nothing is lost, it can be tried again
    })
    try {
      await handle.sync()
    } catch (error) {
      this.#lost = syncError(path, error)
      throw this.#lost
    } finally {
      await handle.close()
    }
  }
}
