import { isBundle } from './bundle.ts'
import { SIMPLE_SIGNING } from './simple-signing.ts'
import type { ManifestFacts } from '../../oci/manifest.ts'

/** Layers that are words about an image and nothing that could be run. */
const ABOUT: ReadonlySet<string> = new Set([
  SIMPLE_SIGNING,
  'application/vnd.dsse.envelope.v1+json',
  'application/vnd.in-toto+json',
  'application/jose+json',
  'application/cose',
  'application/spdx+json',
  'text/spdx',
  'text/spdx+json',
  'text/spdx+xml',
  'application/vnd.cyclonedx',
  'application/vnd.cyclonedx+json',
  'application/vnd.cyclonedx+xml',
  'application/vnd.syft+json',
])

/**
 * Whether a manifest holds nothing but signatures, attestations and bills of materials: it needs no signature, since it
 * can be made anew by anybody, cannot be run, and is to be verified by whoever reads it.
 */
export function isAboutOthers({ kind, layers }: ManifestFacts): boolean {
  if (kind !== 'image' || layers.length === 0) return false
  return layers.every(({ mediaType }) => ABOUT.has(mediaType) || isBundle(mediaType))
}
