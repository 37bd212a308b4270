import { createPrivateKey, createPublicKey, sign, verify } from 'node:crypto'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setImmediate as turn } from 'node:timers/promises'
import { ed25519Crypto } from '@ipshipyard/crypto'
import { keychain as makeKeychain } from '@ipshipyard/keychain'
import { CID } from 'multiformats/cid'
import { base36 } from 'multiformats/bases/base36'
import { sha256 } from 'multiformats/hashes/sha2'
import { ipnsName } from '../../src/naming/name.ts'
import { readRecord, signRecord } from '../../src/naming/record.ts'
import type { JsonWebKeyInput } from 'node:crypto'
import type { PrivateKey, PublicKey } from '@ipshipyard/crypto'
import type { Keychain } from '@ipshipyard/keychain'
import type { Datastore } from 'interface-datastore'
import type { Clock } from '../../src/naming/clock.ts'
import type { IpnsName } from '../../src/naming/name.ts'
import type { Log, RecordNetwork, TopicListener } from '../../src/naming/ports.ts'
import type { IpnsRecord, RecordContent } from '../../src/naming/record.ts'
import type { DurableMap } from '../../src/registry/ports.ts'

export const silent: Log = { debug: () => undefined, info: () => undefined, warn: () => undefined }

/** The value of a record that nobody follows. */
export const EMPTY_DIRECTORY = '/ipfs/bafybeiczsscdsbs7ffqz55asqdf3smv6klcw3gofszvwlyarci47bgf354'

/** Long enough for everything here, short enough to be followed. */
export const LIFETIME = 30 * 24 * 3600 * 1000

const ed25519 = ed25519Crypto()

/**
 * A key that signs at once. The stock one works in another thread, and then "nothing more happens without time
 * passing" could not be told from "not yet".
 */
export async function makeKey(): Promise<PrivateKey> {
  const key = await ed25519.generatePrivateKey()
  const jwk = createPrivateKey({ format: 'jwk', key: key.toJWK() as JsonWebKeyInput['key'] })
  return {
    type: key.type,
    code: key.code,
    publicKey: key.publicKey,
    toProtobuf: () => key.toProtobuf(),
    toJWK: () => key.toJWK(),
    sign: (message) => new Uint8Array(sign(null, message, jwk)),
  }
}

export function nameOf(key: PrivateKey): IpnsName {
  return ipnsName(key.publicKey.toCID().toV1().toString(base36))
}

/** Reads public keys, which verify at once too. */
const stock = makeKeychain()({ datastore: {} as Datastore, getCrypto: () => ed25519 })
/** A history looks at the same few records again and again. */
const verified = new Map<string, boolean>()
const publicKeys = new Map<string, PublicKey>()
export const keychain: Keychain = Object.assign(Object.create(stock) as Keychain, {
  async loadPublicKeyFromProtobuf(bytes: Uint8Array): Promise<PublicKey> {
    const text = Buffer.from(bytes).toString('hex')
    const known = publicKeys.get(text)
    if (known !== undefined) return known
    const key = await stock.loadPublicKeyFromProtobuf(bytes)
    const jwk = createPublicKey({ format: 'jwk', key: key.toJWK() as JsonWebKeyInput['key'] })
    const made: PublicKey = {
      type: key.type,
      code: key.code,
      toMultihash: () => key.toMultihash(),
      toCID: () => key.toCID(),
      toProtobuf: () => key.toProtobuf(),
      toJWK: () => key.toJWK(),
      verify: (message, signature) => {
        const what = text + Buffer.concat([message, signature]).toString('latin1')
        const before = verified.get(what)
        if (before !== undefined) return before
        if (verified.size > 10_000) verified.clear()
        const isGood = verify(null, message, jwk, signature)
        verified.set(what, isGood)
        return isGood
      },
    }
    publicKeys.set(text, made)
    return made
  },
})

/** A directory's CID that stands for a root. */
export async function rootNumber(n: number): Promise<CID> {
  return CID.createV1(0x70, await sha256.digest(Buffer.from(`root ${n}`)))
}

export async function makeRecord(
  key: PrivateKey,
  content: Partial<RecordContent>,
): Promise<IpnsRecord> {
  const whole = {
    value: EMPTY_DIRECTORY,
    sequence: 1n,
    lifetime: LIFETIME,
    ttl: 60_000,
    addresses: [],
    now: Date.now(),
    ...content,
  }
  return readRecord(nameOf(key), await signRecord(key, whole), keychain)
}

/** A map that lives as long as the test; `fail` makes its next writes fail. */
export class MemoryMap implements DurableMap {
  readonly entriesByKey = new Map<string, Uint8Array>()
  failures = 0

  get(key: string): Promise<Uint8Array | undefined> {
    return Promise.resolve(this.entriesByKey.get(key))
  }
  put(key: string, value: Uint8Array): Promise<void> {
    if (this.failures > 0) {
      this.failures--
      return Promise.reject(new Error('no space left on device'))
    }
    this.entriesByKey.set(key, value)
    return Promise.resolve()
  }
  async putAll(entries: ReadonlyMap<string, Uint8Array>): Promise<void> {
    for (const [key, value] of entries) await this.put(key, value)
  }
  delete(key: string): Promise<void> {
    this.entriesByKey.delete(key)
    return Promise.resolve()
  }
  async *entries(prefix = ''): AsyncGenerator<[string, Uint8Array]> {
    for (const entry of [...this.entriesByKey].sort(([a], [b]) => (a < b ? -1 : 1))) {
      await Promise.resolve()
      if (entry[0].startsWith(prefix)) yield entry
    }
  }
}

/** Time that passes when the test says so. */
export class FakeClock implements Clock {
  #now = Date.now()
  /** What passes whatever the clock on the wall shows. */
  #passed = 0
  readonly #sleepers = new Set<{ due: number; wake: () => void }>()

  now(): number {
    return this.#now
  }

  /** Sets the clock on the wall. */
  set(now: number): void {
    this.#now = now
  }

  sleep(milliseconds: number, signal: AbortSignal): Promise<void> {
    if (signal.aborted) return Promise.reject(signal.reason as Error)
    const { promise, resolve, reject } = Promise.withResolvers<void>()
    const sleeper = { due: this.#passed + milliseconds, wake: resolve }
    this.#sleepers.add(sleeper)
    const onAbort = () => {
      this.#sleepers.delete(sleeper)
      reject(signal.reason as Error)
    }
    signal.addEventListener('abort', onAbort, { once: true })
    return promise
  }

  /** Lets time pass, and everything that becomes due happen in its order. */
  async pass(milliseconds: number): Promise<void> {
    const end = this.#passed + milliseconds
    await settle()
    for (;;) {
      await settle(3)
      const [next] = [...this.#sleepers]
        .filter(({ due }) => due <= end)
        .sort((a, b) => a.due - b.due)
      if (next === undefined) break
      this.#advance(next.due)
      this.#sleepers.delete(next)
      next.wake()
    }
    this.#advance(end)
    await settle()
  }

  #advance(to: number): void {
    if (to <= this.#passed) return
    this.#now += to - this.#passed
    this.#passed = to
  }
}

/** Lets everything run that can run without time passing. */
export async function settle(turns = 30): Promise<void> {
  for (let i = 0; i < turns; i++) await turn()
}

/** Waits until something holds; the test's own time limit ends it. */
export async function until(holds: () => boolean | Promise<boolean>): Promise<void> {
  while (!(await holds())) await new Promise((resolve) => void setTimeout(resolve, 5))
}

/** Peers that hear each other at once, in memory. */
export class MemoryHub {
  readonly members = new Map<string, MemoryNetwork>()
  /** What the DHT holds; without it there is none. */
  dht: Map<string, Uint8Array> | undefined
  /** How many of the next puts and gets of the DHT fail. */
  dhtFailures = 0

  join(id: string): MemoryNetwork {
    const network = new MemoryNetwork(id, this)
    const others = [...this.members.values()]
    this.members.set(id, network)
    for (const other of others) other.meet(id)
    return network
  }
}

export class MemoryNetwork implements RecordNetwork {
  readonly published: Array<{ topic: string; data: Uint8Array }> = []
  readonly #id: string
  readonly #hub: MemoryHub
  readonly topics = new Map<string, Set<TopicListener>>()
  readonly #greeters = new Set<(peer: string) => void>()
  asksOfDht = 0
  answer: ((key: Uint8Array) => Promise<Uint8Array | undefined>) | undefined
  /** What this peer answers instead of the truth. */
  lies: ((key: Uint8Array) => Promise<Uint8Array | undefined>) | undefined

  constructor(id: string, hub: MemoryHub) {
    this.#id = id
    this.#hub = hub
  }

  get hasDht(): boolean {
    return this.#hub.dht !== undefined
  }
  leave(): void {
    this.#hub.members.delete(this.#id)
  }
  peers(): string[] {
    return [...this.#hub.members.keys()].filter((id) => id !== this.#id)
  }
  subscribers(topic: string): string[] {
    return this.peers().filter((id) => this.#hub.members.get(id)?.topics.has(topic))
  }
  onPeer(listener: (peer: string) => void): () => void {
    this.#greeters.add(listener)
    return () => this.#greeters.delete(listener)
  }
  /** Somebody came. */
  meet(peer: string): void {
    for (const greet of this.#greeters) greet(peer)
  }
  async publish(topic: string, data: Uint8Array): Promise<number> {
    this.published.push({ topic, data })
    const heard = this.subscribers(topic)
    for (const id of heard) await this.#hub.members.get(id)?.hear(topic, data, this.#id)
    return heard.length
  }
  async hear(topic: string, data: Uint8Array, from: string): Promise<void> {
    for (const listener of this.topics.get(topic) ?? []) {
      if ((await listener.validate(data)) === 'accept') listener.onMessage(data, from)
    }
  }
  subscribe(topic: string, listener: TopicListener): () => void {
    const listeners = this.topics.get(topic) ?? new Set()
    this.topics.set(topic, listeners.add(listener))
    for (const id of this.peers()) {
      for (const other of this.#hub.members.get(id)?.topics.get(topic) ?? []) other.onJoin(this.#id)
    }
    return () => {
      listeners.delete(listener)
      if (listeners.size === 0) this.topics.delete(topic)
    }
  }
  serve(_prefix: string, lookup: (key: Uint8Array) => Promise<Uint8Array | undefined>): () => void {
    this.answer = lookup
    return () => {
      this.answer = undefined
    }
  }
  async lookup(peer: string, key: Uint8Array): Promise<Uint8Array | undefined> {
    const member = this.#hub.members.get(peer)
    return member?.lies?.(key) ?? member?.answer?.(key)
  }
  async dhtPut(key: Uint8Array, record: Uint8Array): Promise<void> {
    await this.#dht()
    this.#hub.dht?.set(Buffer.from(key).toString('hex'), record)
  }
  async dhtGet(key: Uint8Array): Promise<Uint8Array | undefined> {
    this.asksOfDht++
    await this.#dht()
    return this.#hub.dht?.get(Buffer.from(key).toString('hex'))
  }
  #dht(): Promise<void> {
    if (this.#hub.dhtFailures === 0) return Promise.resolve()
    this.#hub.dhtFailures--
    return Promise.reject(new Error('no peers in the routing table'))
  }
}

/** A directory that goes with the test. */
export async function temporary(): Promise<{ path: string; remove(): Promise<void> }> {
  const path = await mkdtemp(join(tmpdir(), 'heliport-naming-'))
  return { path, remove: () => rm(path, { recursive: true }) }
}
