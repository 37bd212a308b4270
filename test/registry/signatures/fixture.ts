import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { parseDigest } from '../../../src/oci/digest.ts'
import { readManifest } from '../../../src/oci/manifest.ts'
import { parseTag } from '../../../src/oci/name.ts'
import { KeySet } from '../../../src/registry/signatures/key-set.ts'
import { PublicKey } from '../../../src/registry/signatures/public-key.ts'
import { APP } from '../../support/registry-setup.ts'
import { MemoryRegistry } from '../../support/memory-ports.ts'
import type { Digest } from '../../../src/oci/digest.ts'

/** What cosign made of a repository: everything in it is text. `fixtures/README.md` says how they were made. */
export interface Fixture {
  /** What was signed. */
  digest: string
  tags: Record<string, string>
  /** By digest. */
  manifests: Record<string, string>
  /** Payloads, by digest. */
  blobs: Record<string, string>
}

const file = (name: string): Promise<string> =>
  readFile(join(import.meta.dirname, 'fixtures', name), 'utf8')

export async function fixture(name: string): Promise<Fixture> {
  return JSON.parse(await file(`${name}.json`)) as Fixture
}

/** The public keys with these names. */
export async function keys(...names: readonly string[]): Promise<KeySet> {
  return new KeySet(
    await Promise.all(names.map(async (name) => PublicKey.parse(await file(`${name}.pub`)))),
  )
}

/** Puts a fixture into a repository, below all rules; what it signs gets the tag `v1`. */
export async function fill(registry: MemoryRegistry, made: Fixture, name = APP): Promise<Digest> {
  const { content } = registry
  const digest = parseDigest(made.digest)
  await registry.transact(async (tx) => {
    for (const [each, text] of Object.entries(made.blobs))
      await tx.linkBlob(name, await content.write(Buffer.from(text), parseDigest(each)))
    for (const [each, text] of Object.entries(made.manifests)) {
      const bytes = Buffer.from(text)
      const { subject } = readManifest(bytes)
      await tx.putManifest(name, await content.write(bytes, parseDigest(each)), subject?.digest)
    }
    for (const [tag, target] of Object.entries({ ...made.tags, v1: digest }))
      await tx.setTag(name, parseTag(tag), parseDigest(target))
  })
  return digest
}

/** A registry with a fixture in it. */
export async function registryWith(made: Fixture): Promise<MemoryRegistry> {
  const registry = new MemoryRegistry('m')
  await fill(registry, made)
  return registry
}
