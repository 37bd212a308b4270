/** Items that come one by one, with a look at the next one before it is taken. */
export class Peekable<T> {
  readonly #items: AsyncIterator<T>
  #next: Promise<T | undefined> | undefined

  constructor(items: AsyncIterable<T>) {
    this.#items = items[Symbol.asyncIterator]()
  }

  /** The next item, which stays the next; `undefined` when there is none. */
  peek(): Promise<T | undefined> {
    this.#next ??= this.#items.next().then((next) => (next.done === true ? undefined : next.value))
    this.#next.catch(() => undefined) // whoever takes it has the error, and perhaps nobody does
    return this.#next
  }

  /** The next item. */
  take(): Promise<T | undefined> {
    const next = this.peek()
    this.#next = undefined
    return next
  }
}
