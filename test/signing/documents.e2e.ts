import assert from 'node:assert/strict'
import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { containersHome } from '../clients/support/containers-home.ts'
import { run } from '../e2e/support/command.ts'
import { LAYER } from '../registry/signatures/disguise.ts'
import { descriptorOf, piece, randomImage } from '../support/random-image.ts'
import { temporaryDirectory } from '../support/temporary.ts'
import { TestNode } from '../support/two-nodes.ts'
import { CosignSigner, at, tool } from './signer.ts'

const SBOM = JSON.stringify({ spdxVersion: 'SPDX-2.3', SPDXID: 'SPDXRef-DOCUMENT', name: 'app' })
const SPDX_JSON = 'application/spdx+json'
/** How attestations are kept: as bundles (cosign 3), under a tag (1 and 2). */
const WAYS = {
  bundle: ['--trusted-root=root.json', '--signing-config=signing.json'],
  tag: ['--use-signing-config=false', '--tlog-upload=false', '--new-bundle-format=false'],
}

describe('what tells of images, and is not signed as they are', function () {
  this.timeout(120_000)
  const cleanUp = new AsyncDisposableStack()
  let signer: CosignSigner
  let [a, b]: TestNode[] = []

  before(async () => {
    signer = cleanUp.use(await CosignSigner.start())
    await writeFile(join(signer.directory, 'sbom.json'), SBOM)
    const rules = [{ repositories: ['release/**'], keys: [signer.publicKey()] }]
    const env = { REGISTRY_SIGNATURES: JSON.stringify(rules) }
    a = cleanUp.use(await TestNode.start({ env }))
    b = cleanUp.use(await TestNode.start({ mirrors: [{ key: a, signedBy: [signer.publicKey()] }] }))
  })
  after(() => cleanUp.disposeAsync())

  const nodes = (): { a: TestNode; b: TestNode } => {
    assert.ok(a && b)
    return { a, b }
  }

  /** A signed image with all that cosign and oras attach to one. @returns its digest */
  async function attached(a: TestNode, name: string): Promise<string> {
    const image = randomImage()
    const target = at(a, name, image.digest)
    await a.client.pushImage(name, image, { tag: 'v1' })
    await signer.sign(a, name, image.digest, 'bundle')
    for (const way of ['bundle', 'tag'] as const) {
      const what = ['--type=spdxjson', '--predicate=sbom.json', ...WAYS[way]]
      await signer.remote(['attest'], '--key=cosign.key', '--yes', ...what, target)
    }
    await signer.remote(
      ['attach', 'sbom'],
      '--sbom=sbom.json',
      '--type=spdx',
      '--input-format=json',
      target,
    )
    const file = `sbom.json:${SPDX_JSON}`
    const about = ['attach', '--plain-http', '--artifact-type', SPDX_JSON, target, file]
    await run(await tool('oras'), about, { cwd: signer.directory })
    return image.digest
  }

  /** Everything that was attached can be had and verified there. */
  async function isThere(node: TestNode, name: string, digest: string): Promise<void> {
    const target = at(node, name, digest)
    await signer.verifies(node, name, 'v1', 'bundle')
    for (const format of ['true', 'false']) {
      const how = [
        '--type=spdxjson',
        '--insecure-ignore-tlog=true',
        `--new-bundle-format=${format}`,
      ]
      const said = await signer.remote(['verify-attestation'], '--key=cosign.pub', ...how, target)
      assert.match(said, /payload/)
    }
    assert.equal(await signer.remote(['download', 'sbom'], target), SBOM)
    const { manifests } = await node.client.referrers(name, digest)
    const found = manifests.find(({ artifactType }) => artifactType === SPDX_JSON)
    assert.ok(found)
    await using directory = await temporaryDirectory()
    const pull = ['pull', '--plain-http', at(node, name, found.digest), '-o', directory.path]
    await run(await tool('oras'), pull)
    assert.equal(await readFile(join(directory.path, 'sbom.json'), 'utf8'), SBOM)
  }

  it('comes through a mirror of which only what is signed is taken', async () => {
    const { a, b } = nodes()
    const digest = await attached(a, 'staging/mirrored')
    await b.follows(a)
    await isThere(b, 'staging/mirrored', digest)
  })

  it('is copied to, and had from, a repository of which only what is signed is pulled', async () => {
    const { a } = nodes()
    const digest = await attached(a, 'staging/app')
    const { manifests } = await a.client.referrers('staging/app', digest)
    const key = digest.replace(':', '-')
    for (const each of [...manifests.map((one) => one.digest), `${key}.att`, `${key}.sbom`, 'v1']) {
      const places = [at(a, 'staging/app', each), at(a, 'release/app', each)]
      await run(await tool('crane'), ['copy', '--insecure', ...places])
    }
    await isThere(a, 'release/app', digest)
  })

  it('is no image of which podman makes a file system, under whatever tag or digest', async () => {
    const { a, b } = nodes()
    const layer = piece(LAYER, SPDX_JSON)
    const made = randomImage({ layers: [], extra: { layers: [descriptorOf(layer)] } })
    const lying = { ...made, blobs: [...made.blobs, layer] }
    for (const name of ['staging/lying', 'release/lying'])
      await a.client.pushImage(name, lying, { tag: 'v1' })
    await b.follows(a)
    await using directory = await temporaryDirectory()
    const env = await containersHome(directory.path)
    for (const reference of ['v1', lying.digest])
      for (const from of [at(b, 'staging/lying', reference), at(a, 'release/lying', reference)]) {
        const pull = run('podman', ['pull', '--tls-verify=false', from], { env })
        await assert.rejects(pull, /manifest unknown|only gives out what is signed/)
      }
  })
})
