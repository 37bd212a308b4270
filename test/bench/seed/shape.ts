import { digestOf } from '../../../src/oci/digest.ts'
import { imageManifest } from '../load/manifest.ts'
import type { Digest } from '../../../src/oci/digest.ts'
import type { Image } from '../load/manifest.ts'

/** A registry of so many repositories with so many tags each, all of which point to manifests of their own. */
export interface Shape {
  readonly repositories: number
  readonly tags: number
}

/** A tagged image; its one layer is {@link LAYER}. */
export interface Seedling {
  readonly repository: string
  readonly tag: string
  readonly image: Image
}

const bytes = Buffer.alloc(1024, 'heliport bench')

/** The layer of all images: a small block. */
export const LAYER: { readonly bytes: Buffer; readonly digest: Digest; readonly size: number } = {
  bytes,
  digest: digestOf(bytes),
  size: bytes.length,
}

/** Where images of large layers are. */
export const CONTENT = 'bench/content'

const TAGS = 100

/** So many manifests, in repositories of a hundred tags. */
export function shapeOf(manifests: number): Shape {
  const repositories = Math.ceil(manifests / TAGS)
  return { repositories, tags: Math.ceil(manifests / repositories) }
}

export function repositoryAt(at: number): string {
  return `bench/repository-${String(at).padStart(6, '0')}`
}

export function tagAt(at: number): string {
  return `v${String(at).padStart(6, '0')}`
}

export function seedlingAt(repository: number, tag: number): Seedling {
  const name = repositoryAt(repository)
  const image = imageManifest([LAYER], { author: `${name}:${tagAt(tag)}` })
  return { repository: name, tag: tagAt(tag), image }
}

/** All images, repository after repository. */
export function* seedlings({ repositories, tags }: Shape): Generator<Seedling> {
  for (let repository = 0; repository < repositories; repository++)
    for (let tag = 0; tag < tags; tag++) yield seedlingAt(repository, tag)
}
