import assert from 'node:assert/strict'
import fc from 'fast-check'
import { SealedPositions, UnknownSeal } from '../../src/api/sealed-position.ts'
import { digestOf, tryParseDigest } from '../../src/oci/digest.ts'
import { REFERENCES_MAX } from '../../src/oci/manifest.ts'
import { tryParseName } from '../../src/oci/name.ts'
import {
  OCI_IMAGE_INDEX,
  OCI_IMAGE_MANIFEST,
  isManifestMediaType,
} from '../../src/oci/media-type.ts'
import { snapshotNameOf } from '../../src/oci/snapshot-name.ts'
import { readFallbackIndex } from '../../src/registry/fallback-index.ts'
import { mutate, mutations } from './mutations.ts'
import { bounded, isA, outcome } from './properties.ts'
import type { RepositoryName } from '../../src/oci/name.ts'
import type { ManifestDescriptor } from '../../src/oci/manifest.ts'

const rightName = fc.stringMatching(
  /^[a-z0-9]{1,8}(?:[._-][a-z0-9]{1,8}){0,2}(?:\/[a-z0-9]{1,8}){0,3}$/,
)
const rightRoot = fc.stringMatching(/^baf[a-z2-7]{50,100}$/)

describe('the name of a repository in the past (properties)', () => {
  it('is read as it was made, and what it means is told from the name alone', () => {
    fc.assert(
      fc.property(rightRoot, rightName, (root, name) => {
        const whole = tryParseName(`at/${root}/${name}`)
        if (whole === undefined) return // too long a name
        assert.deepEqual(snapshotNameOf(whole), { root, name })
      }),
      { numRuns: 1000 },
    )
  })

  it('is of any name only that one, or of no past at all', () => {
    const part = fc.oneof(
      fc.constantFrom(
        'at',
        'baf',
        'at/at',
        '',
        '..',
        `bafy${'a'.repeat(55)}`,
        `baf${'z'.repeat(101)}`,
      ),
      rightRoot,
      rightName,
      fc.string({ unit: fc.constantFrom(...Array.from('abf27/._-A')), maxLength: 70 }),
    )
    fc.assert(
      fc.property(fc.array(part, { maxLength: 5 }), (parts) => {
        const name = tryParseName(parts.join('/'))
        if (name === undefined) return
        const snapshot = snapshotNameOf(name)
        if (snapshot === undefined) return
        assert.equal(`at/${snapshot.root}/${snapshot.name}`, name)
        assert.equal(tryParseName(snapshot.name), snapshot.name)
        assert.match(snapshot.root, /^baf[a-z2-7]{50,100}$/)
      }),
      { numRuns: 2000 },
    )
  })

  it('takes little time and throws nothing, whatever is asked', () => {
    const text = fc.oneof(
      fc.string({ unit: 'binary' }),
      fc.nat(100_000).map((length) => `at/baf${'a'.repeat(length)}`),
      fc.nat(5000).map((times) => 'at/'.repeat(times)),
    )
    fc.assert(
      fc.property(text, (name) => void bounded(() => snapshotNameOf(name as RepositoryName))),
    )
  })
})

const entry = fc.record(
  {
    mediaType: fc.constantFrom(OCI_IMAGE_MANIFEST, OCI_IMAGE_INDEX, 'a/b', ''),
    digest: fc
      .tuple(fc.string({ maxLength: 3 }), fc.constantFrom('sha256', 'sha512'))
      .map(([text, algorithm]) => digestOf(Buffer.from(text), algorithm as 'sha256')),
    size: fc.oneof(fc.nat(), fc.constantFrom(-1, 1.5, 2 ** 53)),
    artifactType: fc.constantFrom('application/vnd.example+json', '', null, 'é', 7),
    annotations: fc.oneof(
      fc.dictionary(fc.string({ maxLength: 4 }), fc.string({ maxLength: 4 }), { maxKeys: 3 }),
      fc.constantFrom<unknown>(null, {}, { a: 1 }, [], 'x'),
    ),
  },
  { requiredKeys: ['mediaType', 'digest', 'size'] },
)

const index = fc.array(entry, { maxLength: 6 }).map((manifests) => ({
  schemaVersion: 2,
  mediaType: OCI_IMAGE_INDEX,
  manifests,
}))

/** What every descriptor of the list is. */
function isGood(each: ManifestDescriptor): void {
  assert.equal(tryParseDigest(each.digest), each.digest)
  assert.ok(Number.isSafeInteger(each.size) && each.size >= 0)
  assert.ok(isManifestMediaType(each.mediaType))
  assert.ok(each.artifactType === undefined || /^[\x20-\x7e]{1,255}$/.test(each.artifactType))
  for (const text of Object.values(each.annotations ?? {})) assert.equal(typeof text, 'string')
  const known = ['annotations', 'artifactType', 'digest', 'mediaType', 'size']
  assert.ok(Object.keys(each).every((key) => known.includes(key)))
}

describe('the index behind a fallback tag (properties)', () => {
  it('lists descriptors of manifests and nothing else, whatever stands there', () => {
    const bytes = fc.oneof(
      {
        weight: 4,
        arbitrary: fc.tuple(index, mutations).map(([value, faults]) => mutate(value, faults)),
      },
      { weight: 1, arbitrary: fc.json({ maxDepth: 3 }).map((text) => Buffer.from(text)) },
      { weight: 1, arbitrary: fc.uint8Array({ maxLength: 60 }) },
    )
    fc.assert(
      fc.property(bytes, (text) => bounded(() => readFallbackIndex(text)).forEach(isGood)),
      { numRuns: 2000 },
    )
  })

  it('loses none that is right, for those beside it that are not', () => {
    const right = entry.filter(
      ({ mediaType, size, artifactType, annotations = null }) =>
        isManifestMediaType(mediaType) &&
        Number.isSafeInteger(size) &&
        size >= 0 &&
        (artifactType === undefined || typeof artifactType !== 'number') &&
        artifactType !== 'é' &&
        isTexts(annotations),
    )
    const wrong = fc.constantFrom<unknown>(
      null,
      7,
      [],
      {},
      'x',
      { digest: 'sha256:x' },
      { size: 1 },
    )
    fc.assert(
      fc.property(fc.array(fc.oneof(right, wrong), { maxLength: 8 }), (manifests) => {
        const listed = readFallbackIndex(
          Buffer.from(JSON.stringify({ schemaVersion: 2, manifests })),
        )
        const wanted = manifests.flatMap((each) => (isRight(each) ? [each.digest] : []))
        assert.deepEqual(
          listed.map(({ digest }) => digest),
          wanted,
        )
        // What was read is read again as it was.
        const again = readFallbackIndex(Buffer.from(JSON.stringify({ manifests: listed })))
        assert.deepEqual(JSON.stringify(again), JSON.stringify(listed))
      }),
      { numRuns: 500 },
    )
  })

  it('has no more of them than a manifest may name', () => {
    const one = { mediaType: OCI_IMAGE_MANIFEST, digest: digestOf(Buffer.from('a')), size: 1 }
    const bytes = (count: number): Buffer =>
      Buffer.from(JSON.stringify({ manifests: Array.from({ length: count }, () => one) }))
    assert.equal(readFallbackIndex(bytes(REFERENCES_MAX)).length, REFERENCES_MAX)
    assert.equal(readFallbackIndex(bytes(REFERENCES_MAX + 5)).length, REFERENCES_MAX)
  })
})

function isRight(value: unknown): value is { digest: string } {
  return typeof value === 'object' && value !== null && 'mediaType' in value
}

function isTexts(value: unknown): boolean {
  if (value === null) return true
  return (
    typeof value === 'object' &&
    !Array.isArray(value) &&
    Object.values(value).every((text) => typeof text === 'string')
  )
}

describe('where a list goes on (properties)', () => {
  const positions = new SealedPositions()
  const others = new SealedPositions()

  it('is opened as it was sealed, by who sealed it alone', () => {
    fc.assert(
      fc.property(rightName, (name) => {
        const sealed = positions.seal(name)
        assert.match(sealed, /^~[A-Za-z0-9_-]+$/)
        assert.equal(positions.open(sealed), name)
        assert.throws(() => others.open(sealed), UnknownSeal)
      }),
    )
  })

  it('is the text itself when that was never sealed, and else is none', () => {
    const sealed = rightName.map((name) => positions.seal(name))
    const changed = fc
      .tuple(sealed, fc.nat(), fc.constantFrom('A', 'b', '_', '', '%', 'é', '~~'))
      .map(([text, at, letter]) => {
        const place = 1 + (at % (text.length - 1))
        return text.slice(0, place) + letter + text.slice(place + 1)
      })
    const text = fc.oneof(
      changed,
      sealed.map((each) => each.slice(0, -1)),
      fc.string({ unit: 'binary' }),
      fc.string({ unit: 'binary' }).map((each) => `~${each}`),
      fc.base64String({ maxLength: 600 }).map((each) => `~${each}`),
    )
    fc.assert(
      fc.property(text, (each) => {
        const opened = bounded(() => outcome(() => positions.open(each), isA(UnknownSeal)))
        if (!each.startsWith('~')) assert.equal(opened, each)
        // A letter may have been changed into itself.
        else if (opened !== undefined) assert.match(opened, /^[a-z0-9._/-]{1,255}$/)
      }),
      { numRuns: 2000 },
    )
  })
})
