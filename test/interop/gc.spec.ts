import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { RegistryClient } from '../support/client.ts'
import { DaemonProcess } from '../support/daemon-process.ts'
import { randomImage } from '../support/random-image.ts'
import { eventually } from '../support/two-nodes.ts'
import type { DaemonStatus } from '../support/daemon-process.ts'

const LAUNCHER = join(import.meta.dirname, '../../bin/heliport.cjs')
const run = promisify(execFile)

/** Nothing is kept that nothing needs, and leases are short. */
const EAGER = { retention: { history: '0s', lease: '1s' }, gc: { interval: null } }

async function heliport({ data }: DaemonProcess, ...words: string[]): Promise<string> {
  const { stdout } = await run(process.execPath, [LAUNCHER, ...words, '--data', data])
  return stdout
}

async function collect(
  daemon: DaemonProcess,
  ...options: string[]
): Promise<{ [key: string]: number }> {
  return JSON.parse(await heliport(daemon, 'gc', '--json', ...options)) as { [key: string]: number }
}

describe('garbage collection of a daemon', () => {
  it('is asked for by a command, gives the room of what was deleted back, and is told by the status', async () => {
    await using daemon = await DaemonProcess.start({ config: EAGER })
    const client = new RegistryClient(daemon.url)
    const [gone, kept] = [randomImage({ layers: [90_000] }), randomImage({ layers: [80_000] })]
    await client.pushImage('team/app', gone, { tag: 'gone' })
    await client.pushImage('team/app', kept, { tag: 'kept' })
    await client.expect(202, 'DELETE', `/v2/team/app/manifests/${gone.digest}`)
    let bytes = 0
    await eventually(async () => {
      bytes += (await collect(daemon))['bytes'] ?? 0
      return bytes > 90_000
    }, 'the bytes of the deleted image')
    await client.pullsExactly('team/app', 'kept', kept)
    assert.match(await heliport(daemon, 'gc', '--dry-run'), /^would be deleted: \d+ blocks/)
    assert.match(await heliport(daemon, 'status'), /storage\.gc\.last\.blocks +\d+/)
    assert.equal((await client.call('POST', '/api/v1/gc')).status, 403, 'to administrators alone')
  })

  it('runs by itself, again and again', async () => {
    const config = { ...EAGER, gc: { interval: '1s' } }
    await using daemon = await DaemonProcess.start({ config })
    const last = async (): Promise<string | undefined> => {
      const status = JSON.parse(await heliport(daemon, 'status', '--json')) as DaemonStatus
      return status.storage.gc.last?.startedAt
    }
    await eventually(async () => (await last()) !== undefined, 'a collection')
    const first = await last()
    await eventually(async () => (await last()) !== first, 'another collection')
  })

  it('keeps of a lazy mirror what was pulled last, up to a size', async () => {
    await using source = await DaemonProcess.start()
    const images = Array.from({ length: 3 }, () => randomImage({ layers: [1_500_000] }))
    const origin = new RegistryClient(source.url)
    for (const [n, image] of images.entries())
      await origin.pushImage('team/app', image, { tag: `v${n}` })
    await using mirror = await DaemonProcess.start({
      mirrors: [source.ipnsName],
      peers: [source.peerAddress],
      config: { ...EAGER, storage: { cache: '2MiB' } },
    })
    const client = new RegistryClient(mirror.url)
    await eventually(
      async () => (await client.digestOf('team/app', 'v2')) !== undefined,
      'the mirror',
    )
    for (const [n, image] of images.entries()) await client.pullsExactly('team/app', `v${n}`, image)
    let bytes = 0
    await eventually(async () => {
      const report = await collect(mirror)
      bytes += report['bytes'] ?? 0
      return bytes > 2_900_000 && (report['cacheBytes'] ?? 0) < 2 * 2 ** 20
    }, 'the blobs of two images')
    await source.stop()
    const [first, , last] = images
    const layer = (image = first): string => image?.blobs[1]?.digest ?? ''
    await client.blob('team/app', layer(last))
    assert.notEqual((await client.call('GET', `/v2/team/app/blobs/${layer(first)}`)).status, 200)
  })

  it('leaves a blob of a mirror alone while it is streamed, and takes it afterwards (C20)', async () => {
    await using source = await DaemonProcess.start()
    const image = randomImage({ layers: [12_000_000] })
    await new RegistryClient(source.url).pushImage('team/app', image, { tag: 'v1' })
    await using mirror = await DaemonProcess.start({
      mirrors: [source.ipnsName],
      peers: [source.peerAddress],
      config: { ...EAGER, storage: { cache: '1MiB' } },
    })
    const client = new RegistryClient(mirror.url)
    await eventually(
      async () => (await client.digestOf('team/app', 'v1')) !== undefined,
      'the mirror',
    )
    await client.pullsExactly('team/app', 'v1', image)
    await source.stop() // what is gone cannot come again
    const layer = image.blobs[1] ?? assert.fail('no layer')
    const response = await fetch(`${mirror.url}/v2/team/app/blobs/${layer.digest}`)
    const reader = response.body?.getReader() ?? assert.fail('no body')
    const pieces = [(await reader.read()).value ?? assert.fail('nothing came')]
    for (let i = 0; i < 3; i++) await collect(mirror)
    for (let next = await reader.read(); !next.done; next = await reader.read())
      pieces.push(next.value)
    assert.ok(Buffer.concat(pieces).equals(layer.bytes))
    let bytes = 0
    await eventually(async () => {
      bytes += (await collect(mirror))['bytes'] ?? 0
      return bytes > 11_000_000
    }, 'the bytes of the layer')
  })

  it('makes the registry what it was', async () => {
    await using daemon = await DaemonProcess.start()
    const client = new RegistryClient(daemon.url)
    const [first, second] = [randomImage(), randomImage()]
    await client.pushImage('team/app', first, { tag: 'v1' })
    const { root } = (await daemon.status()).storage
    await client.pushImage('team/app', second, { tag: 'v1' })
    assert.match(await heliport(daemon, 'rollback', root, '--dry-run'), /~ tag {2}team\/app:v1/)
    assert.equal(await client.digestOf('team/app', 'v1'), second.digest)
    await heliport(daemon, 'rollback', root)
    await client.pullsExactly('team/app', 'v1', first)
    assert.match(await heliport(daemon, 'log'), new RegExp(`rollback {2}to ${root}`))
  })
})
