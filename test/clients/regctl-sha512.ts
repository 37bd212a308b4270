import assert from 'node:assert/strict'
import { algorithmOf, digestOf, parseDigest } from '../../src/oci/digest.ts'
import { regctl } from './regctl-run.ts'
import { clientOf, written } from './support/content.ts'
import type { World } from './client.ts'
import type { Place } from './support/content.ts'

const NAME = 'regctl/app512'

/** An image of which regctl makes one whose every digest is of the other algorithm. */
export async function pushesSha512(world: World, image: Place, ids: string[]): Promise<void> {
  const place = { host: world.host, name: NAME, reference: 'v1' }
  const make = ['image', 'mod', '--digest-algo=sha512', `--create=${written(place)}`]
  await regctl(world, [...make, written(image)])
  const content = await contentAt(place)
  for (const digest of content.keys()) assert.match(digest, /^sha512:/)
  // The manifest and the config name digests, so they are others; the layers are the same bytes.
  const layers = [...content.values()].slice(2).map((bytes) => digestOf(bytes))
  assert.deepEqual(layers, ids)
}

export async function copiesSha512(world: World, from: string, to: string): Promise<void> {
  const place = { host: from, name: NAME, reference: 'v1' }
  const copied = { ...place, host: to }
  await regctl(world, ['image', 'copy', written(place), written(copied)])
  assert.deepEqual(await contentAt(copied), await contentAt({ ...place, host: world.host }))
}

/** The manifest, its config and its layers, each as its own digest says. */
async function contentAt({ host, name, reference }: Place): Promise<Map<string, Buffer>> {
  const content = new Map<string, Buffer>()
  const get = async (path: string): Promise<Buffer> => {
    const answer = await clientOf({ host }).expect(200, 'GET', `/v2/${name}/${path}`)
    const digest = parseDigest(answer.headers.get('docker-content-digest'))
    assert.equal(digestOf(answer.body, algorithmOf(digest)), digest)
    content.set(digest, answer.body)
    return answer.body
  }
  const { config, layers } = JSON.parse((await get(`manifests/${reference}`)).toString()) as {
    config: { digest: string }
    layers: { digest: string }[]
  }
  for (const { digest } of [config, ...layers]) await get(`blobs/${digest}`)
  return content
}
