import assert from 'node:assert/strict'
import { run } from '../e2e/support/command.ts'
import { copy } from '../e2e/support/skopeo.ts'
import { randomImage } from '../support/random-image.ts'
import { temporaryDirectory } from '../support/temporary.ts'
import { TestNode } from '../support/two-nodes.ts'
import { CosignSigner, at, tool } from './signer.ts'

describe('a repository from which only what cosign signed is pulled', function () {
  this.timeout(120_000)
  const cleanUp = new AsyncDisposableStack()
  let signer: CosignSigner
  let node: TestNode

  before(async () => {
    signer = cleanUp.use(await CosignSigner.start())
    const rules = [{ repositories: ['release/**'], keys: [signer.publicKey()] }]
    node = cleanUp.use(
      await TestNode.start({ env: { REGISTRY_SIGNATURES: JSON.stringify(rules) } }),
    )
  })
  after(() => cleanUp.disposeAsync())

  const pull = async (name: string, reference: string): Promise<void> => {
    await using directory = await temporaryDirectory()
    await copy(`docker://${at(node, name, reference)}`, `dir:${directory.path}/dir`)
  }

  it('refuses unsigned images and those of another key, with words that reach the user', async () => {
    const image = randomImage()
    await node.client.pushImage('release/app', image, { tag: 'v1' })
    await assert.rejects(pull('release/app', 'v1'), /only gives out what is signed/)
    const crane = run(await tool('crane'), [
      'manifest',
      '--insecure',
      at(node, 'release/app', 'v1'),
    ])
    await assert.rejects(crane, /DENIED: release\/app only gives out what is signed/)
    await node.client.pushImage('staging/app', image, { tag: 'v1' })
    await pull('staging/app', 'v1')
  })

  /** The signature first: most clients read a manifest that they have just pushed. */
  async function releases(name: string, ...references: readonly string[]): Promise<void> {
    for (const reference of references) {
      const places = [
        at(node, `staging/${name}`, reference),
        at(node, `release/${name}`, reference),
      ]
      await run(await tool('crane'), ['copy', '--insecure', ...places])
    }
  }

  it('gives out what was signed in another repository and copied with its bundle', async () => {
    const image = randomImage()
    await node.client.pushImage('staging/app', image, { tag: 'v2' })
    await signer.sign(node, 'staging/app', image.digest, 'bundle')
    const { manifests } = await node.client.referrers('staging/app', image.digest)
    await releases('app', ...manifests.map(({ digest }) => digest), 'v2')
    await pull('release/app', 'v2')
    await signer.verifies(node, 'release/app', 'v2', 'bundle')
  })

  it('gives out what was signed in another repository and copied with its tag of signatures', async () => {
    const image = randomImage()
    await node.client.pushImage('staging/old', image, { tag: 'v3' })
    await signer.sign(node, 'staging/old', image.digest, 'tag')
    await releases('old', `${image.digest.replace(':', '-')}.sig`, 'v3')
    await pull('release/old', 'v3')
    await signer.verifies(node, 'release/old', 'v3', 'tag')
  })
})
