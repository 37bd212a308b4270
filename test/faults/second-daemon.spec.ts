import assert from 'node:assert/strict'
import { RegistryClient } from '../support/client.ts'
import { DaemonProcess } from '../support/daemon-process.ts'
import { randomImage } from '../support/random-image.ts'
import { heliport } from './launcher.ts'

describe('F11: a second daemon on the same data directory (I11)', () => {
  it('refuses at once in one line that names the first, which is not disturbed', async () => {
    await using daemon = await DaemonProcess.start()
    const client = new RegistryClient(daemon.url)
    const image = randomImage()
    await client.pushImage('app', image, { tag: 'v1' })
    const { code, stderr } = await heliport(['serve'], {
      REGISTRY_STORAGE_PATH: daemon.data,
      REGISTRY_HTTP_ADDR: '127.0.0.1:0',
      REGISTRY_NETWORK_MODE: 'offline',
    })
    assert.equal(code, 1)
    assert.match(stderr, /^heliport: .*in use by process \d+.*\n$/)
    assert.ok(stderr.includes(`process ${daemon.pid},`), stderr)
    await client.pullsExactly('app', 'v1', image)
    await client.pushImage('app', randomImage(), { tag: 'v2' })
    const status = await heliport(['status', '--data', daemon.data])
    assert.equal(status.code, 0)
    assert.ok(status.stdout.includes((await daemon.status()).peerId))
  })
})
