/** Who waits: one of several requests of a client. */
export interface Waiting {
  /** All that share this get one place in the line between them. */
  readonly client: string
  readonly enter: () => void
}

/**
 * A line in which clients are called one after the other, however many requests each has in it: whoever has hundreds does
 * not come before somebody who has one.
 */
export class Line {
  /** The client that was called last is last. */
  readonly #clients = new Map<string, Set<Waiting>>()

  get isEmpty(): boolean {
    return this.#clients.size === 0
  }

  add(waiting: Waiting): void {
    const others = this.#clients.get(waiting.client)
    if (others === undefined) this.#clients.set(waiting.client, new Set([waiting]))
    else others.add(waiting)
  }

  /** Takes somebody out who waits no longer. False: he is not in this line. */
  delete(waiting: Waiting): boolean {
    const requests = this.#clients.get(waiting.client)
    if (requests?.delete(waiting) !== true) return false
    if (requests.size === 0) this.#clients.delete(waiting.client)
    return true
  }

  /** Takes the next one out: of the client that has waited longest for a call, the request that came first. */
  next(): Waiting | undefined {
    for (const [client, requests] of this.#clients)
      for (const waiting of requests) {
        this.#clients.delete(client)
        requests.delete(waiting)
        if (requests.size > 0) this.#clients.set(client, requests)
        return waiting
      }
    return undefined
  }
}
