import { codesOf, headerOf } from '../exchange.ts'
import { BLOBS, blobDigest } from '../universe.ts'
import { digestText } from '../world.ts'
import { says } from './entry.ts'
import { BY_SHA512, GET_INDEX, INDEX, PUSH_BY_SHA512 } from './examples.ts'
import type { Exchange } from '../exchange.ts'
import type { Step } from '../step.ts'
import type { Intended } from './entry.ts'

const SHA384 = `sha384:${'a'.repeat(96)}`

/** The same content by its sha512, as Heliport names it, and by its sha256, as Distribution does. */
function isSameContent(sha512: string | undefined, sha256: string | undefined): boolean {
  return BLOBS.some(
    (blob) =>
      sha512?.includes(blobDigest(blob, 'sha512')) === true &&
      sha256?.includes(blobDigest(blob)) === true,
  )
}

function isNamedOtherwise({ heliport, reference }: Exchange): boolean {
  return ['docker-content-digest', 'location', 'etag'].every((name) => {
    const ours = headerOf(heliport, name)
    return ours === undefined || isSameContent(ours, headerOf(reference, name))
  })
}

/** A blob that is in Heliport under its sha512, and that the reference has lost. */
function isLost({ step, world, heliport, reference }: Exchange): boolean {
  if (step.do !== 'blob' || step.method === 'DELETE') return false
  const digest = digestText(step.digest)
  return (
    digest.startsWith('sha512:') &&
    world.in(step.repository).blobs.has(digest) &&
    [200, 206, 304, 416].includes(heliport.status) &&
    (says(reference, 404, 'BLOB_UNKNOWN') || says(reference, 500, 'UNKNOWN'))
  )
}

/** The `ETag` is made of the digest, so it is another one too; a 416 has none, but it names the digest. */
function hasOtherTag({ step, heliport, reference }: Exchange): boolean {
  if (step.do !== 'blob' || step.match?.includes('right') !== true) return false
  const [ours, theirs] = [heliport, reference].map((each) =>
    headerOf(each, 'docker-content-digest'),
  )
  return (
    heliport.status === 304 &&
    [200, 206, 416].includes(reference.status) &&
    isSameContent(ours, theirs)
  )
}

const sha512Blobs: Intended = {
  id: 'sha512-blobs',
  aspects: ['status', 'docker-content-digest', 'location', 'etag'],
  when: (exchange) => {
    const { step, heliport, reference } = exchange
    if (heliport.status !== reference.status) return isLost(exchange) || hasOtherTag(exchange)
    return (step.do === 'finish' || step.do === 'blob') && isNamedOtherwise(exchange)
  },
  difference:
    'A blob that was pushed by its sha512 has that name in Heliport. Distribution answers with its sha256, and has it by both names; mounted, it is not found (404 or 500) behind a 201.',
  reason:
    'The digest is the name that the client gave, and clients compare the header with what they asked for. What was acknowledged is there.',
  source:
    'distribution-spec, “Pulling blobs”: `Docker-Content-Digest`; image-spec descriptor.md, “Registered Algorithms”',
  aligns: true,
  example: [
    ...PUSH_BY_SHA512,
    { do: 'blob', method: 'GET', repository: 'a', digest: BY_SHA512 },
    {
      do: 'blob',
      method: 'GET',
      repository: 'a',
      digest: BY_SHA512,
      match: 'right',
      range: 'bytes=5000000-',
    },
    { do: 'mount', repository: 'a/b', digest: BY_SHA512, from: 'a' },
  ],
}

const algorithms: Intended = {
  id: 'digest-algorithms',
  aspects: ['status', 'codes'],
  when: ({ step, heliport, reference }) => {
    if (step.do === 'put' && 'digest' in step.to && step.to.digest === 'right, by sha512')
      return codesOf(heliport) !== 'DIGEST_INVALID' && says(reference, 400, 'DIGEST_INVALID')
    return (
      asksForSha384(step) &&
      says(heliport, 400, 'DIGEST_INVALID') &&
      [202, 304, 400, 404, 416].includes(reference.status)
    )
  },
  difference:
    'A manifest pushed by its sha512: Heliport takes it, if nothing else is against it. Distribution refuses it (400 DIGEST_INVALID). A sha384 digest is invalid for Heliport, and known to Distribution.',
  reason: 'sha256 and sha512 are the registered ones, and the official suite tests both.',
  source:
    'image-spec descriptor.md, “Registered Algorithms”; distribution-spec, “Pushing Manifests”',
  aligns: true,
  example: [
    { ...INDEX, to: { digest: 'right, by sha512' } },
    { ...GET_INDEX, to: { digest: { text: SHA384 } } },
  ],
}

function asksForSha384(step: Step): boolean {
  const to = step.do === 'manifest' && 'digest' in step.to ? step.to.digest : undefined
  const plan = step.do === 'blob' ? step.digest : to
  return plan !== undefined && 'text' in plan && plan.text.startsWith('sha384:')
}

export const DIGESTS: readonly Intended[] = [sha512Blobs, algorithms]
