import { syncDirectory } from './files.ts'

/**
 * Directories whose entries changed and are not yet safe on disk. One sync covers all files that were renamed into a
 * directory before it, so a commit of a hundred leaves pays for a few directories, not for a hundred files.
 */
export class DirectorySync {
  #dirty = new Set<string>()
  #running: Promise<void> = Promise.resolve()

  /** A file was renamed into (or found in) this directory and must survive. */
  mark(path: string): void {
    this.#dirty.add(path)
  }

  /**
   * Returns when everything marked before this call is safe. Calls queue up: one that finds nothing dirty still waits
   * for the sync that may be taking care of its own files.
   */
  sync(): Promise<void> {
    const result = this.#running.then(() => this.#flush())
    this.#running = result.catch(() => undefined) // the caller of that sync has its error; the next one tries again
    return result
  }

  async #flush(): Promise<void> {
    const paths = this.#dirty
    if (paths.size === 0) return
    this.#dirty = new Set()
    try {
      await Promise.all([...paths].map((path) => syncDirectory(path)))
    } catch (error) {
      for (const path of paths) this.#dirty.add(path)
      throw error
    }
  }
}
