import { isBundle } from './bundle.ts'
import { SIMPLE_SIGNING } from './simple-signing.ts'
import type { Descriptor, ManifestFacts } from '../../oci/manifest.ts'
import type { Form } from './text-check.ts'

/** Layers that say that they are words about an image, and how such words look. */
const FORMS: ReadonlyMap<string, Form> = new Map([
  [SIMPLE_SIGNING, 'json'],
  ['application/vnd.dsse.envelope.v1+json', 'json'],
  ['application/vnd.in-toto+json', 'json'],
  ['application/jose+json', 'json'],
  ['application/spdx+json', 'json'],
  ['text/spdx', 'spdx'],
  ['text/spdx+json', 'json'],
  ['text/spdx+xml', 'xml'],
  ['application/vnd.cyclonedx', 'json or xml'],
  ['application/vnd.cyclonedx+json', 'json'],
  ['application/vnd.cyclonedx+xml', 'xml'],
  ['application/vnd.syft+json', 'json'],
])

/** Layers of one manifest, as many as signatures of one image are looked at. */
const LAYERS_MAX = 128
/** All that one manifest names: what cosign reads of a layer. */
const BYTES_MAX = 128 * 1024 * 1024

/** A blob, and what it says that it is. */
export interface ClaimedDocument {
  readonly blob: Descriptor
  readonly form: Form
}

/**
 * What has to be true of a manifest that says that it holds nothing but signatures, attestations and bills of materials;
 * `undefined` when it does not say so, or is larger than such are. The types of layers are only words: nothing keeps an
 * image from calling its layers so.
 */
export function claimedDocuments({
  kind,
  config,
  layers,
}: ManifestFacts): ClaimedDocument[] | undefined {
  if (kind !== 'image' || config === undefined) return undefined
  if (layers.length === 0 || layers.length > LAYERS_MAX) return undefined
  const claimed: ClaimedDocument[] = [{ blob: config, form: 'json' }]
  for (const blob of layers) {
    const form = isBundle(blob.mediaType) ? 'json' : FORMS.get(blob.mediaType)
    if (form === undefined) return undefined
    claimed.push({ blob, form })
  }
  const bytes = claimed.reduce((sum, { blob }) => sum + blob.size, 0)
  return bytes > BYTES_MAX ? undefined : claimed
}
