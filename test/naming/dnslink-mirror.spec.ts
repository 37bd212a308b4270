import assert from 'node:assert/strict'
import { DnsLinkMirror } from '../../src/naming/dnslink-mirror.ts'
import { FakeClock, MemoryMap, rootNumber, settle, silent } from './support.ts'
import type { CID } from 'multiformats/cid'
import type { FollowedName, MirrorStatus } from '../../src/naming/mirror.ts'

/** A mirror whose root the test sets. */
class FakeMirror implements FollowedName {
  readonly name: string
  current: CID | undefined
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
  start(): Promise<void> {
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
  let domain: DnsLinkMirror

  beforeEach(async () => {
    clock = new FakeClock()
    state = new MemoryMap()
    target = 'k51first'
    mirrors = []
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
