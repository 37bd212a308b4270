import { algorithmOf, hexOf, tryParseDigest } from '../../oci/digest.ts'
import { tryParseTag } from '../../oci/name.ts'
import { listedUnderTag } from '../fallback-tag.ts'
import { isBundle, isSignedBundle } from './bundle.ts'
import { Evidence } from './evidence.ts'
import { at, listAt, readObject } from './json-object.ts'
import { isSignedPayload, SIGNATURE_ANNOTATION, SIMPLE_SIGNING } from './simple-signing.ts'
import type { Digest } from '../../oci/digest.ts'
import type { RepositoryName } from '../../oci/name.ts'
import type { Abortable, RegistryReader } from '../ports.ts'
import type { SignedThing } from './bundle.ts'
import type { Place, ReadManifest } from './evidence.ts'
import type { KeySet } from './key-set.ts'

/**
 * Looks in a tree for a signature of a manifest that one of the keys made: where cosign 1 and 2 put it (the tag
 * `sha256-<hex>.sig`), and among the manifests that refer to it (bundles, which cosign 3 writes, and cosign 2's
 * signatures as referrers), linked or listed under a fallback tag. One good signature is enough; what is malformed, of
 * another key or of another manifest is passed over.
 *
 * @throws what the reader throws: what could not be read is not "not signed"
 */
export async function isSigned(
  place: Place,
  thing: SignedThing,
  keys: KeySet,
  options: Abortable,
): Promise<boolean> {
  const { reader, name } = place
  const evidence = new Evidence(place, options)
  const seen = new Set<Digest>()
  for await (const digest of candidates(reader, name, thing.digest, options)) {
    options.signal?.throwIfAborted()
    if (evidence.isSpent) return false
    if (seen.has(digest)) continue
    seen.add(digest)
    const manifest = await evidence.manifest(digest)
    if (manifest !== undefined && (await proves(manifest, thing, keys, evidence))) return true
  }
  return false
}

/** Manifests that may hold a signature; each source is asked when the ones before it had none. */
async function* candidates(
  reader: RegistryReader,
  name: RepositoryName,
  digest: Digest,
  options: Abortable,
): AsyncGenerator<Digest> {
  const tag = tryParseTag(`${algorithmOf(digest)}-${hexOf(digest)}.sig`)
  const tagged = tag && (await reader.resolveTag(name, tag, options))
  if (tagged !== undefined) yield tagged
  yield* await reader.referrers(name, digest, options)
  for (const listed of await listedUnderTag(reader, name, digest, options)) yield listed.digest
}

async function proves(
  { bytes }: ReadManifest,
  thing: SignedThing,
  keys: KeySet,
  evidence: Evidence,
): Promise<boolean> {
  for (const layer of listAt(readObject(bytes), 'layers')) {
    if (evidence.isSpent) return false
    if (await layerProves(layer, thing, keys, evidence)) return true
  }
  return false
}

async function layerProves(
  layer: unknown,
  thing: SignedThing,
  keys: KeySet,
  evidence: Evidence,
): Promise<boolean> {
  const mediaType = at(layer, 'mediaType')
  const digest = tryParseDigest(at(layer, 'digest'))
  if (digest === undefined) return false
  if (isBundle(mediaType)) {
    const bundle = await evidence.payload(digest)
    return bundle !== undefined && isSignedBundle(bundle, thing, keys)
  }
  const signature = at(layer, 'annotations', SIGNATURE_ANNOTATION)
  if (mediaType !== SIMPLE_SIGNING || signature === undefined) return false
  const payload = await evidence.payload(digest)
  return payload !== undefined && isSignedPayload(payload, signature, thing.digest, keys)
}
