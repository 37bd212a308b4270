import assert from 'node:assert/strict'
import { setTimeout as pause } from 'node:timers/promises'
import { gunzipSync } from 'node:zlib'
import { digestOf } from '../../../src/oci/digest.ts'
import { RegistryClient } from '../../support/client.ts'
import { urlOf } from './transport.ts'
import type { World } from '../client.ts'

/** Something in a registry. */
export interface Place {
  /** `127.0.0.1:<port>` */
  readonly host: string
  readonly name: string
  /** A tag or a digest. */
  readonly reference: string
}

/** A manifest or an index, as far as it leads to other content. */
interface Links {
  mediaType?: string
  config?: { digest: string }
  layers?: { digest: string; mediaType: string }[]
  manifests?: { digest: string; platform?: { architecture: string; os: string } }[]
  subject?: { digest: string }
}

/** `host/name:tag`, or `host/name@digest`, as clients write it. */
export function written({ host, name, reference }: Place): string {
  return `${host}/${name}${reference.includes(':') ? '@' : ':'}${reference}`
}

/** A manifest, verified, and its digest. */
export async function manifestAt(place: Place): Promise<{ digest: string; manifest: Links }> {
  const { digest, bytes } = await clientOf(place).manifest(place.name, place.reference)
  return { digest, manifest: JSON.parse(bytes.toString()) as Links }
}

/**
 * All that a reference leads to, by digest: its manifest, the manifests of an index, their configs and layers.
 * Every byte of it is verified.
 */
export async function contentAt(place: Place): Promise<Map<string, Buffer>> {
  const client = clientOf(place)
  const content = new Map<string, Buffer>()
  const walk = async (reference: string): Promise<void> => {
    const { digest, bytes } = await client.manifest(place.name, reference)
    if (content.has(digest)) return
    content.set(digest, bytes)
    const { config, layers = [], manifests = [] } = JSON.parse(bytes.toString()) as Links
    for (const child of manifests) await walk(child.digest)
    for (const blob of config === undefined ? [] : [config, ...layers])
      content.set(blob.digest, await client.blob(place.name, blob.digest))
  }
  await walk(place.reference)
  return content
}

/** Both places have the same bytes under the same digests. @returns the digest of the manifest */
export async function assertSame(found: Place, wanted: Place): Promise<string> {
  const [there, here] = await Promise.all([contentAt(found), contentAt(wanted)])
  assert.deepEqual([...there.keys()], [...here.keys()], `what ${written(found)} holds`)
  for (const [digest, bytes] of here)
    assert.ok(there.get(digest)?.equals(bytes), `the bytes of ${digest} at ${written(found)}`)
  return [...here.keys()][0]!
}

/** The place has these bytes, each under its digest. */
export async function assertHolds(
  place: Place,
  pieces: readonly { digest: string; bytes: Uint8Array }[],
): Promise<void> {
  const content = await contentAt(place)
  assert.deepEqual(
    [...content.keys()].toSorted(),
    [...new Set(pieces.map(({ digest }) => digest))].toSorted(),
    `what ${written(place)} holds`,
  )
  for (const { digest, bytes } of pieces)
    assert.ok(content.get(digest)?.equals(bytes), `the bytes of ${digest} at ${written(place)}`)
}

/**
 * An image that a client packed itself: its config is the one we know, and its layers, whatever they are compressed
 * with, hold the archives that the config names.
 *
 * @returns the digest of the manifest
 */
export async function assertImage(place: Place, id: string): Promise<string> {
  const { digest, manifest } = await manifestAt(place)
  assert.equal(manifest.config?.digest, id, `the config of ${written(place)}`)
  const content = await contentAt(place)
  const config = JSON.parse(content.get(id)!.toString()) as { rootfs: { diff_ids: string[] } }
  const archives = manifest.layers?.map((layer) => {
    const bytes = content.get(layer.digest)!
    return digestOf(/gzip$/.test(layer.mediaType) ? gunzipSync(bytes) : bytes)
  })
  assert.deepEqual(archives, config.rootfs.diff_ids, `the layers of ${written(place)}`)
  return digest
}

/** An index has an image of each of these ids, under its architecture. @returns the digest of the index */
export async function assertPlatforms(
  place: Place,
  ids: Readonly<Record<string, string>>,
): Promise<string> {
  const { digest, manifest } = await manifestAt(place)
  const found = new Map<string, string>()
  for (const child of manifest.manifests ?? []) {
    const architecture = child.platform?.architecture ?? 'none'
    const id = ids[architecture] ?? assert.fail(`an image for ${architecture}`)
    await assertImage({ ...place, reference: child.digest }, id)
    found.set(architecture, id)
  }
  assert.deepEqual(Object.fromEntries(found), ids, `the platforms of ${written(place)}`)
  return digest
}

/** Waits until the mirror has what the first daemon has under this tag. @returns where to pull it from */
export async function mirrored(world: World, name: string, tag: string): Promise<Place> {
  const wanted = await clientOf(world).digestOf(name, tag)
  assert.ok(wanted, `${world.host} has no ${name}:${tag}`)
  const mirror = clientOf({ host: world.mirror })
  while ((await mirror.digestOf(name, tag)) !== wanted)
    await pause(50, undefined, { signal: world.signal })
  return { host: world.mirror, name, reference: tag }
}

/** The place answers that it is not there. */
export async function assertGone({ host, name, reference }: Place): Promise<void> {
  const client = clientOf({ host })
  const { status } = await client.call('GET', `/v2/${name}/manifests/${reference}`)
  assert.equal(status, 404, `${name}:${reference} is still there`)
}

export function clientOf({ host }: Pick<Place, 'host'>): RegistryClient {
  return new RegistryClient(urlOf(host))
}
