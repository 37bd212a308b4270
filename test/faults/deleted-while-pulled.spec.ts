import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { request } from 'node:http'
import { join } from 'node:path'
import { once } from 'node:events'
import { RegistryClient } from '../support/client.ts'
import { DaemonProcess } from '../support/daemon-process.ts'
import { randomImage } from '../support/random-image.ts'
import { eventually } from '../support/two-nodes.ts'
import { collectOnce } from './collect-once.ts'
import type { IncomingMessage } from 'node:http'

/** More than the sockets on the way can hold, so that the end is read from the disk after everything is deleted. */
const SIZE = 24 * 2 ** 20
/** Deleted together with it: when the collector has taken this, it could have taken that. */
const LONE = 300_000
const HERE = 'pulled/app'
const ELSEWHERE = 'pulled/other'

describe('F14: deleted while it is pulled', () => {
  it('lets the pull end well, is 404 afterwards, and is still there in other repositories', async () => {
    await using daemon = await DaemonProcess.start({
      config: { retention: { lease: '1s', history: '0s' }, gc: { interval: null } },
    })
    const client = new RegistryClient(daemon.url)
    const layer = randomBytes(SIZE)
    const digest = await client.pushBlob(HERE, layer)
    const image = randomImage({ layers: [200_000] })
    for (const name of [HERE, ELSEWHERE]) await client.pushImage(name, image, { tag: 'v1' })

    const lone = await client.pushBlob(HERE, randomBytes(LONE))

    const pull = await begin(daemon, `/v2/${HERE}/blobs/${digest}`)
    await client.expect(202, 'DELETE', `/v2/${HERE}/manifests/${image.digest}`)
    for (const one of [digest, lone, ...image.blobs.map((blob) => blob.digest)])
      await client.expect(202, 'DELETE', `/v2/${HERE}/blobs/${one}`)
    let reclaimed = 0
    await eventually(async () => {
      const { status, report, text } = await collectOnce(join(daemon.data, 'heliport.sock'))
      assert.equal(status, 200, text)
      reclaimed += report?.bytes ?? 0
      return reclaimed >= LONE
    }, 'the other blob is taken')
    assert.ok(reclaimed < SIZE, `${reclaimed} bytes were taken, while they were pulled`)

    const parts: Buffer[] = []
    for await (const part of pull) parts.push(part as Buffer)
    assert.ok(Buffer.concat(parts).equals(layer), 'the pull that had begun has other bytes')
    await client.expect(404, 'GET', `/v2/${HERE}/blobs/${digest}`)
    await client.expect(404, 'GET', `/v2/${HERE}/manifests/v1`)
    await client.pullsExactly(ELSEWHERE, 'v1', image)
  })
})

/** An answer whose head has come, and of whose body nothing was taken yet. */
async function begin({ url }: DaemonProcess, path: string): Promise<IncomingMessage> {
  const sent = request(new URL(path, url))
  sent.end()
  const [answer] = (await once(sent, 'response')) as [IncomingMessage]
  assert.equal(answer.statusCode, 200)
  return answer
}
