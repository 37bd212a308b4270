import { setTimeout as pause } from 'node:timers/promises'
import { memoryOf } from '../fuzz/memory.ts'
import { WatchedDaemon } from './judge/watched-daemon.ts'
import { OwnedName } from './peer/names.ts'
import type { DaemonStatus } from '../support/daemon-process.ts'
import type { TestPeer } from './peer/peer.ts'
import type { Drawn } from './hostile-mirror.ts'

/** How long a daemon may take to follow an honest name, in ms: it is told of the record at once. */
const FOLLOW_MS = 60_000
/** How long it is given for a hostile one, which it may never follow. */
const HOSTILE_MS = 4_000

/** How long the hostile one has for an answer: most of the time goes by with waiting for it. */
const HOSTILE_DEADLINE = '4s'

/** What both mirrors of a daemon come from. */
export interface Sources {
  readonly honest: TestPeer
  readonly hostile: TestPeer
}

/** One daemon, and the two names that it follows: the hostile one first. */
export class Session implements AsyncDisposable {
  readonly watched: WatchedDaemon
  readonly sources: Sources
  readonly hostile: OwnedName
  readonly honest: OwnedName
  /** Memory of the daemon when it was new, in bytes. */
  readonly base: number
  /** The hostile root that serves, as far as we know. */
  hostileRoot: string | null = null

  private constructor(init: {
    watched: WatchedDaemon
    sources: Sources
    names: [OwnedName, OwnedName]
    base: number
  }) {
    this.watched = init.watched
    this.sources = init.sources
    this.hostile = init.names[0]
    this.honest = init.names[1]
    this.base = init.base
  }

  static async start(sources: Sources): Promise<Session> {
    const names: [OwnedName, OwnedName] = [await OwnedName.create(), await OwnedName.create()]
    sources.hostile.follow(names[0].name)
    sources.honest.follow(names[1].name)
    const watched = await WatchedDaemon.start({
      mirrors: [{ key: names[0].name.text, deadline: HOSTILE_DEADLINE }, names[1].name.text],
      peers: [sources.hostile.address, sources.honest.address],
      config: { ipns: { writeKey: null }, log: { level: process.env['LANE_LOG'] ?? 'warn' } },
    })
    const { all } = await memoryOf(watched.daemon.pid)
    await watched.read() // what loading the program took is nobody's fault
    return new Session({ watched, sources, names, base: all })
  }

  get url(): string {
    return this.watched.daemon.url
  }

  status(): Promise<DaemonStatus> {
    return this.watched.daemon.status()
  }

  /** Publishes both trees, and waits until the daemon follows the honest one and has tried the other. */
  async publish(honest: Drawn, hostile: Drawn): Promise<Uint8Array> {
    const { sources } = this
    sources.honest.blocks = [honest.blocks, ...sources.honest.blocks].slice(0, 2)
    sources.hostile.blocks = [hostile.blocks, ...sources.hostile.blocks].slice(0, 2)
    const bad = await this.hostile.next(hostile.root)
    const good = await this.honest.next(honest.root)
    await sources.hostile.announce(this.hostile.name, bad)
    await sources.honest.announce(this.honest.name, good)
    await this.followed(honest, hostile)
    return bad
  }

  /** Waits until the daemon follows the honest tree, and has tried the other. */
  async followed(honest: Drawn, hostile: Drawn): Promise<void> {
    const { daemon } = this.watched
    const root = honest.root.toString()
    await daemon.until(({ mirrors }) => mirrors[1]?.root === root, { timeout: FOLLOW_MS })
    const end = performance.now() + HOSTILE_MS
    for (;;) {
      const [mirror] = (await this.status()).mirrors
      this.hostileRoot = mirror?.root ?? null
      if (mirror?.root === hostile.root.toString() || mirror?.error !== null) return
      if (performance.now() > end) return
      await pause(30)
    }
  }

  async restart(): Promise<void> {
    await this.watched.daemon.stop()
    await this.watched.daemon.restart()
    await this.watched.read()
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.watched[Symbol.asyncDispose]()
  }
}
