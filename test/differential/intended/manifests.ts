import { DOCKER_MANIFEST_LIST } from '../../../src/oci/media-type.ts'
import { tryParseTag } from '../../../src/oci/name.ts'
import { codesOf, headerOf } from '../exchange.ts'
import { digestText } from '../world.ts'
import { says } from './entry.ts'
import { IMAGE, INDEX, PARTS } from './examples.ts'
import type { Flaw } from '../flaws.ts'
import type { Put } from '../step.ts'
import type { Answer } from '../wire.ts'
import type { Intended } from './entry.ts'

const tagParameters: Intended = {
  id: 'tag-parameters',
  aspects: ['status', 'oci-tag'],
  when: ({ step, heliport, reference }) => {
    if (step.do !== 'put' || step.tags === undefined || 'tag' in step.to) return false
    if (!says(reference, 201)) return false
    const areTags = step.tags.every((tag) => tryParseTag(tag) !== undefined)
    if (!areTags) return says(heliport, 400, 'TAG_INVALID')
    return (
      says(heliport, 201) && headerOf(heliport, 'oci-tag') === [...new Set(step.tags)].join(', ')
    )
  },
  difference:
    '`PUT …/manifests/<digest>?tag=…`: Heliport sets those tags. Distribution does not look at them.',
  reason: 'A manifest and its tags in one request, of which all happens or nothing.',
  source: 'distribution-spec, “Pushing Manifests” (end-7b)',
  aligns: true,
  example: [{ ...INDEX, to: { digest: 'right' }, tags: ['v1', 'V2'] }],
}

const accept: Intended = {
  id: 'accept',
  aspects: ['status', 'body', 'content-type', 'content-length', 'docker-content-digest', 'etag'],
  when: ({ step, heliport, reference }) => {
    if (step.do !== 'manifest' || ![200, 206, 416].includes(heliport.status)) return false
    const taken = step.accept?.split(',').map((each) => each.split(';')[0]?.trim()) ?? []
    const type = headerOf(heliport, 'content-type') ?? ''
    if (taken.includes(type)) return false
    if (says(reference, 404, 'MANIFEST_UNKNOWN')) return true
    return type === DOCKER_MANIFEST_LIST && 'tag' in step.to && isConverted(heliport, reference)
  },
  difference:
    'A manifest whose type is not in `Accept`: Heliport sends it. Distribution does not find OCI images (404), and sends one image of a Docker list instead of the list.',
  reason:
    'A manifest that exists MUST be answered with 200; another one in its place has another digest. `Accept` is a SHOULD of clients, and a registry does not convert.',
  source: 'distribution-spec, “Pulling manifests” (end-3)',
  example: [...PARTS, IMAGE, { do: 'manifest', method: 'GET', repository: 'a', to: { tag: 'v1' } }],
}

/** One of the images in the list, or the refusal to send it, in place of the list. */
function isConverted(ours: Answer, theirs: Answer): boolean {
  const [list, other] = [ours, theirs].map((each) => headerOf(each, 'docker-content-digest'))
  return theirs.status === 200 ? list !== other : says(theirs, 400, 'MANIFEST_INVALID')
}

/** What Heliport refuses and the reference takes, of some manifests at least. */
const STRICT: ReadonlySet<Flaw | undefined> = new Set<Flaw>([
  'wrong size',
  'negative size',
  'no size',
  'descriptor without a type',
  'list is null',
  'list is missing',
  'lists of both kinds',
  'null for the other list',
  'list in other letters',
  'subject is text',
  'annotation is a number',
  'annotations are a list',
  'artifact type is a number',
  'a key twice',
  'not UTF-8',
  'half of a surrogate pair',
  'too deep',
])

const strictManifests: Intended = {
  id: 'strict-manifests',
  aspects: ['status'],
  when: ({ step, heliport, reference }) =>
    step.do === 'put' &&
    STRICT.has(step.flaw) &&
    says(heliport, 400, 'MANIFEST_INVALID') &&
    says(reference, 201),
  difference:
    'A manifest with sizes that are not those of the content, without what is REQUIRED in it, or that two readers could see differently (a key twice, in other letters, the lists of both kinds, no UTF-8): 400 MANIFEST_INVALID from Heliport. Distribution takes it.',
  reason:
    'Clients fail on such images when they pull them, and a signature must not mean two things (CVE-2021-41190).',
  source: 'image-spec manifest.md, image-index.md, descriptor.md; RFC 8259 4 and 8.1',
  aligns: true,
  example: [...PARTS, { ...IMAGE, flaw: 'wrong size' }],
}

/** The codes that Heliport may name for what is wrong with the request. */
function faultsOf({ flaw, type, to, tags = [] }: Put): string[] {
  return [
    ...(flaw !== undefined || !type?.startsWith('right') ? ['MANIFEST_INVALID'] : []),
    ...(flaw?.startsWith('missing ') === true ? ['MANIFEST_BLOB_UNKNOWN'] : []),
    ...('digest' in to && to.digest === 'wrong' ? ['DIGEST_INVALID'] : []),
    ...(tags.some((tag) => tryParseTag(tag) === undefined) ? ['TAG_INVALID'] : []),
  ]
}

const refusedManifests: Intended = {
  id: 'refused-manifests',
  aspects: ['status', 'codes'],
  when: ({ step, heliport, reference }) => {
    if (step.do !== 'put' || reference.status < 400 || codesOf(reference) === undefined)
      return false
    const code = codesOf(heliport) ?? ''
    const isFault = faultsOf(step).includes(code) || codesOf(reference)?.includes(code) === true
    const status = step.flaw === 'over 4 MiB' && code === 'MANIFEST_INVALID' ? 413 : 400
    return isFault && heliport.status === status
  },
  difference:
    'Both refuse a manifest, but not in the same words: Heliport with 400 and one code, 413 when it is too large. Distribution also with 500 UNKNOWN, and with several codes.',
  reason:
    'What is no manifest is MANIFEST_INVALID, and not the server’s failure. Which of several faults is named first is free.',
  source: 'distribution-spec, “Error Codes” (code-6); “Pushing Manifests”: 413',
  example: [
    { ...INDEX, flaw: 'schema version 1' },
    { ...INDEX, flaw: 'over 4 MiB' },
  ],
}

const foreignLayers: Intended = {
  id: 'foreign-layers',
  aspects: ['status'],
  when: ({ step, heliport, reference }) =>
    step.do === 'put' &&
    step.flaw?.startsWith('layer that is elsewhere') === true &&
    says(heliport, 201) &&
    [400, 500].includes(reference.status) &&
    codesOf(reference)?.includes('MANIFEST_BLOB_UNKNOWN') === true,
  difference:
    'A non-distributable layer that is not here: Heliport takes the manifest. Distribution refuses it, with `urls` by its default configuration.',
  reason:
    'Such layers are not pushed; the official suite tests it. Heliport never follows their `urls`.',
  source: 'image-spec layer.md, “Non-Distributable Layers”',
  aligns: true,
  example: [...PARTS, { ...IMAGE, flaw: 'layer that is elsewhere' }],
}

const manifestAsBlob: Intended = {
  id: 'manifest-as-blob',
  aspects: ['status'],
  when: ({ step, world, heliport, reference }) =>
    step.do === 'blob' &&
    step.method !== 'DELETE' &&
    world.in(step.repository).manifests.has(digestText(step.digest)) &&
    [200, 206, 304, 416].includes(heliport.status) &&
    says(reference, 404, 'BLOB_UNKNOWN'),
  difference:
    'A manifest’s digest under `/blobs/`: Heliport sends the manifest’s bytes. Distribution has no such blob (404).',
  reason:
    'In an image layout a manifest is a blob like any other, and registries that keep layouts (zot) send it too. Who knows a digest and not what it is of asks there first, as containerd does.',
  source: 'image-spec image-layout.md, “Blobs”; distribution-spec leaves it open',
  example: [
    INDEX,
    { do: 'blob', method: 'GET', repository: 'a', digest: { manifest: 'empty index' } },
  ],
}

export const MANIFEST_ENTRIES: readonly Intended[] = [
  tagParameters,
  accept,
  strictManifests,
  refusedManifests,
  foreignLayers,
  manifestAsBlob,
]
