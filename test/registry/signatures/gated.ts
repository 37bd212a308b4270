import { parseDigest } from '../../../src/oci/digest.ts'
import { parseTag } from '../../../src/oci/name.ts'
import { ALL_REPOSITORIES } from '../../../src/oci/repository-pattern.ts'
import { SignatureGate } from '../../../src/registry/signatures/gate.ts'
import { RepositoryRules } from '../../../src/registry/signatures/repository-rules.ts'
import { SignedBook } from '../../../src/registry/signatures/signed-book.ts'
import { MemoryMap } from '../../support/memory-map.ts'
import { MemoryRegistry } from '../../support/memory-ports.ts'
import type { MirrorSource } from '../../../src/registry/mirror.ts'
import { store } from '../../support/random-image.ts'
import { APP, byDigest, createRegistry, tagged } from '../../support/registry-setup.ts'
import { Signer } from './forge.ts'
import type { RandomManifest } from '../../support/random-image.ts'
import assert from 'node:assert/strict'

/** Whose signatures count in it. */
export const signer = new Signer()

/** A registry that gives out what the signer signed: of itself, or of its mirror `m`. */
export async function gated(where: 'a repository' | 'a mirror') {
  const gate = new SignatureGate(
    signer.keys,
    await SignedBook.open(new MemoryMap(), new Set([signer.keys.id])),
  )
  const m = new MemoryRegistry('m')
  const mirror: MirrorSource = {
    name: 'm',
    reader: () => m.reader(),
    signedBy: gate,
    onMoved: () => undefined,
  }
  const rule = { repositories: ALL_REPOSITORIES, gate }
  const world = await createRegistry(
    where === 'a mirror' ? { mirrors: [mirror] } : { signatures: new RepositoryRules([rule]) },
  )
  const to = where === 'a mirror' ? m : world.own
  const put = (manifest: RandomManifest, tag?: string) =>
    store(
      { writer: to, content: to.content },
      APP,
      manifest,
      tag === undefined ? undefined : parseTag(tag),
    )
  const code = where === 'a mirror' ? 'MANIFEST_UNKNOWN' : 'DENIED'
  const { service } = world
  const gives = (reference: string) =>
    service.getManifest(
      APP,
      reference.includes(':') ? byDigest(parseDigest(reference)) : tagged(reference),
    )
  const refuses = (reference: string) => assert.rejects(gives(reference), { code })
  return { ...world, to, put, gives, refuses }
}
