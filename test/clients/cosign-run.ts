import assert from 'node:assert/strict'
import { randomUUID } from 'node:crypto'
import { mkdir, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { layoutFiles } from '../e2e/support/oci-layout.ts'
import { client } from './support/go-client.ts'
import { clientOf, manifestAt, written } from './support/content.ts'
import type { Image } from '../e2e/support/image.ts'
import { plainHttp } from './support/transport.ts'
import type { World } from './client.ts'
import type { Place } from './support/content.ts'

/** How cosign keeps what it makes. */
export type Way =
  /** A Sigstore bundle that refers to the image: what cosign 3 does if it is told nothing. */
  | 'bundle'
  /** Under the tag `sha256-<hex>.sig` or `.att`: what cosign 1 and 2 did. */
  | 'tag'
  /** The signature of old, as a referrer: what cosign 2 tried. */
  | 'referrer'

/** Nobody is asked for certificates, times or a place in a public log: there is a key, and no network. */
const WAYS: Record<Way, readonly string[]> = {
  bundle: ['--signing-config=signing.json'],
  tag: ['--use-signing-config=false', '--tlog-upload=false', '--new-bundle-format=false'],
  referrer: [
    ...['--use-signing-config=false', '--tlog-upload=false', '--new-bundle-format=false'],
    '--registry-referrers-mode=oci-1-1',
  ],
}

export function cosign(world: World, command: string, ...args: string[]): Promise<string> {
  const env = { COSIGN_PASSWORD: 'secret', COSIGN_EXPERIMENTAL: '1' }
  return client(world, 'cosign', [...command.split(' '), ...args], { env })
}

/** A command that talks to a registry. */
export function remote(world: World, command: string, ...args: string[]): Promise<string> {
  return cosign(world, command, ...plainHttp(world.host, '--allow-http-registry'), ...args)
}

/** Keys, and a world of Sigstore without services. */
export async function prepare(world: World): Promise<void> {
  await cosign(world, 'generate-key-pair')
  await cosign(world, 'generate-key-pair', '--output-key-prefix=stranger')
  await cosign(world, 'signing-config create', '--out=signing.json')
  await cosign(world, 'trusted-root create', '--out=root.json')
}

/** Pushes an image: `cosign load` reads a layout in which the image is marked as one. */
export async function load(world: World, image: Image, place: Place): Promise<void> {
  const to = `load-${randomUUID()}`
  for (const { path, content } of layoutFiles(image, { kind: 'dev.cosignproject.cosign/image' })) {
    const file = join(world.directory, to, path)
    await mkdir(dirname(file), { recursive: true })
    await writeFile(file, content)
  }
  await remote(world, 'load', `--dir=${to}`, written(place))
}

/** Signs what a place has, by its digest. */
export async function sign(world: World, place: Place, way: Way, ...more: string[]): Promise<void> {
  await make(world, 'sign', place, way, more)
}

/** Signs a statement about what a place has. */
export async function attest(world: World, place: Place, way: Way, words: string): Promise<void> {
  await writeFile(join(world.directory, 'predicate.json'), JSON.stringify({ words }))
  await make(world, 'attest', place, way, ['--predicate=predicate.json', '--type=custom'])
}

async function make(
  world: World,
  command: string,
  place: Place,
  way: Way,
  more: readonly string[],
): Promise<void> {
  const { digest } = await manifestAt(place)
  const options = ['--key=cosign.key', '--trusted-root=root.json', '--yes', ...WAYS[way], ...more]
  await remote(world, command, ...options, written({ ...place, reference: digest }))
}

const OFFLINE = ['--insecure-ignore-tlog=true']

/** There are so many good signatures of what is at the place, and each says so. */
export async function verifies(
  world: World,
  place: Place,
  signatures = 1,
  way: Way = 'bundle',
): Promise<void> {
  const options = [...OFFLINE, ...(way === 'referrer' ? ['--experimental-oci11'] : [])]
  const said = await remote(world, 'verify', '--key=cosign.pub', ...options, written(place))
  const { digest } = await manifestAt(place)
  const claims = JSON.parse(said) as Claim[]
  assert.deepEqual(
    claims.map(({ critical }) => critical.image['docker-manifest-digest']),
    Array.from({ length: signatures }, () => digest),
  )
}

interface Claim {
  critical: { image: { 'docker-manifest-digest': string } }
}

/** There is a good statement about what is at the place, with these words. */
export async function verifiesAttestation(
  world: World,
  place: Place,
  words: string,
): Promise<void> {
  const options = ['--key=cosign.pub', '--type=custom', ...OFFLINE]
  const said = await remote(world, 'verify-attestation', ...options, written(place))
  const { payload } = JSON.parse(said) as { payload: string }
  const statement = JSON.parse(Buffer.from(payload, 'base64').toString()) as {
    subject: { digest: { sha256: string } }[]
    predicate: { Data: string }
  }
  const { digest } = await manifestAt(place)
  assert.equal(`sha256:${statement.subject[0]?.digest.sha256}`, digest)
  assert.deepEqual(JSON.parse(statement.predicate.Data), { words })
}

/** No key that is not the signer's will do. */
export function verifiesWith(world: World, key: string, place: Place): Promise<string> {
  return remote(world, 'verify', `--key=${key}`, ...OFFLINE, written(place))
}

/** The manifests that refer to what is at the place. */
export async function referrersOf(
  place: Place,
): Promise<{ digest: string; artifactType?: string }[]> {
  const { digest } = await manifestAt(place)
  const { manifests } = await clientOf(place).referrers(place.name, digest)
  return manifests
}

/** The tag under which cosign keeps something about what is at the place. */
export async function tagAt(place: Place, suffix: string): Promise<string> {
  const { digest } = await manifestAt(place)
  return digest.replace(':', '-') + suffix
}
