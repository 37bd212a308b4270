import fc from 'fast-check'
import { pushBlob } from './arbitrary-blobs.ts'
import {
  isRead,
  manifestId,
  match,
  oddDigest,
  rarely,
  repository,
  seldom,
  tag,
} from './arbitrary-parts.ts'
import { FLAWS } from './flaws.ts'
import { ACCEPT_ALL } from './learn.ts'
import { planOf } from './manifests.ts'
import type { ManifestId } from './manifests.ts'
import type { BlobStep, ManifestStep, Put, Step } from './step.ts'
import type { Repository } from './universe.ts'

const type = fc.oneof(
  { weight: 20, arbitrary: fc.constant('right') },
  {
    weight: 3,
    arbitrary: fc.constantFrom(
      'right; charset=utf-8',
      undefined,
      'application/json',
      'application/vnd.oci.image.manifest.v1+json',
      'application/vnd.oci.image.index.v1+json',
      'application/vnd.docker.distribution.manifest.v2+json',
      'application/vnd.docker.distribution.manifest.v1+prettyjws',
      'nothing / of / a type',
    ),
  },
)

const oddTag = fc.constantFrom('-x', '.x', 'x'.repeat(129), 'a b', 'ä', 'x+y')

const to = fc.oneof(
  { weight: 5, arbitrary: fc.record({ tag }) },
  {
    weight: 4,
    arbitrary: fc.record({ digest: rarely(15, fc.constant('wrong'), fc.constant('right')) }),
  },
  { weight: 1, arbitrary: fc.record({ digest: fc.constant('right, by sha512') }) },
  { weight: 1, arbitrary: fc.record({ tag: oddTag }) },
) as fc.Arbitrary<Put['to']>

const put = fc
  .record({
    repository,
    manifest: manifestId,
    flaw: seldom(30, fc.constantFrom(...FLAWS)),
    to,
    type,
    tags: seldom(12, fc.array(rarely(10, oddTag, tag), { minLength: 1, maxLength: 3 })),
  })
  .map(({ flaw, tags, ...step }): Put => ({
    do: 'put',
    ...step,
    ...(flaw && { flaw }),
    ...(tags && { tags }),
  }))

/** All that a manifest needs, and then the manifest, as a client pushes an image. */
function pushAll(where: Repository, id: ManifestId, last: Put, modes: number[]): Step[] {
  return [...needs(where, id, modes), last]
}

function needs(where: Repository, id: ManifestId, modes: number[]): Step[] {
  const { blobs, children } = planOf(id)
  return [
    ...children.flatMap((child) => [
      ...needs(where, child, modes),
      {
        do: 'put',
        repository: where,
        manifest: child,
        to: { digest: 'right' },
        type: 'right',
      } as const,
    ]),
    ...blobs.flatMap(([blob, by], index) =>
      pushBlob(where, blob, by, modes[index % modes.length] ?? 0),
    ),
  ]
}

const accept = fc.oneof(
  { weight: 12, arbitrary: fc.constant(ACCEPT_ALL) },
  {
    weight: 2,
    arbitrary: fc.constantFrom(
      undefined,
      '*/*',
      'application/vnd.oci.image.manifest.v1+json',
      'application/vnd.docker.distribution.manifest.v2+json',
      'application/vnd.docker.distribution.manifest.list.v2+json;q=0.5',
    ),
  },
)

const target = fc.oneof(
  { weight: 4, arbitrary: fc.record({ tag }) },
  { weight: 5, arbitrary: manifestId.map((manifest) => ({ digest: { manifest } })) },
  { weight: 1, arbitrary: oddDigest.map((text) => ({ digest: { text } })) },
  { weight: 1, arbitrary: fc.record({ tag: oddTag }) },
) as fc.Arbitrary<ManifestStep['to']>

const read = fc
  .record({
    method: fc.constantFrom('GET', 'HEAD', 'DELETE'),
    repository,
    to: target,
    accept,
    range: seldom(4, fc.constantFrom('bytes=0-9', 'bytes=999999-')),
    match: seldom(10, match),
  })
  .map(({ accept: types, range, match: etag, ...step }): ManifestStep => ({
    do: 'manifest',
    ...(step as Pick<ManifestStep, 'method' | 'repository' | 'to'>),
    ...(types && { accept: types }),
    ...(range && { range }),
    ...(etag && isRead(step.method) && { match: etag }),
  }))

/** A whole image, and what is done to it or to others afterwards. */
const pushed: fc.Arbitrary<Step[]> = fc
  .tuple(
    put,
    fc.array(fc.nat(3), { minLength: 1, maxLength: 3 }),
    fc.array(read, { maxLength: 3 }),
    seldom(5, fc.constantFrom('GET', 'HEAD', 'DELETE')),
  )
  .map(([last, modes, reads, asBlob]) => [
    ...pushAll(last.repository, last.manifest, last, modes),
    ...reads.map((step): Step => about(last, step)),
    ...(asBlob === undefined ? [] : [readAsBlob(last, asBlob)]),
  ])

function readAsBlob({ repository: where, manifest }: Put, method: BlobStep['method']): Step {
  return { do: 'blob', method, repository: where, digest: { manifest } }
}

/** Has it read what was pushed, mostly. */
function about(
  { repository: where, manifest, to: pushedTo }: Put,
  step: ManifestStep,
): ManifestStep {
  if ('tag' in step.to || 'text' in step.to.digest) return step
  const again = 'tag' in pushedTo ? pushedTo : { digest: { manifest } }
  return { ...step, repository: where, to: again }
}

export const manifestStories: fc.Arbitrary<Step[]> = fc.oneof(
  { weight: 5, arbitrary: pushed },
  { weight: 1, arbitrary: put.map((step) => [step]) },
  { weight: 2, arbitrary: read.map((step) => [step]) },
)
