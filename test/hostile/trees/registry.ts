import fc from 'fast-check'
import { algorithmOf, hexOf } from '../../../src/oci/digest.ts'
import { parseName } from '../../../src/oci/name.ts'
import { encodeLink, layout } from '../../../src/tree/layout.ts'
import { descriptorOf, indexOf, jsonPiece, piece } from '../../support/random-image.ts'
import { bytesFrom } from './dice.ts'
import { fileDraft, folderDraft, place } from './draft.ts'
import type { Digest } from '../../../src/oci/digest.ts'
import type { RepositoryName } from '../../../src/oci/name.ts'
import type { Piece } from '../../support/random-image.ts'
import type { FolderDraft } from './draft.ts'
import type { FileStyle } from './files.ts'
import type { FolderShape } from './folders.ts'

const MiB = 2 ** 20

/** What an honest registry holds, as numbers that fast-check can make smaller. */
export interface RegistryPlan {
  readonly repositories: readonly {
    readonly name: string
    /** Images with the bytes of their layers. */
    readonly images: readonly { readonly layers: readonly number[]; readonly referrers: number }[]
    /** Whether an index holds the images together. */
    readonly hasIndex: boolean
  }[]
}

/** How a tree is written. */
export interface TreeStyle {
  readonly file: FileStyle
  readonly folder: FolderShape
}

const layerSize = fc.oneof(
  { weight: 6, arbitrary: fc.constantFrom(5000, 70_000, 100, 1, 0) },
  { weight: 2, arbitrary: fc.constantFrom(MiB, MiB + 1, 300_000) },
  { weight: 1, arbitrary: fc.constantFrom(2_300_000, 4 * MiB) },
)

export const registryPlan: fc.Arbitrary<RegistryPlan> = fc.record({
  repositories: fc.uniqueArray(
    fc.record({
      name: fc.constantFrom('app', 'team/app', 'team', 'lib/deep/er'),
      images: fc.array(
        fc.record({
          layers: fc.array(layerSize, { minLength: 1, maxLength: 3 }),
          referrers: fc.nat(2),
        }),
        { minLength: 1, maxLength: 2 },
      ),
      hasIndex: fc.boolean(),
    }),
    { selector: ({ name }) => name, minLength: 1, maxLength: 2 },
  ),
})

export const treeStyle: fc.Arbitrary<TreeStyle> = fc.record({
  file: fc.constantFrom<FileStyle[]>('ours', 'ours', 'kubo', 'fine'),
  folder: fc.constantFrom<FolderShape[]>('flat', 'flat', 256, 16, 8),
})

/** A manifest in a repository. */
export interface HonestManifest extends Piece {
  readonly repository: RepositoryName
  readonly tag: string | undefined
  readonly subject: Digest | undefined
}

/** A blob in a repository. */
export interface HonestBlob extends Piece {
  readonly repository: RepositoryName
}

/** What is true: all that the honest mirror has. */
export interface HonestRegistry {
  readonly names: readonly RepositoryName[]
  readonly manifests: readonly HonestManifest[]
  readonly blobs: readonly HonestBlob[]
}

/** @param salt makes the contents like no others, so that nothing is known of them from before */
export function makeRegistry({ repositories }: RegistryPlan, salt: string): HonestRegistry {
  const manifests: HonestManifest[] = []
  const blobs: HonestBlob[] = []
  const names = repositories.map(({ name }) => parseName(name))
  for (const { name, images, hasIndex } of repositories) {
    const repository = parseName(name)
    const add = (what: Piece, tag?: string, subject?: Digest): void =>
      void manifests.push({ ...what, repository, tag, subject })
    const made = images.map(({ layers, referrers }, number) => {
      const seed = `${salt}/${name}/${number}`
      const config = jsonPiece({ os: 'linux', seed }, 'application/vnd.oci.image.config.v1+json')
      const parts = layers.map((size, at) =>
        piece(bytesFrom(`${seed}/${at}`, size), 'application/vnd.oci.image.layer.v1.tar'),
      )
      for (const part of [config, ...parts]) blobs.push({ ...part, repository })
      const image = manifestOf(config, parts, { seed })
      add(image, `v${number}`)
      for (let n = 0; n < referrers; n++)
        add(manifestOf(config, [], { seed, n, subject: image }), undefined, image.digest)
      return image
    })
    if (hasIndex) add(indexOf(made, { annotations: { salt, name } }), 'all')
  }
  return { names, manifests, blobs }
}

function manifestOf(
  config: Piece,
  layers: readonly Piece[],
  { seed, n, subject }: { seed: string; n?: number; subject?: Piece },
): Piece {
  const mediaType = 'application/vnd.oci.image.manifest.v1+json'
  return jsonPiece(
    {
      schemaVersion: 2,
      mediaType,
      ...(subject === undefined ? {} : { artifactType: 'application/x-sbom' }),
      config: descriptorOf(config),
      layers: layers.map(descriptorOf),
      ...(subject === undefined ? {} : { subject: descriptorOf(subject) }),
      annotations: { seed, ...(n === undefined ? {} : { n: String(n) }) },
    },
    mediaType,
  )
}

/** The tree of a registry, in the layout of Distribution. */
export function treeOf({ manifests, blobs }: HonestRegistry, style: TreeStyle): FolderDraft {
  const root = folderDraft(style.folder)
  for (const { repository, digest, bytes } of blobs) {
    place(root, layout.blobData(digest), fileDraft(bytes, style.file))
    placeLink(root, layout.layer(repository, digest), digest)
  }
  for (const { repository, digest, bytes, tag, subject } of manifests) {
    place(root, layout.blobData(digest), fileDraft(bytes, style.file))
    placeLink(root, layout.revision(repository, digest), digest)
    if (subject !== undefined) placeLink(root, layout.referrer(repository, subject, digest), digest)
    if (tag === undefined) continue
    placeLink(root, layout.tagCurrent(repository, tag), digest)
    placeLink(root, layout.tagIndex(repository, tag, digest), digest)
  }
  return root
}

/** Puts a `link` into a folder. */
export function placeLink(root: FolderDraft, folder: readonly string[], digest: Digest): void {
  place(root, layout.link(folder), fileDraft(encodeLink(digest)))
}

/** The tag under which clients without a referrers API keep an index (distribution-spec, "Referrers Tag Schema"). */
export function fallbackTag(subject: Digest): string {
  return `${algorithmOf(subject)}-${hexOf(subject).slice(0, 64)}`
}
