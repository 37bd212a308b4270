import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { RegistryClient } from '../../support/client.ts'
import { CONTENT, seedlingAt, tagAt } from './shape.ts'
import type { Shape } from './shape.ts'

/** Images that are pulled, at equal distances. */
const SAMPLES = 50

/** What was grown. */
export interface Grown {
  readonly shape: Shape
  readonly gib: number
}

/**
 * Pulls a part of what was grown, and the last of its large layers as a whole.
 *
 * @throws AssertionError when a registry does not give what was grown
 */
export async function verifyGrown(
  host: string,
  { shape: { repositories, tags }, gib }: Grown,
  signal: AbortSignal,
): Promise<void> {
  const client = new RegistryClient(`http://${host}`)
  const all = repositories * tags
  for (let sample = 0; sample < Math.min(SAMPLES, all); sample++) {
    signal.throwIfAborted()
    const at = Math.floor((sample * all) / Math.min(SAMPLES, all))
    const { repository, tag, image } = seedlingAt(Math.floor(at / tags), at % tags)
    const { digest, bytes } = await client.manifest(repository, tag)
    assert.equal(digest, image.digest)
    assert.ok(bytes.equals(image.bytes))
    assert.ok((await client.blob(repository, image.config.digest)).equals(image.config.bytes))
  }
  if (gib > 0) await verifyLayer(host, client, tagAt(gib - 1), signal)
}

async function verifyLayer(
  host: string,
  client: RegistryClient,
  tag: string,
  signal: AbortSignal,
): Promise<void> {
  const { bytes } = await client.manifest(CONTENT, tag)
  const [layer] = (JSON.parse(bytes.toString()) as { layers: { digest: string; size: number }[] })
    .layers
  assert.ok(layer !== undefined)
  const answer = await fetch(`http://${host}/v2/${CONTENT}/blobs/${layer.digest}`, { signal })
  assert.equal(answer.status, 200)
  const hash = createHash('sha256')
  let size = 0
  for await (const piece of answer.body ?? []) {
    hash.update(piece)
    size += piece.length
  }
  assert.deepEqual([`sha256:${hash.digest('hex')}`, size], [layer.digest, layer.size])
}
