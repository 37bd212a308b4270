import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { digestOf } from '../../../src/oci/digest.ts'
import { DaemonProcess } from '../../support/daemon-process.ts'
import { RegistryClient } from '../../support/client.ts'
import { randomImage } from '../../support/random-image.ts'
import { TestPeer } from '../peer/peer.ts'
import { bytesFrom } from '../trees/dice.ts'
import { publishBlob } from './shared-pulls.ts'

/**
 * The mirror was there once, and now says nothing. What is here is served without asking it; what nobody has is 404 once its
 * deadline has passed, and then without waiting for it, though it is there and could be asked.
 */
export async function localStaysLocal(): Promise<void> {
  await using stack = new AsyncDisposableStack()
  const source = stack.use(await TestPeer.start())
  const name = await publishBlob(source, bytesFrom('away', 5000))
  const daemon = stack.use(await DaemonProcess.start({ mirrors: [name], peers: [source.address] }))
  await daemon.until(({ mirrors }) => typeof mirrors[0]?.root === 'string')
  const client = new RegistryClient(daemon.url)
  const image = randomImage()
  source.manner = () => Promise.resolve()
  await client.pushImage('mine', image, { tag: 'v1' })
  source.reset()
  await client.pullsExactly('mine', 'v1', image)
  assert.equal(source.wanted.size, 0, 'a mirror was asked for what is here')
  const unknown = (): Promise<number> =>
    client.call('GET', `/v2/app/blobs/${digestOf(randomBytes(9))}`).then(({ status }) => status)
  assert.deepEqual(await Promise.all(Array.from({ length: 50 }, unknown)), Array(50).fill(404))
  await client.pullsExactly('mine', 'v1', image)
}
