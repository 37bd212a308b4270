import { Agent, request } from 'node:http'
import { once } from 'node:events'
import { DaemonProcess } from '../support/daemon-process.ts'
import { writeFigures } from '../support/figures-page.ts'
import { RegistryClient } from '../support/client.ts'
import { randomImage } from '../support/random-image.ts'
import { median, quantile, table } from './support/figures.ts'
import { readOptions } from './support/options.ts'
import type { IncomingMessage } from 'node:http'
import type { RandomManifest } from '../support/random-image.ts'

const ABOUT = `npm run network -- latency: from the 201 of a push to its pull through a mirror

Two daemons in processes of their own, on loopback, mode offline. A manifest is pushed to the first under a new tag; from
its 201 on, the tag is asked for at the second, again and again, until the answer is the new digest.`

const NAME = 'bench/latency'

/** Longest wait for one push, in ms: the poll of a mirror that missed a message finds it after 30 s. */
const PATIENCE_MS = 60_000

export async function main(args: readonly string[]): Promise<number> {
  const options = readOptions(args, ABOUT, {
    pushes: { usual: 100, quick: 5, what: 'manifests to push' },
  })
  if (options === undefined) return 0
  const times = await measure(options.numbers.pushes)
  const rows = [
    ['from 201 to pullable', 'measured', 'wanted'],
    ['median', ms(median(times)), 'under 300 ms'],
    ['90 %', ms(quantile(times, 0.9)), ''],
    ['99 %', ms(quantile(times, 0.99)), 'under 1 s'],
    ['longest', ms(Math.max(...times)), ''],
  ]
  const text = `${table(rows)}\n\n${times.length} pushes, one after the other.`
  console.log(`\n${text}\n\n  ${times.length} passing`)
  if (options.write) await writeFigures('latency', 'npm run network -- latency --write', [text])
  return 0
}

/** @returns what each push took until its mirror had it, in ms */
async function measure(pushes: number): Promise<number[]> {
  await using source = await DaemonProcess.start({ config: { log: { level: 'warn' } } })
  const image = randomImage()
  const client = new RegistryClient(source.url)
  await client.pushImage(NAME, image, { tag: 'first' })
  await using mirror = await DaemonProcess.start({
    mirrors: [source.ipnsName],
    peers: [source.peerAddress],
    config: { log: { level: 'warn' } },
  })
  const { storage } = await source.status()
  await mirror.until(({ mirrors }) => mirrors[0]?.root === storage.root)
  // One connection that stays open, as a client that waits has it.
  const agent = new Agent({ keepAlive: true, maxSockets: 1 })
  const times: number[] = []
  try {
    for (let push = 0; push < pushes; push++) {
      const manifest = variant(image, push)
      const tag = `push-${push}`
      await client.putManifest(NAME, tag, manifest)
      const began = performance.now()
      await untilThere(new URL(`/v2/${NAME}/manifests/${tag}`, mirror.url), manifest.digest, agent)
      times.push(performance.now() - began)
    }
  } finally {
    agent.destroy()
  }
  return times
}

/** The same blobs under a manifest that nobody has seen. */
function variant(image: RandomManifest, push: number): RandomManifest {
  const { config, layers } = JSON.parse(Buffer.from(image.bytes).toString()) as object & {
    config: object
    layers: object
  }
  return randomImage({ layers: [], extra: { config, layers, annotations: { push: `${push}` } } })
}

/** Asks without a pause until a tag has that digest. @throws when it has another, or none for too long */
async function untilThere(url: URL, digest: string, agent: Agent): Promise<void> {
  const end = performance.now() + PATIENCE_MS
  for (;;) {
    const sent = request(url, { agent, method: 'GET' }).end()
    const [response] = (await once(sent, 'response')) as [IncomingMessage]
    response.resume()
    await once(response, 'end')
    if (response.statusCode === 200) {
      const found = response.headers['docker-content-digest']
      if (found !== digest) throw new Error(`the mirror gives ${String(found)} for ${url.pathname}`)
      return
    }
    if (response.statusCode !== 404)
      throw new Error(`the mirror answers ${response.statusCode} to ${url.pathname}`)
    if (performance.now() > end)
      throw new Error(`the mirror does not have ${url.pathname} after ${PATIENCE_MS} ms`)
  }
}

function ms(value: number): string {
  return `${Math.round(value)} ms`
}
