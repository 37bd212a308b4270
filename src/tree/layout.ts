import { algorithmOf, hexOf, tryParseDigest } from '../oci/digest.ts'
import { tryParseName, tryParseTag } from '../oci/name.ts'
import type { Digest } from '../oci/digest.ts'
import type { RepositoryName, Tag } from '../oci/name.ts'

/**
 * Where everything is. Byte for byte the layout of CNCF Distribution (`registry/storage/paths.go` there), so that a
 * stock registry serves our tree and we serve a stock registry's. No other file makes a path. `places.ts` tells the same from
 * above, name by name, and `path-facts.ts` takes paths apart for a check.
 *
 *     /docker/registry/v2/
 *     ├── blobs/
 *     │   └── <alg>/<first two hex>/<hex>/data          the bytes of a blob or manifest, once for all repositories
 *     └── repositories/
 *         └── <name>/                                    one or more segments; a repository may be inside another
 *             ├── _layers/
 *             │   └── <alg>/<hex>/link                   "this blob is in this repository"
 *             └── _manifests/
 *                 ├── revisions/
 *                 │   └── <alg>/<hex>/link               "this manifest is in this repository"
 *                 ├── tags/
 *                 │   └── <tag>/
 *                 │       ├── current/link               what the tag points to
 *                 │       └── index/<alg>/<hex>/link     what it ever pointed to
 *                 └── referrers/                         ours: a stock registry passes over it
 *                     └── <subject alg>/<subject hex>/
 *                         └── <alg>/<hex>/link           "this manifest has that subject"
 *
 * A `link` holds the digest as text, `<alg>:<hex>`, without a line end. A segment of a repository's name never begins
 * with `_`, so the branches above cannot be taken for repositories.
 */
const ROOT = ['docker', 'registry', 'v2'] as const

/** The name under the MFS root that the whole registry hangs from. */
export const TOP = ROOT[0]

/** A path in the tree: its segments. */
export type Path = readonly string[]

const REPOSITORIES: Path = [...ROOT, 'repositories']
const BLOBS: Path = [...ROOT, 'blobs']

function digestPath(digest: Digest): Path {
  return [algorithmOf(digest), hexOf(digest)]
}

/** All paths; each returns the path of a file (`data`, `link`) or of a directory, as its comment says. */
export const layout = {
  /** Directory of all bytes. */
  blobs: BLOBS,
  /** Directory of all repositories. */
  repositories: REPOSITORIES,
  /** Directory of one repository. */
  repository: (name: RepositoryName): Path => [...REPOSITORIES, ...name.split('/')],
  /** Directory in which a blob's `data` is. */
  blob: (digest: Digest): Path => [
    ...BLOBS,
    algorithmOf(digest),
    hexOf(digest).slice(0, 2),
    hexOf(digest),
  ],
  /** File: a blob's bytes. */
  blobData: (digest: Digest): Path => [...layout.blob(digest), 'data'],
  /** Directory of one blob's link in a repository. */
  layer: (name: RepositoryName, digest: Digest): Path => [
    ...layout.repository(name),
    '_layers',
    ...digestPath(digest),
  ],
  /** Directory of all that is about manifests in a repository. */
  manifests: (name: RepositoryName): Path => [...layout.repository(name), '_manifests'],
  /** Directory of one revision's link. */
  revision: (name: RepositoryName, digest: Digest): Path => [
    ...layout.manifests(name),
    'revisions',
    ...digestPath(digest),
  ],
  /** Directory of all tags. */
  tags: (name: RepositoryName): Path => [...layout.manifests(name), 'tags'],
  /** Directory of one tag. */
  tag: (name: RepositoryName, tag: Tag | string): Path => [...layout.tags(name), tag],
  /** Directory of what a tag points to. */
  tagCurrent: (name: RepositoryName, tag: Tag | string): Path => [
    ...layout.tag(name, tag),
    'current',
  ],
  /** Directory of one entry of what a tag ever pointed to. */
  tagIndex: (name: RepositoryName, tag: Tag | string, digest: Digest): Path => [
    ...layout.tag(name, tag),
    'index',
    ...digestPath(digest),
  ],
  /** Directory of the manifests that refer to a subject. */
  referrers: (name: RepositoryName, subject: Digest): Path => [
    ...layout.manifests(name),
    'referrers',
    ...digestPath(subject),
  ],
  /** Directory of one referrer's link. */
  referrer: (name: RepositoryName, subject: Digest, digest: Digest): Path => [
    ...layout.referrers(name, subject),
    ...digestPath(digest),
  ],
  /** File: the link in any of the directories above. */
  link: (directory: Path): Path => [...directory, 'link'],
} as const

/** The digest that a path of `blobs/` claims for its bytes; `undefined` for any other path. */
export function digestOfData(path: Path): Digest | undefined {
  const claimed = tryParseDigest(`${path[BLOBS.length]}:${path.at(-2)}`)
  return claimed !== undefined && path.join('/') === layout.blobData(claimed).join('/')
    ? claimed
    : undefined
}

/** What a link in a repository stands for. */
export type LinkKind =
  | { readonly kind: 'blob' | 'manifest'; readonly name: RepositoryName; readonly digest: Digest }
  | { readonly kind: 'tag'; readonly name: RepositoryName; readonly tag: Tag }

/** What a path links; `undefined` for what is no link, or only follows from others (an index, a referrer). */
export function linkAt(path: Path): LinkKind | undefined {
  const at = path.findIndex(isBranch)
  if (at < 0 || path.at(-1) !== 'link') return undefined
  const name = tryParseName(path.slice(REPOSITORIES.length, at).join('/'))
  const [branch, first = '', second = '', third = ''] = path.slice(at)
  if (name === undefined) return undefined
  if (branch === '_layers') return linkOf('blob', name, `${first}:${second}`)
  if (first === 'revisions') return linkOf('manifest', name, `${second}:${third}`)
  const tag = tryParseTag(second)
  return first === 'tags' && third === 'current' && tag !== undefined
    ? { kind: 'tag', name, tag }
    : undefined
}

/** Whether a directory only holds what follows from other links: what a tag ever pointed to, and referrers. */
export function isDerived(path: Path): boolean {
  const [branch, first, , third, ...more] = path.slice(path.findIndex(isBranch))
  if (branch !== '_manifests' || more.length > 0) return false
  return third === undefined ? first === 'referrers' : first === 'tags' && third === 'index'
}

function linkOf(
  kind: 'blob' | 'manifest',
  name: RepositoryName,
  text: string,
): LinkKind | undefined {
  const digest = tryParseDigest(text)
  return digest && { kind, name, digest }
}

/** Whether a name in a repository's directory is one of the branches, not a part of a longer repository name. */
export function isBranch(segment: string): boolean {
  return segment.startsWith('_')
}

/** The branch that makes a directory a repository. */
export const REPOSITORY_BRANCHES: readonly string[] = ['_layers', '_manifests']

/** What a link file holds. */
export function encodeLink(digest: Digest): Uint8Array {
  return Buffer.from(digest)
}

/** Longest link file we read: a sha512 digest, and room for a line end that others may write. */
export const LINK_MAX_BYTES = 160

/** Reads a link file; `undefined` when it is no digest we know. */
export function decodeLink(bytes: Uint8Array): Digest | undefined {
  if (bytes.length > LINK_MAX_BYTES) return undefined
  return tryParseDigest(Buffer.from(bytes).toString('latin1').trim())
}
