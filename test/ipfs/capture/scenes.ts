import assert from 'node:assert/strict'
import { join } from 'node:path'
import { writeFile } from 'node:fs/promises'
import { randomBytes } from 'node:crypto'
import { CID } from 'multiformats/cid'
import { formatSwarmKey } from '../../../src/ipfs/swarm-key.ts'
import { judge, mentions } from './judge.ts'
import type { NetworkConfig } from '../../../src/ipfs/config.ts'
import type { Rules, Verdict } from './judge.ts'
import type { Packet } from './packets.ts'
import type { WatchedHost } from './stage.ts'

/** The modes that must not be heard outside of their scope. */
export const MODES = ['offline', 'private', 'lan'] as const
export type Mode = (typeof MODES)[number]

/** What a scene has shown. */
export interface Outcome {
  readonly mode: Mode
  readonly verdict: Verdict
  /** What the stranger, and the member of another network, could reach and get. */
  readonly strangers: readonly string[]
}

const PORT = 4001
/** What every libp2p connection begins with, unless it is encrypted below that. */
const PLAIN_TEXT = Buffer.from('/multistream/1.0.0')

/** Hosts for source, mirror and late comer; the last is a stranger's. */
type Cast = readonly [WatchedHost, WatchedHost, WatchedHost, WatchedHost]

/** Everything a registry does in a mode, while each cable is listened to. */
export async function play(mode: Mode, cast: Cast, directory: string): Promise<Outcome> {
  const [a, b, c, stranger] = cast
  // Nothing leads from one host to another in offline: there, all three daemons are on the first.
  const places = mode === 'offline' ? [a, a, a] : [a, b, c]
  const listeners = [a, b, c]
  for (const host of listeners) await host.listen()
  const network = await networkOf(mode, directory, 'swarm.key')
  const { unlinked, visits } = await story(mode, places, stranger, network, directory)
  const heard = await Promise.all(listeners.map((host) => host.heard()))
  const verdict = sum(listeners.map((host, i) => judge(heard[i] ?? [], rulesOf(mode, host, cast))))
  for (const [i, host] of listeners.entries()) keepQuiet(mode, host, heard[i] ?? [], unlinked)
  return { mode, verdict, strangers: visits }
}

/** A push, a mirror that follows it twice, a stranger's visit, a late comer while the source is gone. */
async function story(
  mode: Mode,
  [a, b, c]: readonly WatchedHost[],
  stranger: WatchedHost,
  network: Partial<NetworkConfig>,
  directory: string,
) {
  assert.ok(a && b && c)
  const source = await a.do('start', { daemon: 'source', network, mirrors: [] })
  const linked = await a.do('push', 'source', 'v1')
  const mirrors = [source.name]
  const peersOf = (addresses: readonly string[], host: WatchedHost): string[] =>
    mode === 'lan' ? [] : addresses.filter((address) => isOn(address, mode, host))
  const mirror = await b.do('start', {
    daemon: 'mirror',
    mirrors,
    network: { ...network, peers: peersOf(source.addresses, a) },
  })
  await b.do('follow', 'mirror', await a.do('root', 'source'))
  await b.do('pull', 'mirror', 'v1')
  await a.do('push', 'source', 'v2')
  const root = await a.do('root', 'source')
  await b.do('follow', 'mirror', root)
  await b.do('pull', 'mirror', 'v2')
  const unlinked = await a.do('upload', 'source')
  const addresses = source.addresses.filter((address) => isOn(address, mode, a))
  const cids = [linked, unlinked]
  const visits =
    mode === 'offline' ? [] : await visit(mode, stranger, { addresses, cids }, directory)
  await a.do('stop', 'source')
  await c.do('start', {
    daemon: 'late',
    mirrors,
    network: { ...network, peers: peersOf(mirror.addresses, b) },
  })
  await c.do('follow', 'late', root)
  for (const tag of ['v1', 'v2']) await c.do('pull', 'late', tag)
  await b.do('stop', 'mirror')
  await c.do('stop', 'late')
  return { unlinked, visits }
}

async function networkOf(
  mode: Mode,
  directory: string,
  key: string,
): Promise<Partial<NetworkConfig>> {
  if (mode === 'offline') return { mode, listen: ['/ip4/127.0.0.1/tcp/0'] }
  const listen = [`/ip4/0.0.0.0/tcp/${PORT}`]
  if (mode === 'lan') return { mode, listen }
  const swarmKey = join(directory, key)
  await writeFile(swarmKey, formatSwarmKey(randomBytes(32)), { mode: 0o600 })
  return { mode, listen, swarmKey }
}

function isOn(address: string, mode: Mode, host: WatchedHost): boolean {
  return address.startsWith(`/ip4/${mode === 'offline' ? '127.0.0.1' : host.address}/`)
}

/** Somebody with no key of ours, and, where there are keys, somebody with another. */
async function visit(
  mode: Mode,
  stranger: WatchedHost,
  wishes: { addresses: string[]; cids: string[] },
  directory: string,
): Promise<string[]> {
  const lan = await networkOf('lan', directory, '')
  const passer = await stranger.do('visit', { network: lan, ...wishes })
  if (mode === 'lan') {
    assert.deepEqual(passer, { reached: true, given: [true, false] })
    return ['connects; is given what was pushed, not what is being uploaded']
  }
  const nothing = { reached: false, given: [false, false] }
  assert.deepEqual(passer, nothing)
  const member = await networkOf('private', directory, 'another.key')
  const other = await stranger.do('visit', {
    network: { ...member, peers: wishes.addresses },
    ...wishes,
  })
  assert.deepEqual(other, nothing)
  return ['without a key: no connection, no block', 'with another key: no connection, no block']
}

function rulesOf(mode: Mode, host: WatchedHost, cast: Cast): Rules {
  const [a, b, , stranger] = cast
  const everybody = cast.map(({ address }) => address)
  const common = { own: host.own(), mdns: false, kernel: mode !== 'offline' }
  switch (mode) {
    case 'offline':
      return { ...common, calls: [], answers: [] }
    case 'lan':
      return { ...common, mdns: true, calls: everybody, answers: [] }
    case 'private': {
      // The mirror lists the source, the late comer the mirror; the stranger is told no.
      const calls = { [b.address]: [a.address], [a.address]: [] }[host.address] ?? [b.address]
      return { ...common, calls, answers: [...everybody, stranger.address] }
    }
  }
}

/** Nobody who only listens learns of what is not published, nor, in a private network, that this is IPFS. */
function keepQuiet(
  mode: Mode,
  host: WatchedHost,
  heard: readonly Packet[],
  unlinked: string,
): void {
  const cid = CID.parse(unlinked)
  for (const words of [Buffer.from(cid.multihash.digest), Buffer.from(unlinked)])
    assert.ok(!mentions(heard, host.own(), words), `${unlinked} was on the wire`)
  if (mode === 'private')
    assert.ok(!mentions(heard, host.own(), PLAIN_TEXT), 'a private network spoke in plain text')
  if (mode === 'lan')
    assert.ok(heard.length === 0 || mentions(heard, host.own(), PLAIN_TEXT), 'nothing was heard')
}

function sum(verdicts: readonly Verdict[]): Verdict {
  return verdicts.reduce((all, one) => ({
    sent: all.sent + one.sent,
    peers: all.peers + one.peers,
    mdns: all.mdns + one.mdns,
    kernel: all.kernel + one.kernel,
    violations: [...new Set([...all.violations, ...one.violations])],
  }))
}

/** Something goes out of scope on purpose: a capture that does not see it would prove nothing. */
export async function stray([host]: Cast): Promise<void> {
  await host.listen()
  await host.attempt(`
    import { connect } from 'node:net'
    import { lookup } from 'node:dns/promises'
    lookup('heliport.invalid').catch(() => undefined)
    connect(4001, '203.0.113.1').on('error', () => undefined)
    connect(4001, '2001:db8::1').on('error', () => undefined)
    setTimeout(() => process.exit(), 1000)`)
  const rules = { own: host.own(), calls: [], answers: [], mdns: false, kernel: true }
  const { violations } = judge(await host.heard(), rules)
  for (const seen of ['a DNS query to 10.99.0.254', 'tcp to 203.0.113.1', 'tcp to 2001:db8::1'])
    assert.ok(
      violations.some((line) => line.includes(seen)),
      `not seen: ${seen}; seen: ${violations.join(', ')}`,
    )
}
