import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { digestOf } from '../../src/oci/digest.ts'
import { RegistryClient, UnexpectedAnswer } from '../support/client.ts'
import { DaemonProcess } from '../support/daemon-process.ts'
import { randomImage } from '../support/random-image.ts'
import { smallDisk } from './small-disk.ts'
import type { RandomManifest } from '../support/random-image.ts'

const MIB = 1024 * 1024

/** Pushes images of that size until the registry refuses one. Returns what was acknowledged, and the refusal. */
async function fill(
  client: RegistryClient,
  size: number,
): Promise<{ pushed: RandomManifest[]; refusal: UnexpectedAnswer }> {
  const pushed: RandomManifest[] = []
  for (;;) {
    const image = randomImage({ layers: [size] })
    try {
      await client.pushImage('app', image, { tag: `v${pushed.length}` })
    } catch (error) {
      if (error instanceof UnexpectedAnswer) return { pushed, refusal: error }
      throw error
    }
    pushed.push(image)
  }
}

async function allAreThere(client: RegistryClient, images: RandomManifest[]): Promise<void> {
  for (const [index, image] of images.entries())
    await client.pullsExactly('app', `v${index}`, image)
}

describe('F04: a full disk', () => {
  for (const [what, size] of [
    ['large', 3 * MIB],
    ['small', 12_000],
  ] as const) {
    it(`refuses ${what} blobs with 507, loses nothing, goes on reading, and takes pushes when there is room`, async function () {
      await using disk = await smallDisk(what === 'small' ? 40 * MIB : 24 * MIB)
      if (disk === undefined) return this.skip()
      const ballast = join(disk.path, 'ballast')
      await writeFile(ballast, randomBytes(what === 'small' ? 33 * MIB : 4 * MIB))
      await using daemon = await DaemonProcess.start({ data: join(disk.path, 'data') })
      const client = new RegistryClient(daemon.url)
      const { pushed, refusal } = await fill(client, size)
      const { answer } = refusal
      assert.deepEqual([answer.status, answer.code()], [507, 'INSUFFICIENT_STORAGE'])
      assert.doesNotMatch(answer.body.toString(), /ENOSPC|\/data|node:|\bat /)
      assert.ok(pushed.length > 0)
      await allAreThere(client, pushed)
      assert.equal((await client.tags('app')).length, pushed.length)

      await rm(ballast)
      const images = Array.from({ length: 5 }, () => randomImage({ layers: [10] }))
      for (const [n, image] of images.entries())
        await client.pushImage('app', image, { tag: `room-${n}` })
      await daemon.kill()
      await daemon.restart()
      for (const [n, image] of images.entries())
        await client.pullsExactly('app', `room-${n}`, image)
      await allAreThere(client, pushed)
    })
  }

  it('keeps what an upload had, and lets it go on when there is room', async function () {
    await using disk = await smallDisk(24 * MIB)
    if (disk === undefined) return this.skip()
    const ballast = join(disk.path, 'ballast')
    await writeFile(ballast, randomBytes(14 * MIB))
    await using daemon = await DaemonProcess.start({ data: join(disk.path, 'data') })
    const client = new RegistryClient(daemon.url)
    const bytes = randomBytes(12 * MIB)
    const upload = await client.startUpload('app')
    await client.patch(upload, bytes.subarray(0, MIB))
    const { status, code } = await client.call('PATCH', upload, { body: bytes.subarray(MIB) })
    assert.equal(status, 507, code())
    await rm(ballast)
    const range = (await client.expect(204, 'GET', upload)).headers.get('range')
    const offset = Number(range?.split('-')[1]) + 1
    assert.ok(offset >= MIB && offset < bytes.length, `it stands at ${offset}`)
    await client.patch(upload, bytes.subarray(offset), offset)
    await client.finish(upload, digestOf(bytes))
    assert.ok((await client.blob('app', digestOf(bytes))).equals(bytes))
  })
})
