/** Goes round a map that may change meanwhile, some entries at a time, so that nobody waits for a walk over thousands. */
export class Round<K, V> {
  readonly #entries: ReadonlyMap<K, V>
  readonly #most: number
  #next: MapIterator<[K, V]>

  /** @param most entries at a time */
  constructor(entries: ReadonlyMap<K, V>, most: number) {
    this.#entries = entries
    this.#most = most
    this.#next = entries.entries()
  }

  /** The entries that come next, none of them twice unless it was put in anew. */
  *some(): Generator<[K, V]> {
    for (let left = Math.min(this.#entries.size, this.#most); left > 0; left--) {
      let next = this.#next.next()
      if (next.done === true) next = (this.#next = this.#entries.entries()).next()
      if (next.done === true) return
      yield next.value
    }
  }
}
