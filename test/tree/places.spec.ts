import assert from 'node:assert/strict'
import { digestOf } from '../../src/oci/digest.ts'
import { parseName } from '../../src/oci/name.ts'
import {
  ALL_REPOSITORIES,
  RepositorySet,
  tryParsePattern,
} from '../../src/oci/repository-pattern.ts'
import { layout } from '../../src/tree/layout.ts'
import { rootPlace } from '../../src/tree/places.ts'
import type { Path } from '../../src/tree/layout.ts'
import type { DirectoryPlace, Place } from '../../src/tree/places.ts'

const [a, b] = ['a', 'b'].map((text) => digestOf(Buffer.from(text))) as [never, never]
const long = digestOf(Buffer.from('c'), 'sha512')
const name = parseName('team/app')

/** What stands at a path. */
function at(root: DirectoryPlace, path: Path): Place | undefined {
  return path.reduce<Place | undefined>(
    (place, segment) => (place?.kind === 'directory' ? place.below(segment) : undefined),
    root,
  )
}

describe('the places of the layout', () => {
  const all = rootPlace(ALL_REPOSITORIES, true)
  const files: [path: Path, place: Place][] = [
    [layout.blobData(a), { kind: 'data', digest: a }],
    [layout.blobData(long), { kind: 'data', digest: long }],
    [layout.link(layout.layer(name, a)), { kind: 'link', linked: a }],
    [layout.link(layout.revision(name, long)), { kind: 'link', linked: long }],
    [layout.link(layout.tagCurrent(name, 'v1')), { kind: 'link', linked: undefined }],
    [layout.link(layout.tagIndex(name, 'v1', a)), { kind: 'link', linked: undefined }],
    [layout.link(layout.referrer(name, a, b)), { kind: 'link', linked: undefined }],
  ]
  for (const [path, place] of files) {
    it(`are where the layout puts files: ${path.join('/').slice(0, 90)}`, () => {
      assert.deepEqual(at(all, path), place)
      for (let length = 0; length < path.length; length++)
        assert.equal(at(all, path.slice(0, length))?.kind, 'directory')
    })
  }

  it('are nowhere else', () => {
    const blobs = layout.blobData(a).slice(0, -4)
    const repository = layout.repository(name)
    for (const path of [
      ['x'],
      ['docker', 'x'],
      [...blobs, 'md5'],
      [...blobs, 'sha256', 'zz'],
      [...blobs, 'sha256', '00', layout.blobData(a).at(-2)!],
      [...layout.blob(a), 'link'],
      [...repository, '_uploads'],
      [...repository, '_layers', 'sha256', 'short'],
      [...repository, '_manifests', 'tags', '.hidden'],
      [...repository, 'Upper'],
      ['docker', '__proto__'],
    ])
      assert.equal(at(all, path), undefined, path.join('/'))
  })

  it('are only those of the repositories that count, and of blobs only where they do', () => {
    const set = new RepositorySet([tryParsePattern('team/*')!])
    const some = rootPlace(set, false)
    assert.equal(at(some, layout.link(layout.layer(name, a)))?.kind, 'link')
    assert.equal(at(some, layout.layer(parseName('team'), a)), undefined)
    assert.equal(at(some, layout.repository(parseName('else'))), undefined)
    assert.equal(at(some, layout.repository(parseName('team/app/x'))), undefined)
    assert.equal(at(some, layout.blob(a)), undefined)
    const one = rootPlace(undefined, new Set([a]))
    assert.deepEqual(at(one, layout.blobData(a)), { kind: 'data', digest: a })
    for (const path of [layout.blobData(b), layout.blob(b).slice(0, -1), layout.blobData(long)])
      assert.equal(at(one, path), undefined)
    assert.equal(at(rootPlace(undefined, true), layout.repositories), undefined)
    assert.equal(at(rootPlace(undefined, true), layout.blobData(a))?.kind, 'data')
  })
})
