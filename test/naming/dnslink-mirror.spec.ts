import assert from 'node:assert/strict'
import { DnsLinkMirror } from '../../src/naming/dnslink-mirror.ts'
import { FakeClock, MemoryMap, rootNumber, settle, silent } from './support.ts'
import type { CID } from 'multiformats/cid'
import type { FollowedName, MirrorStatus } from '../../src/naming/mirror.ts'

/** A mirror whose root the test sets. */
class FakeMirror implements FollowedName {
  readonly name: string
  current: CID | undefined
  started = false
  stopped = false
  stale: number | undefined

  constructor(name: string) {
    this.name = name
  }
  root(): CID | undefined {
    return this.current
  }
  status(): MirrorStatus {
    return {
      name: this.name,
      root: undefined,
      sequence: '1',
      resolvedAt: 1,
      state: 'current',
      error: undefined,
    }
  }
  staleSince(): number | undefined {
    return this.stale
  }
  isLost(): boolean {
    return false
  }
  start(): Promise<void> {
    this.started = true
    return Promise.resolve()
  }
  stop(): Promise<void> {
    this.stopped = true
    return Promise.resolve()
  }
}

describe('a mirror by domain', () => {
  let clock: FakeClock
  let state: MemoryMap
  let target: string | undefined | Error
  let mirrors: FakeMirror[]
  /** What mirrors find at their start, by name. */
  let remembered: Map<string, CID>
  let domain: DnsLinkMirror

  beforeEach(async () => {
    clock = new FakeClock()
    state = new MemoryMap()
    target = 'k51first'
    mirrors = []
    remembered = new Map()
    domain = await open()
  })
  afterEach(() => domain.stop())

  async function open(): Promise<DnsLinkMirror> {
    const made = new DnsLinkMirror('registry.example.org', {
      state,
      clock,
      log: silent,
      resolve: () => (target instanceof Error ? Promise.reject(target) : Promise.resolve(target)),
      follow: (name) => {
        const mirror = new FakeMirror(name)
        mirror.current = remembered.get(name)
        mirrors.push(mirror)
        return mirror
      },
    })
    await made.start()
    await settle()
    return made
  }

  it('follows the name that the domain stands for', async () => {
    assert.deepEqual(
      mirrors.map(({ name }) => name),
      ['k51first'],
    )
    const [mirror] = mirrors
    assert.ok(mirror)
    mirror.current = await rootNumber(1)
    assert.equal(domain.root(), mirror.current)
    assert.equal(domain.status().name, 'registry.example.org')
  })

  it('moves to another name when that has a root, and serves the old one until then', async () => {
    const [first] = mirrors
    assert.ok(first)
    first.current = await rootNumber(1)
    target = 'k51second'
    await clock.pass(300_000)
    const [, second] = mirrors
    assert.equal(second?.name, 'k51second')
    assert.equal(domain.root(), first.current)
    second.current = await rootNumber(2)
    assert.equal(domain.root(), second.current)
    await clock.pass(300_000)
    assert.deepEqual([first.stopped, second.stopped], [true, false])
  })

  /** Ends the process and begins another; of the mirrors only the new ones are looked at then. */
  async function restart(): Promise<void> {
    await domain.stop()
    for (const { name, current } of mirrors) if (current) remembered.set(name, current)
    mirrors = []
    domain = await open()
  }

  /** The name that is followed now has this root. */
  async function arrive(n: number): Promise<CID> {
    const root = await rootNumber(n)
    const mirror = mirrors.find(({ name, stopped }) => name === target && !stopped)
    assert.ok(mirror)
    mirror.current = root
    return root
  }

  /** The domain names another key. */
  async function move(to: string): Promise<void> {
    target = to
    await clock.pass(300_000)
  }

  function followed(): string[] {
    return mirrors
      .flatMap(({ name, started, stopped }) => (started && !stopped ? [name] : []))
      .toSorted()
  }

  it('serves the old root over restarts until the new name has one, and follows both till then', async () => {
    const old = await arrive(1)
    await move('k51second')
    const movedAt = domain.staleSince()
    for (const resolves of [true, false]) {
      if (!resolves) target = new Error('ENOTFOUND')
      await restart()
      assert.deepEqual([domain.root(), followed()], [old, ['k51first', 'k51second']])
      await clock.pass(600_000)
      assert.equal(domain.staleSince(), movedAt)
    }
    target = 'k51second'
    const root = await arrive(2)
    assert.equal(domain.root(), root)
    await clock.pass(300_000)
    assert.deepEqual(followed(), ['k51second'])
    await restart()
    assert.deepEqual([domain.root(), followed()], [root, ['k51second']])
  })

  it('keeps the root that serves when the domain moves on to a third name, also over a restart', async () => {
    const old = await arrive(1)
    await move('k51second')
    const movedAt = domain.staleSince()
    await move('k51third')
    assert.deepEqual([domain.root(), followed()], [old, ['k51first', 'k51third']])
    await restart()
    assert.deepEqual([domain.root(), followed()], [old, ['k51first', 'k51third']])
    assert.equal(domain.staleSince(), movedAt)
  })

  it('goes back to the name whose root still serves without beginning anew', async () => {
    const old = await arrive(1)
    await move('k51second')
    await move('k51first')
    assert.deepEqual([mirrors.length, domain.root(), followed()], [2, old, ['k51first']])
    assert.equal(domain.staleSince(), undefined)
    await restart()
    assert.deepEqual([domain.root(), followed()], [old, ['k51first']])
  })

  it('follows no name twice when it died while the domain went back to the name before', async () => {
    const old = await arrive(1)
    await move('k51second')
    state.delete = () => Promise.reject(new Error('the process died'))
    await move('k51first')
    await restart()
    assert.deepEqual([domain.root(), followed()], [old, ['k51first']])
  })

  it('keeps the name before when that gets its first root while the move is written down', async () => {
    const put = state.put.bind(state)
    let root: CID | undefined
    state.put = async (key, value) => {
      await put(key, value)
      root ??= mirrors[0] && (mirrors[0].current = await rootNumber(1))
    }
    await move('k51second')
    assert.deepEqual([domain.root(), followed()], [root, ['k51first', 'k51second']])
    await restart()
    assert.deepEqual([domain.root(), followed()], [root, ['k51first', 'k51second']])
  })

  it('stays with the name it has while another cannot be written down', async () => {
    const old = await arrive(1)
    state.failures = 1
    await move('k51second')
    assert.match(domain.status().error ?? '', /no space left/)
    assert.deepEqual([domain.root(), followed()], [old, ['k51first']])
    await clock.pass(5_000)
    assert.deepEqual([domain.status().error, followed()], [undefined, ['k51first', 'k51second']])
  })

  it('goes on with the name it knows while DNS fails, also after a restart', async () => {
    target = new Error('ENOTFOUND')
    await clock.pass(300_000)
    assert.match(domain.status().error ?? '', /cannot be looked up: ENOTFOUND/)
    await domain.stop()
    domain = await open()
    assert.equal(mirrors.at(-1)?.name, 'k51first')
  })

  it('may be out of date since its name is, since DNS fails, or since it stands for another name', async () => {
    const [first] = mirrors
    assert.ok(first)
    first.current = await rootNumber(1)
    assert.equal(domain.staleSince(), undefined)
    first.stale = 5
    assert.equal(domain.staleSince(), 5)
    first.stale = undefined
    target = new Error('ENOTFOUND')
    await clock.pass(300_000)
    const failedAt = clock.now()
    await clock.pass(300_000)
    assert.equal(domain.staleSince(), failedAt)
    target = 'k51second'
    await clock.pass(300_000)
    const movedAt = domain.staleSince() ?? 0
    assert.ok(movedAt > failedAt && movedAt <= clock.now(), 'the name before still serves')
    const [, second] = mirrors
    assert.ok(second)
    second.current = await rootNumber(2)
    assert.equal(domain.staleSince(), undefined)
  })

  it('is looked up again soon when that failed, and then less and less often', async () => {
    await domain.stop()
    state = new MemoryMap()
    mirrors = []
    target = new Error('ETIMEOUT')
    domain = await open()
    target = 'k51late'
    await clock.pass(5_000)
    assert.deepEqual(
      mirrors.map(({ name }) => name),
      ['k51late'],
    )
    target = new Error('ETIMEOUT')
    await clock.pass(300_000)
    let lookups = 0
    Object.defineProperty(target, 'message', { get: () => `${lookups++}` })
    await clock.pass(3_600_000)
    assert.ok(lookups < 20, `${lookups} lookups`)
  })

  it('says when the domain points elsewhere', async () => {
    target = undefined
    await clock.pass(300_000)
    assert.match(domain.status().error ?? '', /does not point to an IPNS name/)
    assert.equal(mirrors.length, 1)
  })
})
