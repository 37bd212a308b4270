import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { setTimeout as pause } from 'node:timers/promises'
import { RAW, cidFromHash, sha256 } from '../../../src/blocks/cids.ts'
import { RegistryClient } from '../../support/client.ts'
import { WatchedDaemon } from '../judge/watched-daemon.ts'
import { Stranger } from '../peer/stranger.ts'
import type { CID } from 'multiformats/cid'

const MiB = 2 ** 20
const PEERS = 64
/** Blocks that there are; each peer asks for all of them and for as many that there are not, again and again. */
const BLOCKS = 64
const WANTS = 1024
/** How long a daemon is watched, and how often it is looked at, in ms. */
const [WORKING_MS, ROUND_MS] = [30_000, 500]
/** What hostile input may cost. */
const MOST = 256 * MiB

/** They ask for blocks, and leave them in the wire. */
export async function peersThatNeverRead(): Promise<void> {
  await using stack = new AsyncDisposableStack()
  const { watched, cids, client, digests } = await fullDaemon(stack)
  const base = await watched.read()
  const peers = await strangers(stack, watched.daemon.peerAddress)
  const absent = Array.from({ length: WANTS - BLOCKS }, () => cidFromHash(RAW, randomBytes(32)))
  for (let round = 0; round < 4; round++)
    await Promise.all(peers.map((peer) => peer.wantWithoutReading([...cids, ...absent])))
  await checks(watched, base.rss, client, digests)
}

/** They begin messages, as many as they may, and leave each of them without its last byte. */
export async function peersThatNeverEnd(): Promise<void> {
  await using stack = new AsyncDisposableStack()
  const { watched, client, digests } = await fullDaemon(stack)
  const base = await watched.read()
  const peers = await strangers(stack, watched.daemon.peerAddress)
  await Promise.all(peers.map((peer) => peer.beginMessages(64, 4 * MiB - 1000)))
  await checks(watched, base.rss, client, digests)
}

/** Everybody else is served, by HTTP and by bitswap, and the memory is bounded. */
async function checks(
  watched: WatchedDaemon,
  base: number,
  client: RegistryClient,
  digests: readonly string[],
): Promise<void> {
  for (const digest of digests.slice(0, 3)) await client.blob('app', digest)
  const most = (await atRest(watched)) - base
  assert.ok(most < MOST, `${Math.round(most / MiB)} MiB more are in memory`)
  assert.equal((await watched.daemon.status()).storage.writable, true)
}

/** Lets it work until it has nothing to do, or for so long that it is clear what it does. @returns its most memory */
async function atRest(watched: WatchedDaemon): Promise<number> {
  let [most, quiet] = [0, 0]
  for (const end = performance.now() + WORKING_MS; quiet < 3 && performance.now() < end;) {
    await pause(ROUND_MS)
    const { rss, cpuMs } = await watched.read()
    most = Math.max(most, rss)
    quiet = cpuMs < ROUND_MS / 5 ? quiet + 1 : 0
  }
  return most
}

async function fullDaemon(stack: AsyncDisposableStack) {
  const watched = stack.use(await WatchedDaemon.start({ config: { log: { level: 'warn' } } }))
  const client = new RegistryClient(watched.daemon.url)
  const cids: CID[] = []
  const digests: string[] = []
  for (let n = 0; n < BLOCKS; n++) {
    const bytes = randomBytes(MiB)
    digests.push(await client.pushBlob('app', bytes, { mode: 'post' }))
    cids.push(cidFromHash(RAW, sha256(bytes)))
  }
  return { watched, client, cids, digests }
}

async function strangers(stack: AsyncDisposableStack, address: string): Promise<Stranger[]> {
  const peers: Stranger[] = []
  // Whoever knocks too often is not let in for a second, and all strangers here have one address.
  for (let n = 0; n < PEERS; n++) peers.push(stack.use(await Stranger.start(address)))
  return peers
}
