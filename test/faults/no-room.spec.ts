import assert from 'node:assert/strict'
import { rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { RegistryClient } from '../support/client.ts'
import { DaemonProcess } from '../support/daemon-process.ts'
import { randomImage } from '../support/random-image.ts'
import { eventually } from '../support/two-nodes.ts'
import { heliport } from '../cli/support.ts'
import { SPARES, fillUp, isSetAside, smallDisk } from './small-disk.ts'

const MIB = 1024 * 1024
const FORGETFUL = { retention: { history: '0s', lease: '1s' }, gc: { interval: null } }
const image = randomImage({ layers: [300_000] })

/** A registry on a disk of its own, with room set aside, and an image as `app:keep`. */
async function onDisk(disk: { path: string }): Promise<DaemonProcess> {
  const data = join(disk.path, 'data')
  const daemon = await DaemonProcess.start({ data, config: FORGETFUL })
  await new RegistryClient(daemon.url).pushImage('app', image, { tag: 'keep' })
  await eventually(() => isSetAside(data), 'room is set aside')
  return daemon
}

async function keeps(daemon: DaemonProcess): Promise<void> {
  await new RegistryClient(daemon.url).pullsExactly('app', 'keep', image)
}

describe('F04: a disk that others have filled to the last byte', () => {
  it('gets room again by deletes and a collection, while pushes are refused', async function () {
    await using disk = await smallDisk(160 * MIB)
    if (disk === undefined) return this.skip()
    await using daemon = await onDisk(disk)
    const client = new RegistryClient(daemon.url)
    const large = randomImage({ layers: [20 * MIB, 10 * MIB] })
    await client.pushImage('app', large, { tag: 'large' })
    await fillUp(join(disk.path, 'ballast'))
    assert.equal((await client.call('GET', '/readyz')).status, 503)
    await client.expect(202, 'DELETE', `/v2/app/manifests/${large.digest}`)
    for (const { digest } of large.blobs)
      await client.expect(202, 'DELETE', `/v2/app/blobs/${digest}`)
    const mount = `/v2/b/blobs/uploads/?mount=${image.blobs[0]?.digest}&from=app`
    for (const path of ['/v2/app/blobs/uploads/', mount])
      assert.equal((await client.call('POST', path)).status, 507, path)
    await eventually(async () => {
      const { code, stderr } = await heliport(['gc', '--data', daemon.data])
      assert.equal(code, 0, stderr)
      return (await client.call('GET', '/readyz')).status === 200
    }, 'there is room')
    await client.pushImage('app', randomImage({ layers: [MIB] }), { tag: 'again' })
    await keeps(daemon)
  })

  it('is started on, however it was stopped; with nothing set aside it is said in a line what is missing', async function () {
    await using disk = await smallDisk(64 * MIB)
    if (disk === undefined) return this.skip()
    await using daemon = await onDisk(disk)
    const ballast = join(disk.path, 'ballast')
    await fillUp(ballast)
    await daemon.kill()
    await daemon.restartUnready()
    await keeps(daemon)
    await daemon.stop()
    for (const name of SPARES) await rm(join(daemon.data, name), { force: true })
    await fillUp(ballast)
    await assert.rejects(daemon.restart(), /the daemon ended with 1|the daemon did not start/)
    assert.match(
      daemon.log.at(-1) ?? '',
      /^heliport: the disk of the data directory \S+ is full, .*make room on it/,
    )
    await rm(ballast)
    await daemon.restart()
    await keeps(daemon)
  })
})

describe('F05: a disk that takes no more files', () => {
  it('is as a full one: pushes are refused, what is there is served, and it goes on when there is room', async function () {
    await using disk = await smallDisk(400 * MIB, 800)
    if (disk === undefined) return this.skip()
    await using daemon = await onDisk(disk)
    const client = new RegistryClient(daemon.url)
    const files = await takeAllFiles(disk.path)
    assert.equal((await client.call('GET', '/readyz')).status, 503)
    assert.equal((await client.call('POST', '/v2/app/blobs/uploads/')).status, 507)
    const headers = { 'Content-Type': image.mediaType }
    for (let n = 0; n < 100; n++) {
      const body = Buffer.from(`${Buffer.from(image.bytes).toString()}${' '.repeat(10_000 + n)}`)
      const { status } = await client.call('PUT', `/v2/app/manifests/n${n}`, { headers, body })
      assert.equal(status, 507)
    }
    await keeps(daemon)
    for (const file of files) await rm(file)
    await eventually(async () => (await client.call('GET', '/readyz')).status === 200, 'room')
    await client.pushImage('app', randomImage(), { tag: 'again' })
    await keeps(daemon)
  })
})

async function takeAllFiles(path: string): Promise<string[]> {
  const files: string[] = []
  try {
    for (;;) {
      const file = join(path, `other-${files.length}`)
      await writeFile(file, '')
      files.push(file)
    }
  } catch (error) {
    assert.equal((error as NodeJS.ErrnoException).code, 'ENOSPC')
    return files
  }
}
