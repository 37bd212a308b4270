import fc from 'fast-check'
import {
  DOCKER_MANIFEST,
  DOCKER_MANIFEST_LIST,
  OCI_IMAGE_INDEX,
  OCI_IMAGE_MANIFEST,
} from '../../src/oci/media-type.ts'
import { SMALL_CONTENTS, contentDigest, contentOf } from './content.ts'
import { mutations, mutate } from './mutations.ts'
import { rarely } from './texts.ts'
import type { Mutation } from './mutations.ts'

/** A manifest that was seen to be in the registry. */
export interface KnownManifest {
  digest: string
  size: number
  mediaType: string
}

/** How a manifest is made, right in the beginning and wrong by its mutations. */
export interface ManifestPlan {
  type: string
  /** Contents; the first is the config of an image. */
  blobs: number[]
  /** Which of the known manifests an index lists. */
  children: number[]
  subject: number | null
  extra: Record<string, unknown>
  /** Whether it says its own type. */
  typed: boolean
  mutations: Mutation[]
}

const TYPES = [OCI_IMAGE_MANIFEST, OCI_IMAGE_INDEX, DOCKER_MANIFEST, DOCKER_MANIFEST_LIST]

const content = fc.nat(SMALL_CONTENTS - 1)

/** Fields that some readers look at, with right and wrong values. */
const extra = fc.dictionary(
  fc.constantFrom('artifactType', 'annotations', 'x', 'urls', 'Layers', '__proto__', 'subject'),
  fc.oneof(
    fc.constantFrom('application/vnd.example+json', { a: 'b' }, null, '', {}, [], 0),
    fc.jsonValue({ maxDepth: 2 }),
  ),
  { maxKeys: 2 },
) as fc.Arbitrary<Record<string, unknown>>

function planned(faults: fc.Arbitrary<Mutation[]>): fc.Arbitrary<ManifestPlan> {
  return fc.record({
    type: fc.constantFrom(...TYPES),
    blobs: fc.array(content, { minLength: 1, maxLength: 4 }),
    children: fc.array(fc.nat(7), { maxLength: 3 }),
    subject: rarely(2, fc.nat(7)),
    extra: fc.oneof({ weight: 4, arbitrary: fc.constant({}) }, { weight: 1, arbitrary: extra }),
    typed: fc.boolean(),
    mutations: faults,
  })
}

/** A manifest without a fault, as far as the registry has what it refers to. */
export const goodManifest = planned(fc.constant([]))

/** A manifest with some faults. */
export const badManifest = planned(mutations)

/** The manifest's bytes. `known` are those that an index may list, and a subject may be. */
export function renderManifest(plan: ManifestPlan, known: readonly KnownManifest[]): Buffer {
  const isIndex = plan.type === OCI_IMAGE_INDEX || plan.type === DOCKER_MANIFEST_LIST
  const subject = plan.subject === null ? undefined : pick(known, plan.subject)
  const manifest = {
    schemaVersion: 2,
    ...(plan.typed ? { mediaType: plan.type } : {}),
    ...(isIndex ? indexParts(plan, known) : imageParts(plan)),
    ...(subject === undefined ? {} : { subject }),
    ...plan.extra,
  }
  return mutate(manifest, plan.mutations)
}

function imageParts({ blobs }: ManifestPlan): object {
  const [config = 0, ...layers] = blobs
  return {
    config: blob(config, 'application/vnd.oci.image.config.v1+json'),
    layers: layers.map((layer) => blob(layer, 'application/vnd.oci.image.layer.v1.tar+gzip')),
  }
}

function indexParts({ children }: ManifestPlan, known: readonly KnownManifest[]): object {
  return { manifests: children.flatMap((child) => pick(known, child) ?? []) }
}

function blob(number: number, mediaType: string): object {
  return { mediaType, digest: contentDigest(number), size: contentOf(number).length }
}

function pick(known: readonly KnownManifest[], which: number): KnownManifest | undefined {
  return known[which % Math.max(1, known.length)]
}
