import assert from 'node:assert/strict'
import { regctl } from './regctl-run.ts'
import { assertGone, clientOf, manifestAt, written } from './support/content.ts'
import type { World } from './client.ts'
import type { Place } from './support/content.ts'

const SBOM = 'application/vnd.example.sbom'
const NOTE = 'application/vnd.example.note'
/** So are signatures called that know of no subjects. */
const DIGEST_TAG = 'signature\n'

async function put(world: World, args: readonly string[], words: string): Promise<string> {
  const format = '{{.Manifest.GetDescriptor.Digest}}'
  return regctl(world, ['artifact', 'put', ...args, '--format', format], words)
}

/** What regctl lists, which is what the API lists. @returns the digests */
async function listed(world: World, place: Place): Promise<string[]> {
  const format = '{{range .Descriptors}}{{.Digest}} {{.ArtifactType}},{{end}}'
  const said = await regctl(world, ['artifact', 'list', written(place), '--format', format])
  const { digest } = await manifestAt(place)
  const { manifests } = await clientOf(place).referrers(place.name, digest)
  assert.equal(said, manifests.map((each) => `${each.digest} ${each.artifactType},`).join(''))
  return manifests.map((each) => each.digest)
}

function tagAbout(digest: string): string {
  return `${digest.replace(':', '-')}.sig`
}

async function getsSbom(world: World, place: Place): Promise<void> {
  const about = ['--subject', written(place), '--filter-artifact-type', SBOM]
  assert.equal(await regctl(world, ['artifact', 'get', ...about]), 'sbom\n')
}

/** Two artifacts about `name:v1`, one about an artifact, and one that is found by its tag. */
export async function putsArtifacts(world: World, name: string): Promise<void> {
  const place = { host: world.host, name, reference: 'v1' }
  const { digest } = await manifestAt(place)
  const sbom = await put(
    world,
    ['--artifact-type', SBOM, '--subject', written(place), '--annotation', 'by=regctl'],
    'sbom\n',
  )
  const note = await put(world, ['--artifact-type', NOTE, '--subject', written(place)], 'note\n')
  const about = written({ ...place, reference: sbom })
  const second = await put(world, ['--artifact-type', NOTE, '--subject', about], 'more\n')
  const tag = { ...place, reference: tagAbout(digest) }
  await put(world, ['--artifact-type', NOTE, written(tag)], DIGEST_TAG)

  assert.deepEqual(await listed(world, place), [sbom, note].toSorted())
  assert.deepEqual(await listed(world, { ...place, reference: sbom }), [second])
  const { manifests } = await clientOf(world).referrers(name, digest)
  const descriptor = manifests.find((each) => each.digest === sbom)
  assert.deepEqual((descriptor as { annotations?: unknown }).annotations, { by: 'regctl' })
  await getsSbom(world, place)
  const tree = await regctl(world, ['artifact', 'tree', '--digest-tags', written(place)])
  for (const each of [sbom, note, second, tag.reference])
    assert.ok(tree.includes(each), `${each} in ${tree}`)
}

/** With all that belongs to it. */
export async function copiesArtifacts(world: World, name: string): Promise<void> {
  const from = { host: world.host, name, reference: 'v1' }
  await copies(world, from, { host: world.other, name: `${name}-whole`, reference: 'v1' })
}

async function copies(world: World, from: Place, to: Place): Promise<void> {
  const all = ['--referrers', '--digest-tags']
  await regctl(world, ['image', 'copy', ...all, written(from), written(to)])
  const wanted = await listed(world, from)
  assert.ok(wanted.length > 0)
  assert.deepEqual(await listed(world, to), wanted)
  for (const reference of wanted)
    assert.deepEqual(
      await listed(world, { ...to, reference }),
      await listed(world, { ...from, reference }),
    )
  await getsSbom(world, to)
  const { digest } = await manifestAt(to)
  const tag = { ...to, reference: tagAbout(digest) }
  assert.equal(await regctl(world, ['artifact', 'get', written(tag)]), DIGEST_TAG)
}

/** One that is deleted is not listed any more. */
export async function deletesArtifact(world: World, name: string): Promise<void> {
  const place = { host: world.host, name, reference: 'v1' }
  const before = await listed(world, place)
  const doomed = await put(world, ['--artifact-type', NOTE, '--subject', written(place)], 'gone\n')
  assert.equal((await listed(world, place)).length, before.length + 1)
  const gone = { ...place, reference: doomed }
  await regctl(world, ['manifest', 'delete', '--referrers', written(gone)])
  await assertGone(gone)
  assert.deepEqual(await listed(world, place), before)
}

/** What a mirror has, at the mirror and copied from there. */
export async function pulledArtifacts(world: World, mirror: Place): Promise<void> {
  const source = { ...mirror, host: world.host }
  assert.deepEqual(await listed(world, mirror), await listed(world, source))
  await getsSbom(world, mirror)
  const to = { host: world.other, name: `${mirror.name}-from-mirror`, reference: 'v1' }
  await copies(world, mirror, to)
}
