import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { readdir, writeFile } from 'node:fs/promises'
import { request } from 'node:http'
import { join } from 'node:path'
import { digestOf } from '../../src/oci/digest.ts'
import { RegistryClient } from '../support/client.ts'
import { DaemonProcess } from '../support/daemon-process.ts'
import { TestNode, eventually } from '../support/two-nodes.ts'

const MIB = 1024 * 1024

/** Where an upload stands: the bytes that are kept; `undefined` when it is not known any more. */
async function offsetOf(client: RegistryClient, upload: string): Promise<number | undefined> {
  const { status, headers } = await client.call('GET', upload)
  if (status === 404) return undefined
  assert.equal(status, 204)
  const last = Number(/^0-(\d+)$/.exec(headers.get('range') ?? '')?.[1])
  return last === 0 ? 0 : last + 1 // `0-0` is nothing at all; the uploads here are longer than a byte
}

/** Sends a part of a PATCH whose end never comes. */
async function sendHalf(url: string, upload: string, bytes: Uint8Array): Promise<void> {
  const headers = { Expect: '100-continue' } // the daemon says so when it begins to read
  const body = request(new URL(upload, url), { method: 'PATCH', headers })
  body.on('error', () => undefined) // the daemon is killed under it
  body.flushHeaders()
  await once(body, 'continue')
  if (!body.write(bytes)) await once(body, 'drain')
}

describe('F10: uploads that are half-finished when the daemon ends', () => {
  it('stand where they were acknowledged after a kill, and can be finished', async () => {
    await using daemon = await DaemonProcess.start()
    const client = new RegistryClient(daemon.url)
    const uploads = [0, 1, 70_000, MIB, MIB + 1, 3 * MIB + 500].map((kept) => ({
      kept,
      bytes: randomBytes(kept + 200_000),
      path: '',
    }))
    for (const upload of uploads) {
      upload.path = await client.startUpload('app')
      if (upload.kept > 0)
        upload.path = await client.patch(upload.path, upload.bytes.subarray(0, upload.kept))
    }
    const ended = [await client.startUpload('app'), await client.startUpload('app')]
    await client.finish(ended[0]!, digestOf(randomBytes(0)))
    await client.expect(204, 'DELETE', ended[1]!)
    const before = (await daemon.status()).storage.root
    await daemon.kill()
    await daemon.restart()
    assert.equal((await daemon.status()).storage.root, before)
    for (const { path, kept, bytes } of uploads) {
      // One byte and none are told alike by a range of inclusive ends.
      const offset = await offsetOf(client, path)
      assert.equal(offset, kept === 1 ? 0 : kept)
      await client.patch(path, bytes.subarray(kept), kept)
      await client.finish(path, digestOf(bytes))
      assert.ok((await client.blob('app', digestOf(bytes))).equals(bytes))
    }
    for (const path of ended) {
      const answer = await client.call('PATCH', path, { body: Buffer.from('more') })
      assert.deepEqual([answer.status, answer.code()], [404, 'BLOB_UPLOAD_UNKNOWN'])
    }
    assert.equal((await daemon.status()).storage.uploads, 0)
  })

  it('keep what was acknowledged of one that was being written when it was killed', async () => {
    await using daemon = await DaemonProcess.start()
    const client = new RegistryClient(daemon.url)
    const bytes = randomBytes(4 * MIB)
    const acknowledged = MIB + 77
    let path = await client.startUpload('app')
    path = await client.patch(path, bytes.subarray(0, acknowledged))
    await sendHalf(daemon.url, path, bytes.subarray(acknowledged, 3 * MIB))
    await daemon.kill()
    await daemon.restart()
    const offset = (await offsetOf(client, path)) ?? assert.fail('the upload is gone')
    assert.ok(offset >= acknowledged && offset <= 3 * MIB, `it stands at ${offset}`)
    await client.patch(path, bytes.subarray(offset), offset)
    await client.finish(path, digestOf(bytes))
    assert.ok((await client.blob('app', digestOf(bytes))).equals(bytes))
  })

  for (const directory of ['blocks/00', 'uploads', '.']) {
    it(`leave no temporary file in ${directory} after the next start`, async () => {
      await using node = await TestNode.start()
      await node.stop()
      // What writing a file leaves when the process is killed before the rename.
      const path = join(node.data, directory)
      await writeFile(join(path, '.0123456789abcdef0123.deadbeef0123-4.tmp'), 'half')
      await node.restart()
      const left = async (): Promise<string[]> =>
        (await readdir(path)).filter((name) => name.endsWith('.tmp'))
      await eventually(async () => (await left()).length === 0, 'the removal')
    })
  }
})
