import { keyOf, keyOfHash } from '../block-kinds.ts'
import { pause } from '../pause.ts'
import { Ahead } from './ahead.ts'
import { BlockTimes } from './block-times.ts'
import { Patience } from './patience.ts'
import { MAX_ASKED } from './protocol.ts'
import type { CID } from 'multiformats/cid'
import type { AheadWork } from './ahead.ts'
import type { BlockRequest, TransferClient } from './client.ts'
import type { Fellows } from './fellows.ts'
import type { Peers } from './peers.ts'

/**
 * How long a fellow may be quiet that is to fetch a block which a reader waits for, and how long the reader waits at
 * all, before the block is fetched from elsewhere, or from one more peer there: so many times what a block took lately, within these bounds in ms.
 */
const QUIET = { times: 4, least: 500, most: 8_000 }
const PATIENCE = { times: 16, least: 2_000, most: 12_000 }
/** How long a reader waits for a block from a fellow: likewise. */
const FELLOW_TIME = { times: 8, least: 3_000, most: 15_000 }
/** Files that are read at once under which blocks are fetched ahead. */
const MAX_AHEAD = 64

export interface SwarmParts {
  readonly self: string
  readonly peers: Peers
  readonly client: TransferClient
  readonly fellows: Fellows
}

/** Mirrors that fetch the same at the same time feed each other, so that their source need not feed each of them. */
export class Swarm {
  readonly #parts: SwarmParts
  readonly #times = new BlockTimes()
  readonly #running = new Map<Ahead, string>()
  /** When each fellow last got a block of any of our files, on the monotonic clock. */
  readonly #heard = new Map<string, number>()

  constructor(parts: SwarmParts) {
    this.#parts = parts
  }

  /** See `IpfsNode.fetchAhead`. */
  async ahead(
    root: CID,
    cids: readonly CID[],
    work: AheadWork,
    signal: AbortSignal,
  ): Promise<void> {
    if (this.#running.size >= MAX_AHEAD || signal.aborted) return
    const key = keyOf(root)
    const fellows = (): readonly string[] => this.#parts.fellows.of(key)
    const ahead = new Ahead(cids, work, { self: this.#parts.self, fellows }, signal)
    this.#running.set(ahead, key)
    try {
      while (fellows().length === 0 && !signal.aborted) await ahead.changed()
      await ahead.look()
      for (const peer of fellows()) void this.#ask(ahead, peer, signal)
      await ahead.run()
    } finally {
      this.#running.delete(ahead)
    }
  }

  /**
   * A block from a fellow that has it, else from elsewhere.
   *
   * @throws the signal's reason
   */
  async fetch(cid: CID, request: BlockRequest): Promise<Uint8Array | undefined> {
    return (await this.#fromFellow(cid, request)) ?? this.#fromElsewhere(cid, request)
  }

  async #fromElsewhere(cid: CID, request: BlockRequest): Promise<Uint8Array | undefined> {
    const began = performance.now()
    const patience = this.#times.of(PATIENCE)
    const block = await this.#parts.client.fetch(cid, { ...request, patience })
    if (block !== undefined) this.#times.note(performance.now() - began)
    return block
  }

  async #fromFellow(cid: CID, request: BlockRequest): Promise<Uint8Array | undefined> {
    const key = keyOf(cid)
    const ahead = [...this.#running.keys()].find((running) => running.has(key))
    if (ahead === undefined) return undefined
    if (ahead.holders(key).length === 0) await this.#waitForHolder(ahead, key, request)
    const holders = this.#parts.peers.byLoad(ahead.holders(key)).slice(0, 2)
    for (const peer of holders) {
      const block = await this.#askFellow(peer, cid, request)
      if (block !== undefined) return block
    }
    return undefined
  }

  onFellow(root: string, peer: string): void {
    for (const [ahead, key] of this.#running) {
      if (key !== root) continue
      ahead.wake()
      void this.#ask(ahead, peer, AbortSignal.timeout(60_000))
    }
  }

  onNews(peer: string, hashes: readonly Uint8Array[]): void {
    const keys = hashes.map(keyOfHash)
    if (this.#running.size > 0) this.#heard.set(peer, performance.now())
    for (const ahead of this.#running.keys()) ahead.learn(peer, keys)
  }

  onKept(cid: CID): void {
    const key = keyOf(cid)
    for (const ahead of this.#running.keys()) if (ahead.has(key)) ahead.onKept(key)
  }

  onGone(peer: string): void {
    this.#heard.delete(peer)
    for (const ahead of this.#running.keys()) ahead.forget(peer)
  }

  /**
   * A block that nobody has is fetched by one of us; the others wait as long as that one gets on with its work. One that
   * does not is passed over from then on.
   */
  async #waitForHolder(
    ahead: Ahead,
    key: string,
    { signal, urgency }: BlockRequest,
  ): Promise<void> {
    const began = performance.now()
    while (urgency.urgent && ahead.has(key) && ahead.holders(key).length === 0) {
      const leader = ahead.leader(key)
      if (leader === this.#parts.self) return
      // Of whatever file: who pulls several layers at once gets on with each of them more slowly.
      const heard = this.#heard.get(leader) ?? 0
      const quietUntil = Math.max(began, heard) + this.#times.of(QUIET)
      const until = Math.min(quietUntil, began + this.#times.of(PATIENCE))
      const left = until - performance.now()
      if (left > 0) await either(ahead.changed(), left, signal)
      else if (until === quietUntil) ahead.passOver(leader)
      else return
    }
  }

  async #askFellow(
    peer: string,
    cid: CID,
    { signal, urgency }: BlockRequest,
  ): Promise<Uint8Array | undefined> {
    const { client, peers } = this.#parts
    const time = this.#times.of(FELLOW_TIME)
    // What is fetched ahead may take its time until the reader comes to it.
    using patience = new Patience(urgency, time)
    const { late } = patience
    try {
      const either = AbortSignal.any([signal, late])
      return await client.ask(peer, cid, { signal: either, urgency })
    } catch (error) {
      if (!late.aborted || signal.aborted) throw error
      peers.keptWaiting(peer, time)
      return undefined
    }
  }

  /** Asks a fellow which of the missing blocks it has. Never rejects: then it has none, as far as we know. */
  async #ask(ahead: Ahead, peer: string, signal: AbortSignal): Promise<void> {
    try {
      const link = await this.#parts.peers.link(peer, 'talk')
      const { missing } = ahead
      for (let at = 0; at < missing.length; at += MAX_ASKED) {
        const asked = missing.slice(at, at + MAX_ASKED)
        const flags = await link.has(
          asked.map((cid) => cid.multihash.digest),
          { signal },
        )
        ahead.learn(
          peer,
          asked.filter((_, i) => flags[i]).map((cid) => keyOf(cid)),
        )
      }
    } catch {
      // It cannot be asked, or the read is over.
    }
  }
}

/** Waits for one or the other. @throws the signal's reason */
async function either(
  event: Promise<void>,
  milliseconds: number,
  signal: AbortSignal,
): Promise<void> {
  const over = new AbortController()
  const late = pause(milliseconds, AbortSignal.any([signal, over.signal]))
  try {
    await Promise.race([event, late])
  } finally {
    late.catch(() => undefined) // nobody waits for it any longer
    over.abort(new Error('the wait is over'))
  }
}
