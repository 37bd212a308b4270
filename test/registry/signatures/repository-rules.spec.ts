import assert from 'node:assert/strict'
import { parseName, parseTag } from '../../../src/oci/name.ts'
import { RepositorySet, tryParsePattern } from '../../../src/oci/repository-pattern.ts'
import { SignatureGate } from '../../../src/registry/signatures/gate.ts'
import { RepositoryRules } from '../../../src/registry/signatures/repository-rules.ts'
import { SignedBook } from '../../../src/registry/signatures/signed-book.ts'
import { MemoryMap } from '../../support/memory-map.ts'
import { MemoryRegistry } from '../../support/memory-ports.ts'
import { indexOf, randomImage, store } from '../../support/random-image.ts'
import { APP, byDigest, createRegistry, tagged } from '../../support/registry-setup.ts'
import { Signer, claim, signatureManifest, signatureTag, statement } from './forge.ts'
import type { RepositoryName } from '../../../src/oci/name.ts'
import type { KeySet } from '../../../src/registry/signatures/key-set.ts'
import type { RandomManifest } from '../../support/random-image.ts'

const [signer, second] = [new Signer(), new Signer()]
const FREE = parseName('free/app')
const ROOT = 'bafyreih2ac5yabo2daerkw5w5wcwdc7rveqejf4l645hx2px26r5fxfnpe'

const only = (pattern: string): RepositorySet =>
  new RepositorySet([tryParsePattern(pattern) ?? assert.fail(pattern)])

/** A registry in which `team/**` must be signed by the signer, and what else the rules say. */
async function setUp({
  more = [],
  past,
}: { more?: [string, KeySet][]; past?: MemoryRegistry } = {}) {
  const rules: [string, KeySet][] = [['team/**', signer.keys], ...more]
  const book = await SignedBook.open(new MemoryMap(), new Set(rules.map(([, { id }]) => id)))
  const signatures = new RepositoryRules(
    rules.map(([pattern, by]) => ({
      repositories: only(pattern),
      gate: new SignatureGate(by, book),
    })),
  )
  const m = new MemoryRegistry('m')
  const world = await createRegistry({
    mirrors: [m],
    signatures,
    ...(past === undefined ? {} : { snapshots: new Map([[ROOT, past.reader()]]) }),
  })
  const put = (
    manifest: RandomManifest,
    {
      tag,
      name = APP,
      to = world.own,
    }: { tag?: string; name?: RepositoryName; to?: MemoryRegistry } = {},
  ) =>
    store(
      { writer: to, content: to.content },
      name,
      manifest,
      tag === undefined ? undefined : parseTag(tag),
    )
  const sign = (manifest: RandomManifest, by = signer, to = world.own) =>
    put(signatureManifest([by.bundle(statement(manifest.digest))], manifest), { to })
  return { ...world, m, put, sign }
}

describe('a repository with a rule of signatures', () => {
  it('gives out nothing unsigned, by tag or digest, and says why; other repositories do', async () => {
    const { service, put } = await setUp()
    const image = randomImage()
    await put(image, { tag: 'v1' })
    await put(image, { tag: 'v1', name: FREE })
    for (const reference of [tagged('v1'), byDigest(image.digest)])
      await assert.rejects(service.getManifest(APP, reference), (error: Error) => {
        assert.equal((error as { code?: unknown }).code, 'DENIED')
        assert.match(
          error.message,
          /team\/app only gives out what is signed, .*sign it with cosign/,
        )
        return true
      })
    await assert.rejects(service.getBlob(APP, image.digest), { code: 'DENIED' })
    assert.equal((await service.getManifest(FREE, tagged('v1'))).digest, image.digest)
  })

  it('gives it out once it is signed, at once, wherever image and signature are', async () => {
    const { service, put, sign, m, own } = await setUp()
    for (const [here, there] of [
      [own, own],
      [m, own],
      [own, m],
      [m, m],
    ] as const) {
      const image = randomImage()
      await put(image, { to: here })
      await assert.rejects(service.getManifest(APP, byDigest(image.digest)), { code: 'DENIED' })
      await sign(image, signer, there)
      assert.equal((await service.getManifest(APP, byDigest(image.digest))).digest, image.digest)
    }
  })

  it('gives out the images of a signed index, the signatures and their lists', async () => {
    const { service, put, sign } = await setUp()
    const child = randomImage()
    const index = indexOf([child])
    await put(child)
    await put(index, { tag: 'v1' })
    await assert.rejects(service.getManifest(APP, byDigest(child.digest)), { code: 'DENIED' })
    await sign(index)
    await put(signatureManifest([second.payload(claim(index.digest))]), {
      tag: signatureTag(index.digest),
    })
    await put(indexOf([]), { tag: index.digest.replace(':', '-') })
    const tags = ['v1', signatureTag(index.digest), index.digest.replace(':', '-')]
    for (const tag of tags) await service.getManifest(APP, tagged(tag))
    assert.equal((await service.getManifest(APP, byDigest(child.digest))).digest, child.digest)
    assert.equal((await service.getBlob(APP, child.blobs[0]!.digest)).size, child.blobs[0]!.size)
    assert.equal((await service.listReferrers(APP, index.digest)).manifests.length, 1)
  })

  it('is under all rules that mean it', async () => {
    const { service, put, sign } = await setUp({ more: [['team/app', second.keys]] })
    const image = randomImage()
    await put(image, { tag: 'v1' })
    await sign(image)
    await assert.rejects(service.getManifest(APP, tagged('v1')), { code: 'DENIED' })
    await sign(image, second)
    assert.equal((await service.getManifest(APP, tagged('v1'))).digest, image.digest)
  })

  it('is under its rule in the history too', async () => {
    const image = randomImage()
    const past = new MemoryRegistry('past')
    await store({ writer: past, content: past.content }, APP, image, parseTag('v1'))
    await store({ writer: past, content: past.content }, FREE, image, parseTag('v1'))
    const at = (name: string) => parseName(`at/${ROOT}/${name}`)
    const { service: read } = await setUp({ past })
    assert.equal((await read.getManifest(at('free/app'), tagged('v1'))).digest, image.digest)
    await assert.rejects(read.getManifest(at('team/app'), tagged('v1')), { code: 'DENIED' })
  })

  it('takes pushes of everything', async () => {
    const { service } = await setUp()
    const index = indexOf([])
    await service.putManifest(APP, tagged('v1'), index.bytes, index.mediaType)
    await assert.rejects(service.getManifest(APP, tagged('v1')), { code: 'DENIED' })
  })

  it('fails when our own tree cannot be read, and does not call it unsigned', async () => {
    const { service, put, sign, own } = await setUp()
    const image = randomImage()
    await put(image, { tag: 'v1' })
    await sign(image)
    const [signature] = await own.reader().referrers(APP, image.digest)
    own.content.bytes.delete(`memory:${signature}`)
    await assert.rejects(service.getManifest(APP, tagged('v1')), /is missing/)
  })
})
