import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { join } from 'node:path'
import { DaemonProcess } from '../support/daemon-process.ts'
import { temporaryDirectory } from '../support/temporary.ts'
import { makeImage } from './support/image.ts'
import { writeLayout } from './support/oci-layout.ts'
import { copy, digestAt, inspect } from './support/skopeo.ts'

describe('skopeo copies images in and out', function () {
  this.timeout(60_000)
  const cleanUp = new AsyncDisposableStack()
  const image = makeImage(
    [
      [{ path: 'etc/' }, { path: 'etc/name', content: 'skopeo\n' }],
      [{ path: 'random', content: randomBytes(3_000_000) }],
    ],
    ['/bin/true'],
  )
  let daemon: DaemonProcess
  let directory: string

  before(async () => {
    directory = cleanUp.use(await temporaryDirectory()).path
    daemon = cleanUp.use(await DaemonProcess.start())
    await writeLayout(join(directory, 'made'), image)
  })
  after(() => cleanUp.disposeAsync())

  it('an OCI layout comes back with the digest it had', async () => {
    const there = `docker://${daemon.host}/skopeo/oci:v1`
    assert.equal(await copy(`oci:${directory}/made:v1`, there), image.manifest.digest)
    assert.equal(await copy(there, `oci:${directory}/back:v1`), image.manifest.digest)
    const { Digest, RepoTags, Layers } = await inspect(`${daemon.host}/skopeo/oci:v1`)
    assert.equal(Digest, image.manifest.digest)
    assert.deepEqual(RepoTags, ['v1'])
    assert.deepEqual(
      Layers,
      image.blobs.slice(1).map((layer) => layer.digest),
    )
  })

  it('a docker-archive comes back with the digest under which it was stored', async () => {
    const archive = `docker-archive:${directory}/archive.tar`
    await copy(`oci:${directory}/made:v1`, `${archive}:skopeo/archive:v1`)
    const there = `docker://${daemon.host}/skopeo/archive:v1`
    const stored = await copy(archive, there)
    const found = await copy(there, `dir:${directory}/dir`)
    assert.equal(found, stored)
    const byDigest = there.replace(':v1', `@${stored}`)
    assert.equal(await copy(byDigest, `dir:${directory}/dir-by-digest`), stored)
  })

  it('a manifest converted to the Docker types is kept byte for byte', async () => {
    const there = `docker://${daemon.host}/skopeo/v2s2:v1`
    const stored = await copy(`oci:${directory}/made:v1`, there, '--format=v2s2')
    assert.notEqual(stored, image.manifest.digest)
    assert.equal(await copy(there, `dir:${directory}/v2s2`), stored)
    assert.equal(await digestAt(`dir:${directory}/v2s2`), stored)
  })
})
