/** Leaves that all writers together may have on their way to the disk, beyond the few that each has for itself. */
const SHARED = 32

/**
 * What writers share: a disk that takes long to sync syncs eight files at once in hardly more time than one, but eight
 * leaves for each of a hundred uploads would be too much memory.
 */
export class LeafRoom {
  #free: number

  constructor(shared: number = SHARED) {
    this.#free = shared
  }

  /** Takes room for one more leaf, if there is some. */
  take(): boolean {
    if (this.#free === 0) return false
    this.#free--
    return true
  }

  give(): void {
    this.#free++
  }
}

/** That of all writers of this process: it is about its memory. */
export const leafRoom = new LeafRoom()
