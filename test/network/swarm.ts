import { statfs } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { peakMemory, resetPeak } from '../e2e/support/memory.ts'
import { noise, pullBlob, pushStream } from '../e2e/support/transfer.ts'
import { DaemonProcess } from '../support/daemon-process.ts'
import { writeFigures } from '../support/figures-page.ts'
import { RegistryClient } from '../support/client.ts'
import { descriptorOf, jsonPiece, randomImage } from '../support/random-image.ts'
import { executable } from '../tools/find.ts'
import { MIB, megabytes, table } from './support/figures.ts'
import { readOptions } from './support/options.ts'
import { SentCounter } from './support/sockets.ts'
import type { Digest } from '../../src/oci/digest.ts'

const ABOUT = `npm run network -- swarm: many mirrors that pull one image at the same time

A source and its mirrors, each a process on loopback, in mode offline; every mirror is connected to the source. A client
at each mirror pulls the image, all at once, and checks every digest. What the source sends to peers is what the kernel
counts for its connections (ss of iproute2). Data are below TMPDIR.`

const NAME = 'bench/swarm'
const LAYERS = 5
/** Layers that a client pulls at once; Docker's number. */
const AT_ONCE = 3

interface Image {
  readonly tag: string
  readonly digest: Digest
  readonly blobs: readonly Digest[]
}

export async function main(args: readonly string[]): Promise<number> {
  const options = readOptions(args, ABOUT, {
    mirrors: { usual: 8, quick: 3, what: 'mirrors' },
    mib: { usual: 500, quick: 20, what: 'MiB of the image' },
  })
  if (options === undefined) return 0
  const { mirrors, mib } = options.numbers
  const missing = await whatIsMissing((mirrors + 2) * mib * MIB)
  if (missing !== undefined) {
    console.error(`network: ${missing}`)
    return 2
  }
  const text = report(await measure(mirrors, mib), mirrors, mib)
  console.log(`\n${text}\n\n  ${mirrors} passing`)
  if (options.write) await writeFigures('swarm', 'npm run network -- swarm --write', [text])
  return 0
}

async function whatIsMissing(bytes: number): Promise<string | undefined> {
  const folders = (process.env['PATH'] ?? '').split(':')
  const found = await Promise.all(folders.map((folder) => executable(`${folder}/ss`)))
  if (!found.includes(true)) return 'there is no ss, which counts bytes: apt-get install iproute2'
  const { bavail, bsize } = await statfs(tmpdir())
  if (bavail * bsize > bytes) return undefined
  return `less than ${Math.round(bytes / MIB)} MiB are free in ${tmpdir()}`
}

interface Measured {
  /** Bytes to peers. */
  readonly sent: number
  /** Until the last mirror had all, in ms. */
  readonly ms: number
  readonly peaks: { readonly source: number; readonly mirrors: number }
}

async function measure(count: number, mib: number): Promise<Measured> {
  await using stack = new AsyncDisposableStack()
  const config = { log: { level: 'warn' } }
  const source = stack.use(await DaemonProcess.start({ config }))
  const image = await pushImage(source.url, mib)
  const root = (await source.status()).storage.root
  const mirrors: DaemonProcess[] = []
  for (let at = 0; at < count; at++) {
    const [names, peers] = [[source.ipnsName], [source.peerAddress]]
    mirrors.push(stack.use(await DaemonProcess.start({ mirrors: names, peers, config })))
  }
  for (const mirror of mirrors) await mirror.until((status) => status.mirrors[0]?.root === root)
  console.log(`${count} mirrors know the source’s tree`)

  for (const { pid } of [source, ...mirrors]) await resetPeak(pid)
  const isToPeer = (connection: string): boolean => !connection.startsWith(`${source.host} `)
  const counter = stack.use(await SentCounter.start(source.pid, isToPeer))
  const began = performance.now()
  await Promise.all(mirrors.map((mirror) => pullImage(mirror.url, image)))
  const ms = performance.now() - began
  const sent = await counter.stop()
  const ofMirrors = await Promise.all(mirrors.map(({ pid }) => peakMemory(pid)))
  return {
    sent,
    ms,
    peaks: { source: await peakMemory(source.pid), mirrors: Math.max(...ofMirrors) },
  }
}

/** Pushes an image of some layers that are no larger than memory allows. */
async function pushImage(url: string, mib: number): Promise<Image> {
  const size = Math.ceil(mib / LAYERS) * MIB
  const layers: Digest[] = []
  for (let layer = 0; layer < LAYERS; layer++)
    layers.push(await pushStream(url, NAME, noise(size), size))
  const config = jsonPiece(
    { architecture: 'amd64', os: 'linux' },
    'application/vnd.oci.image.config.v1+json',
  )
  const client = new RegistryClient(url)
  await client.pushBlob(NAME, config.bytes)
  const mediaType = 'application/vnd.oci.image.layer.v1.tar'
  const manifest = randomImage({
    layers: [],
    extra: {
      config: descriptorOf(config),
      layers: layers.map((digest) => ({ mediaType, digest, size })),
    },
  })
  await client.putManifest(NAME, 'latest', manifest)
  return { tag: 'latest', digest: manifest.digest, blobs: [config.digest, ...layers] }
}

/** As a client does. @throws when a byte is not what its digest says */
async function pullImage(url: string, { tag, digest, blobs }: Image): Promise<void> {
  const manifest = await new RegistryClient(url).manifest(NAME, tag)
  if (manifest.digest !== digest) throw new Error(`a mirror has ${manifest.digest} as ${tag}`)
  const waiting = [...blobs]
  const one = async (): Promise<void> => {
    for (let next = waiting.shift(); next !== undefined; next = waiting.shift())
      await pullBlob(url, NAME, next)
  }
  await Promise.all(Array.from({ length: AT_ONCE }, one))
}

function report({ sent, ms, peaks }: Measured, mirrors: number, mib: number): string {
  const copies = sent / (mib * MIB)
  const rows = [
    [`${mirrors} mirrors, an image of ${mib} MiB`, 'measured', 'wanted'],
    [
      'the source sends',
      `${Math.round(sent / MIB)} MiB: ${copies.toFixed(2)} copies`,
      'under 3 copies',
    ],
    ['all of them have it after', `${(ms / 1000).toFixed(1)} s`, ''],
    ['together', `${Math.round((mirrors * mib) / (ms / 1000))} MiB/s`, ''],
    ['memory of the source, at most', megabytes(peaks.source), ''],
    ['memory of a mirror, at most', megabytes(peaks.mirrors), ''],
  ]
  return `${table(rows)}\n\nEvery digest was checked by the clients.`
}
