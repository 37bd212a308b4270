import { createHash } from 'node:crypto'
import { run } from './command.ts'

/** A registry on loopback speaks plain HTTP, and no policy of the machine has a say here. */
const COPY = [
  '--insecure-policy',
  'copy',
  '--quiet',
  '--src-tls-verify=false',
  '--dest-tls-verify=false',
]

/** Copies an image, and gives its digest. Places are as skopeo writes them: `docker://…`, `oci:…`. */
export async function copy(from: string, to: string, ...options: string[]): Promise<string> {
  await run('skopeo', [...COPY, ...options, from, to])
  return digestAt(to)
}

/** The digest of the manifest at a place, hashed here. */
export async function digestAt(place: string): Promise<string> {
  const options = place.startsWith('docker:') ? ['--tls-verify=false'] : []
  const manifest = await run('skopeo', ['inspect', '--raw', ...options, place])
  return `sha256:${createHash('sha256').update(manifest).digest('hex')}`
}

/** What `skopeo inspect` says of an image in a registry. */
export async function inspect(
  image: string,
): Promise<{ Digest: string; RepoTags: string[]; Layers: string[] }> {
  const text = await run('skopeo', ['inspect', '--tls-verify=false', `docker://${image}`])
  return JSON.parse(text) as { Digest: string; RepoTags: string[]; Layers: string[] }
}
