import assert from 'node:assert/strict'
import { client } from './support/go-client.ts'
import { assertGone, clientOf, manifestAt, mirrored } from './support/content.ts'
import { plainHttp } from './support/transport.ts'
import type { World } from './client.ts'

/** What the artifacts are that are attached: in the API's way, in the way of old registries, and at the mirror. */
const SBOM = 'application/vnd.example.sbom'
const SIGNATURE = 'application/vnd.example.signature'
const NOTE = 'application/vnd.example.note'

/** The way of registries that cannot tell who refers to what: the client keeps a list, under a tag. */
const BY_TAG = ['--distribution-spec', 'v1.1-referrers-tag']

interface Discovered {
  digest: string
  artifactType: string
  referrers: Discovered[]
}

function run(world: World, args: readonly string[]): Promise<string> {
  return client(world, 'oras', [...args, ...plainHttp(world.host, '--plain-http')])
}

/** Attaches an artifact to `name:v1`. @returns its digest */
async function attach(
  world: World,
  to: string,
  artifactType: string,
  more: readonly string[] = [],
): Promise<string> {
  const about = ['attach', to, '--artifact-type', artifactType, '--annotation', 'why=a test']
  const said = await run(world, [...about, 'words.txt', '--format', 'json', ...more])
  return (JSON.parse(said) as { digest: string }).digest
}

async function discover(
  world: World,
  at: string,
  more: readonly string[] = [],
): Promise<Discovered[]> {
  const said = await run(world, ['discover', at, '--format', 'json', ...more])
  return (JSON.parse(said) as { referrers: Discovered[] }).referrers
}

async function subjectOf(host: string, name: string): Promise<string> {
  return (await manifestAt({ host, name, reference: 'v1' })).digest
}

/** Types and digests of who refers to `name:v1`, as oras finds them and as the API lists them. */
async function assertReferrers(
  world: World,
  host: string,
  name: string,
  wanted: readonly string[],
): Promise<Discovered[]> {
  const found = await discover(world, `${host}/${name}:v1`)
  assert.deepEqual(found.map(({ artifactType }) => artifactType).toSorted(), [...wanted].toSorted())
  const { manifests } = await clientOf({ host }).referrers(name, await subjectOf(host, name))
  assert.deepEqual(
    found.map(({ digest, artifactType }) => `${digest} ${artifactType}`),
    manifests.map(({ digest, artifactType }) => `${digest} ${artifactType}`),
  )
  return found
}

/** With the API there is no list under a tag; what is attached to what was attached is found too. */
export async function listsReferrers(world: World, name: string): Promise<void> {
  const { host } = world
  const sbom = await attach(world, `${host}/${name}:v1`, SBOM)
  const note = await attach(world, `${host}/${name}@${sbom}`, NOTE)
  const [found] = await assertReferrers(world, host, name, [SBOM])
  assert.equal(found?.digest, sbom)
  assert.deepEqual(
    found?.referrers.map(({ digest }) => digest),
    [note],
  )
  const none = await discover(world, `${host}/${name}:v1`, ['--artifact-type', SIGNATURE])
  assert.deepEqual(none, [])
  await assertGone({ host, name, reference: (await subjectOf(host, name)).replace(':', '-') })
}

/** What was attached in the old way is in the API's list as well, once. */
export async function refersByTag(world: World, name: string): Promise<void> {
  const { host } = world
  const at = `${host}/${name}:v1`
  const signature = await attach(world, at, SIGNATURE, BY_TAG)
  const doomed = await attach(world, at, NOTE, BY_TAG)
  await assertReferrers(world, host, name, [SBOM, SIGNATURE, NOTE])
  const listed = await discover(world, at, BY_TAG)
  assert.deepEqual(listed.map(({ digest }) => digest).toSorted(), [signature, doomed].toSorted())

  // oras takes it from its list under the tag, too.
  await run(world, ['manifest', 'delete', '--force', `${host}/${name}@${doomed}`, ...BY_TAG])
  await assertReferrers(world, host, name, [SBOM, SIGNATURE])
  const left = await discover(world, at, BY_TAG)
  assert.deepEqual(
    left.map(({ digest }) => digest),
    [signature],
  )

  // Deleted by somebody who knows nothing of that list, it stays in the list, but there is nothing to be had of it.
  const ghost = await attach(world, at, NOTE, BY_TAG)
  await run(world, ['manifest', 'delete', '--force', `${host}/${name}@${ghost}`])
  await assertReferrers(world, host, name, [SBOM, SIGNATURE])
}

/** To another daemon, directly and by way of an archive. */
export async function copiesReferrers(world: World, name: string): Promise<void> {
  const { host, other } = world
  const plain = plainHttp(host, '--from-plain-http', '--to-plain-http')
  const copied = `${name}-copied`
  const to = `${other}/${copied}:v1`
  await client(world, 'oras', ['cp', '--recursive', ...plain, `${host}/${name}:v1`, to])
  await assertReferrers(world, other, copied, [SBOM, SIGNATURE])
  assert.equal(await subjectOf(other, copied), await subjectOf(host, name))

  const restored = `${name}-restored`
  const from = ['--include-referrers', '--output', 'backup.tar', `${host}/${name}:v1`]
  await run(world, ['backup', ...from])
  await run(world, ['restore', '--input', 'backup.tar', `${other}/${restored}:v1`])
  const [first] = await assertReferrers(world, other, restored, [SBOM, SIGNATURE])
  assert.ok(first)
}

/** A mirror lists what its source has, and what was attached at the mirror itself. */
export async function refersThroughMirror(world: World, name: string): Promise<void> {
  const { host, mirror, other } = world
  await mirrored(world, name, 'v1')
  await assertReferrers(world, mirror, name, [SBOM, SIGNATURE])
  const from = [...plainHttp(mirror, '--from-plain-http'), `${mirror}/${name}:v1`]
  const copied = `${name}-from-mirror`
  const to = [...plainHttp(other, '--to-plain-http'), `${other}/${copied}:v1`]
  await client(world, 'oras', ['cp', '--recursive', ...from, ...to])
  await assertReferrers(world, other, copied, [SBOM, SIGNATURE])

  await attach(world, `${mirror}/${name}:v1`, NOTE)
  await assertReferrers(world, mirror, name, [SBOM, SIGNATURE, NOTE])
  await assertReferrers(world, host, name, [SBOM, SIGNATURE])
}
