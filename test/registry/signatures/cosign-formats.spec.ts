import assert from 'node:assert/strict'
import { digestOf, parseDigest } from '../../../src/oci/digest.ts'
import { isSigned } from '../../../src/registry/signatures/find-signature.ts'
import { APP } from '../../support/registry-setup.ts'
import { fixture, keys, registryWith } from './fixture.ts'
import type { KeySet } from '../../../src/registry/signatures/key-set.ts'
import type { Fixture } from './fixture.ts'

/** Whether a repository with this in it has a signature of its image. */
async function signs(made: Fixture, by: KeySet): Promise<boolean> {
  const registry = await registryWith(made)
  const digest = parseDigest(made.digest)
  const bytes = Buffer.from(made.manifests[digest] ?? '')
  return isSigned({ reader: registry.reader(), name: APP }, { digest, bytes }, by, {})
}

const ALL = ['ecdsa', 'stranger', 'rsa']

describe('signatures that cosign makes', () => {
  const good: [file: string, key: string][] = [
    ['ecdsa-bundle', 'ecdsa'],
    ['ecdsa-tag', 'ecdsa'],
    ['ecdsa-referrer', 'ecdsa'],
    ['ecdsa-message', 'ecdsa'],
    ['ecdsa-index', 'ecdsa'],
    ['rsa-bundle', 'rsa'],
    ['rsa-tag', 'rsa'],
    ['stranger-bundle', 'stranger'],
    ['stranger-tag', 'stranger'],
  ]
  for (const [file, key] of good) {
    it(`are taken from their key and from no other: ${file}`, async () => {
      const made = await fixture(file)
      assert.ok(await signs(made, await keys(key)))
      assert.ok(await signs(made, await keys(...ALL)))
      assert.ok(!(await signs(made, await keys(...ALL.filter((other) => other !== key)))))
    })

    it(`count for nothing else: ${file} under another image`, async () => {
      const made = await fixture(file)
      const image = made.manifests[made.digest] ?? ''
      const other = `${image} `
      const digest = digestOf(Buffer.from(other))
      const hex = (text: string): string => text.replace(/^sha256:/, '')
      // Where it lies says that it is about the other image: in the tag, and in the subject.
      const moved: Fixture = { digest, tags: {}, manifests: { [digest]: other }, blobs: made.blobs }
      for (const text of Object.values(made.manifests).filter((each) => each !== image)) {
        const about = text.replaceAll(made.digest, digest)
        moved.manifests[digestOf(Buffer.from(about))] = about
      }
      for (const [tag, target] of Object.entries(made.tags)) {
        const about = (made.manifests[target] ?? '').replaceAll(made.digest, digest)
        moved.tags[tag.replace(hex(made.digest), hex(digest))] = digestOf(Buffer.from(about))
      }
      assert.ok(!(await signs(moved, await keys(key))))
    })
  }

  it('do not include attestations: a statement about an image does not say that it is good', async () => {
    assert.ok(!(await signs(await fixture('ecdsa-attestation'), await keys('ecdsa'))))
  })

  it('are found beside bad ones: one good signature is enough', async () => {
    const [good, bad, also] = await Promise.all(
      ['ecdsa-bundle', 'stranger-bundle', 'stranger-tag'].map(fixture),
    )
    assert.ok(good && bad && also && good.digest === bad.digest && good.digest === also.digest)
    const both: Fixture = {
      digest: good.digest,
      tags: also.tags,
      manifests: { ...good.manifests, ...bad.manifests, ...also.manifests },
      blobs: { ...good.blobs, ...bad.blobs, ...also.blobs },
    }
    assert.ok(await signs(both, await keys('ecdsa')))
    assert.ok(!(await signs(both, await keys('rsa'))))
  })
})
