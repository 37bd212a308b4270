import { randomBytes } from 'node:crypto'
import { DaemonProcess } from '../support/daemon-process.ts'
import { RegistryClient } from './support/client.ts'
import { makeImage } from './support/image.ts'
import type { Pulled } from './support/client.ts'

/*
 * `npm run demo`: what Heliport is for, in one look. Two nodes on this machine, and nothing that leaves it.
 * The exit code is 0 only when every digest was right.
 */

const REPOSITORY = 'demo/hello'
const MIB = 1024 * 1024
const began = performance.now()

// Leaving this way stops the nodes and removes their directories.
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => process.exit(130))

function tell(text: string): void {
  const seconds = ((performance.now() - began) / 1000).toFixed(2)
  console.log(`${seconds.padStart(6)} s  ${text}`)
}

/** Runs a step and tells how it went. */
async function step<T>(work: () => Promise<T>, story: (result: T, took: string) => string) {
  const start = performance.now()
  const result = await work()
  tell(story(result, `${Math.round(performance.now() - start)} ms`))
  return result
}

function helloImage() {
  const system = [
    { path: 'etc/' },
    { path: 'etc/os-release', content: 'NAME="Heliport demo"\nID=heliport-demo\n' },
    { path: 'etc/motd', content: 'pulled by its key, from whoever has it\n' },
    { path: 'bin/' },
    { path: 'bin/hello', content: '#!/bin/sh\ncat /etc/motd\n', mode: 0o755 },
  ]
  const data = [{ path: 'data/' }, { path: 'data/random.bin', content: randomBytes(12 * MIB) }]
  return makeImage([system, data], ['/bin/hello'])
}

async function demo(): Promise<void> {
  console.log('Two registries, one key: a publisher, and a mirror that is told only its name.\n')
  const image = helloImage()
  const { digest } = image.manifest
  tell(`made an image of ${image.blobs.length - 1} layers: ${digest}`)

  await using publisher = await step(
    () => DaemonProcess.start(),
    ({ host }, took) => `the publisher serves on ${host}, ${took} after its start`,
  )
  await step(
    () => new RegistryClient(publisher.url).push(REPOSITORY, 'v1', image),
    (_, took) => `pushed ${publisher.host}/${REPOSITORY}:v1 in ${took}`,
  )
  const { ipns } = await publisher.until(
    (status) => status.ipns?.pending === false && status.ipns.publishedRoot === status.storage.root,
  )
  tell(`it is published: /ipns/${publisher.ipnsName}`)
  tell(`which now says /ipfs/${ipns?.publishedRoot}`)

  await using mirror = await step(
    () => DaemonProcess.start({ mirrors: [publisher.ipnsName], peers: [publisher.peerAddress] }),
    ({ host }, took) => `the mirror serves on ${host}, ${took} after its start`,
  )
  await step(
    () => mirror.until(({ mirrors }) => mirrors[0]?.root === ipns?.publishedRoot),
    (_, took) => `it knows the tree behind the key after another ${took}`,
  )

  const client = new RegistryClient(mirror.url)
  const pull = async (reference: string): Promise<Pulled> => {
    const pulled = await client.pull(REPOSITORY, reference)
    if (pulled.digest !== digest) throw new Error(`pulled ${pulled.digest}, pushed ${digest}`)
    return pulled
  }
  const figures = ({ size }: Pulled, took: string) => `${(size / MIB).toFixed(1)} MiB in ${took}`
  await step(
    () => pull('v1'),
    (pulled, took) => `pulled from the mirror by tag: ${figures(pulled, took)}; all digests agree`,
  )

  const { code, signal } = await publisher.stop()
  if (code !== 0) throw new Error(`the publisher ended with ${signal ?? code}`)
  tell('the publisher is gone')
  const tags = await client.tags(REPOSITORY)
  if (tags.join() !== 'v1') throw new Error(`the mirror lists ${tags.join()}`)
  for (const reference of ['v1', digest]) {
    const what = reference === digest ? 'digest' : 'tag'
    await step(
      () => pull(reference),
      (pulled, took) => `pulled again by ${what}: ${figures(pulled, took)}; all digests agree`,
    )
  }
}

try {
  await demo()
  tell('done: everything is stopped and removed\n')
} catch (error) {
  console.error('\nThe demo failed:', error)
  process.exitCode = 1
}
