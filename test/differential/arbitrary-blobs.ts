import fc from 'fast-check'
import {
  algorithm,
  anyDigest,
  blobId,
  blobNamed,
  isRead,
  match,
  oddDigest,
  rarely,
  repository,
  seldom,
} from './arbitrary-parts.ts'
import { REPOSITORIES, contentOf } from './universe.ts'
import type { DigestAlgorithm } from '../../src/oci/digest.ts'
import type { Append, BlobStep, Finish, Mount, RangePlan, Single, Step } from './step.ts'
import type { BlobId, Repository } from './universe.ts'

const upload = rarely(15, fc.nat(3), fc.constant(0))
const elsewhere = seldom(4, repository)
const amount = fc.constantFrom('the rest', 'some', 'some', 'some', 'nothing')

const wrongRange: fc.Arbitrary<RangePlan> = fc.constantFrom(
  'gap',
  'repeated',
  'longer than the body',
  'shorter than the body',
  'gap, and longer than the body',
  'backwards',
  'text',
)
const range: fc.Arbitrary<RangePlan> = fc.oneof(
  { weight: 5, arbitrary: fc.constant('right') },
  { weight: 2, arbitrary: fc.constant('none') },
  { weight: 3, arbitrary: wrongRange },
)

/** Leaves out what is undefined, for the sake of what is printed. */
function plain<T extends object>(record: fc.Arbitrary<T>): fc.Arbitrary<T> {
  return record.map(
    (value) =>
      Object.fromEntries(Object.entries(value).filter(([, each]) => each !== undefined)) as T,
  )
}

const start = plain(
  fc.record({
    do: fc.constant('start' as const),
    repository,
    blob: blobId,
    algorithm: seldom(10, fc.constantFrom('sha256', 'sha512', 'md5')),
  }),
)

/** Distribution would read the content for a sha384 before it refuses it, and stand elsewhere then. */
const unknownDigest = oddDigest.filter((text) => !text.startsWith('sha384:'))

const append = plain(
  fc.record({
    do: fc.constant('append' as const),
    upload,
    in: elsewhere,
    amount,
    range: rarely(5, fc.constant('with a unit'), range),
    type: seldom(4, fc.constantFrom('text/plain', 'application/octet-stream; a=b')),
    chunked: seldom(10, fc.constant(true)),
  }),
) as fc.Arbitrary<Append>

const finish = plain(
  fc.record({
    do: fc.constant('finish' as const),
    upload,
    in: elsewhere,
    amount: rarely(15, amount, fc.constant('the rest')),
    range,
    digest: fc.oneof(
      { weight: 20, arbitrary: fc.constant('right') },
      { weight: 4, arbitrary: fc.constant('right, by sha512') },
      { weight: 1, arbitrary: fc.constant('missing') },
      { weight: 2, arbitrary: blobNamed },
      { weight: 1, arbitrary: fc.record({ text: unknownDigest }) },
    ),
  }),
) as fc.Arbitrary<Finish>

const status = plain(
  fc.record({
    do: fc.constant('status' as const),
    upload,
    in: elsewhere,
    method: rarely(10, fc.constant('HEAD'), fc.constant('GET')),
  }),
) as fc.Arbitrary<Step>

const cancel = plain(fc.record({ do: fc.constant('cancel' as const), upload, in: elsewhere }))

/** One upload with all that may happen to it on its way. */
const wholeUpload: fc.Arbitrary<Step[]> = fc
  .tuple(
    start,
    fc.array(
      fc.oneof(
        { weight: 8, arbitrary: append },
        { weight: 2, arbitrary: status },
        { weight: 1, arbitrary: cancel as fc.Arbitrary<Step> },
      ),
      { maxLength: 6 },
    ),
    fc.array(fc.oneof({ weight: 9, arbitrary: finish }, status), { maxLength: 2 }),
  )
  .map(([first, between, last]) => [first as Step, ...between, ...last])

const single = fc
  .record({
    do: fc.constant('single' as const),
    repository,
    blob: blobId,
    algorithm,
    wrong: seldom(15, anyDigest),
  })
  .map(({ algorithm: by, wrong, ...step }): Single => ({
    ...step,
    digest: wrong ?? { blob: step.blob, algorithm: by },
  }))

const mount = plain(
  fc.record({
    do: fc.constant('mount' as const),
    repository,
    digest: anyDigest,
    from: fc.oneof(
      { weight: 6, arbitrary: fc.constantFrom(...REPOSITORIES) },
      { weight: 1, arbitrary: fc.constantFrom('nowhere', 'No/Name', undefined) },
    ),
  }),
) as fc.Arbitrary<Mount>

export const uploadStories: fc.Arbitrary<Step[]> = fc.oneof(
  { weight: 6, arbitrary: wholeUpload },
  { weight: 2, arbitrary: single.map((step) => [step]) },
  { weight: 2, arbitrary: mount.map((step) => [step]) },
  { weight: 1, arbitrary: fc.oneof(append, finish, status, cancel).map((step) => [step as Step]) },
)

/** What a client that does everything right sends for a blob, in any of the modes. */
export function pushBlob(
  where: Repository,
  blob: BlobId,
  by: DigestAlgorithm,
  mode: number,
): Step[] {
  const begin: Step = { do: 'start', repository: where, blob }
  const end: Step = {
    do: 'finish',
    upload: 0,
    amount: 'the rest',
    range: 'none',
    digest: by === 'sha256' ? 'right' : 'right, by sha512',
  }
  const piece = { do: 'append', upload: 0, amount: 'some', range: 'right' } as const
  switch (mode % 4) {
    case 0:
      return [begin, end]
    case 1:
      return [{ do: 'single', repository: where, blob, digest: { blob, algorithm: by } }]
    case 2:
      // Fewer bytes do not make three pieces.
      if (contentOf(blob).length > 2) return [begin, piece, piece, { ...end, range: 'right' }]
  }
  return [begin, { do: 'append', upload: 0, amount: 'the rest', range: 'none' }, end]
}

const oneRange = fc.constantFrom(
  'bytes=0-0',
  'bytes=0-',
  'bytes=5-9',
  'bytes=-3',
  'bytes=-0',
  'bytes=0-99999999',
  'bytes=500-0',
  'bytes=5000000-',
  'bytes=99999999999999999999-',
  'bytes=0-0,2-3',
  'bytes=0-,0-',
  'bytes=',
  'bytes=-',
  'bytes=a-b',
  'bytes 0-0',
  'items=0-1',
  ' bytes = 0 - 1 ',
  'Bytes=0-1',
)

const read = plain(
  fc.record({
    do: fc.constant('blob' as const),
    method: fc.constantFrom('GET', 'GET', 'HEAD', 'DELETE'),
    repository,
    digest: anyDigest,
    range: seldom(35, oneRange),
    match: seldom(10, match),
  }),
).map(({ match: etag, ...step }) => ({
  ...step,
  ...(etag && isRead(step.method) && { match: etag }),
})) as fc.Arbitrary<BlobStep>

/** Pushed, then read or deleted and read again. */
const pushed: fc.Arbitrary<Step[]> = fc
  .tuple(repository, blobId, algorithm, fc.nat(3), fc.array(read, { maxLength: 3 }))
  .map(([where, blob, by, mode, reads]) => [
    ...pushBlob(where, blob, by, mode),
    ...reads.map((step): Step => ({ ...step, repository: where, digest: { blob, algorithm: by } })),
  ])

/** Pushed, then mounted elsewhere, from there mostly. */
const mounted: fc.Arbitrary<Step[]> = fc
  .tuple(repository, blobId, algorithm, fc.nat(3), mount)
  .map(([where, blob, by, mode, step]) => {
    const from = step.from !== undefined && isRepository(step.from) ? where : step.from
    return [
      ...pushBlob(where, blob, by, mode),
      { ...step, digest: { blob, algorithm: by }, from } as const,
    ]
  })

function isRepository(name: string): boolean {
  return REPOSITORIES.some((each) => each === name)
}

export const blobStories: fc.Arbitrary<Step[]> = fc.oneof(
  { weight: 2, arbitrary: pushed },
  { weight: 1, arbitrary: mounted },
  { weight: 1, arbitrary: read.map((step) => [step]) },
)
