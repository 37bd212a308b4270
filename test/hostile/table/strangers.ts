import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { RAW, cidFromHash, sha256 } from '../../../src/blocks/cids.ts'
import { RegistryClient } from '../../support/client.ts'
import { DaemonProcess } from '../../support/daemon-process.ts'
import { Stranger } from '../peer/stranger.ts'

const MiB = 2 ** 20

/** Two leaves are stored as soon as they have come; nobody has linked them, so they do not exist for anybody. */
export async function nothingUnpublished(): Promise<void> {
  await using stack = new AsyncDisposableStack()
  const daemon = stack.use(await DaemonProcess.start())
  const client = new RegistryClient(daemon.url)
  const [secret, open] = [randomBytes(2 * MiB), randomBytes(MiB)]
  await client.patch(await client.startUpload('app'), secret)
  await client.pushBlob('app', open)
  const stranger = stack.use(await Stranger.start(daemon.peerAddress))
  const cidOf = (bytes: Uint8Array) => cidFromHash(RAW, sha256(bytes))
  const secrets = [cidOf(secret.subarray(0, MiB)), cidOf(secret.subarray(MiB))]
  for (const kind of ['presence', 'block'] as const) {
    const answer = await stranger.want(secrets, kind)
    assert.deepEqual([answer.blocks.length, answer.has.length], [0, 0])
    assert.equal(answer.lacks.length, secrets.length)
  }
  const { blocks } = await stranger.want([cidOf(open)], 'block')
  assert.ok(blocks[0]?.equals(open), 'what was published is given out')
}

/** Keys, paths, and names of nobody. */
export async function nothingByFetch(): Promise<void> {
  await using stack = new AsyncDisposableStack()
  const daemon = stack.use(await DaemonProcess.start())
  await new RegistryClient(daemon.url).pushBlob('app', randomBytes(100))
  await daemon.until(({ ipns }) => typeof ipns?.publishedRoot === 'string' && !ipns.pending)
  const stranger = stack.use(await Stranger.start(daemon.peerAddress))
  const keys = [
    '/pkcs8/registry',
    '/info/self',
    '/local/filesroot',
    '',
    '/ipns/',
    '/ipns/../pkcs8/self',
    `/ipns/${'x'.repeat(1000)}`,
    'lock',
  ]
  for (const key of keys) assert.equal(await stranger.fetch(Buffer.from(key)), undefined, key)
  const record = await stranger.fetchRecord(daemon.ipnsName)
  assert.ok(record !== undefined, 'its own record is given out')
}
