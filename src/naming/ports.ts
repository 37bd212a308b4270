/** What a topic's validator says about a message: pass it on, drop it, or drop it and think less of its sender. */
export type Verdict = 'accept' | 'ignore' | 'reject'

/** How a topic is listened to. */
export interface TopicListener {
  /** Runs before a message is passed on to other peers; what it does not accept goes no further. */
  validate(data: Uint8Array): Promise<Verdict>
  onMessage(data: Uint8Array, from: string): void
  /** A peer subscribed to the topic. */
  onJoin(peer: string): void
}

/** The network as this room sees it. Peers are named by their peer ids. */
export interface RecordNetwork {
  readonly hasDht: boolean
  /** Connected peers. */
  peers(): string[]
  /** Connected peers that are subscribed to a topic. */
  subscribers(topic: string): string[]
  /** Tells of each peer who can be asked, whenever a connection to it was made. Returns the way out. */
  onPeer(listener: (peer: string) => void): () => void
  /** Sends a signed message to a topic; returns to how many peers. Nobody listening is no error. */
  publish(topic: string, data: Uint8Array): Promise<number>
  /** Returns the way out. */
  subscribe(topic: string, listener: TopicListener): () => void
  /** Answers lookups of keys that begin with `prefix`. Returns the way out. */
  serve(prefix: string, lookup: (key: Uint8Array) => Promise<Uint8Array | undefined>): () => void
  /** Looks a key up at one connected peer. @throws when it cannot be asked */
  lookup(peer: string, key: Uint8Array, signal: AbortSignal): Promise<Uint8Array | undefined>
  /** @throws when no peer of the DHT took it */
  dhtPut(key: Uint8Array, record: Uint8Array, signal: AbortSignal): Promise<void>
  dhtGet(key: Uint8Array, signal: AbortSignal): Promise<Uint8Array | undefined>
}

/** The part of a pino logger that this room uses. */
export interface Log {
  debug(details: object, message: string): void
  info(details: object, message: string): void
  warn(details: object, message: string): void
}
