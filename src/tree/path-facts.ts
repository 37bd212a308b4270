import { tryParseDigest } from '../oci/digest.ts'
import { tryParseName, tryParseTag } from '../oci/name.ts'
import { digestOfData, isBranch, layout } from './layout.ts'
import type { Digest } from '../oci/digest.ts'
import type { RepositoryName, Tag } from '../oci/name.ts'
import type { Path } from './layout.ts'

/** What a path of the layout says by itself, for whoever checks a tree. */
export interface PathFacts {
  /** What must be there; `undefined` for what is not of the layout. */
  readonly kind: 'directory' | 'data' | 'link' | undefined
  readonly repository: RepositoryName | undefined
  readonly tag: Tag | undefined
  /** The digest that it is called after: that of the bytes, or what the link must hold. */
  readonly digest: Digest | undefined
  /** What is in its repository because of this link; `undefined` for links that only follow from others. */
  readonly links: 'blob' | 'manifest' | undefined
  /** The file that must be in this directory. */
  readonly holds: 'data' | 'link' | undefined
}

const [REPOSITORIES, BLOBS] = [layout.repositories, layout.blobs]

/** Whether one path begins with another. */
function isBelow(path: Path, start: Path): boolean {
  return start.every((segment, at) => path[at] === segment)
}

export function factsOf(path: Path): PathFacts {
  if (isBelow(path, REPOSITORIES)) return repositoryFacts(path)
  if (isBelow(path, BLOBS)) return blobFacts(path)
  const isAbove = isBelow(REPOSITORIES, path) || isBelow(BLOBS, path)
  return { ...NOTHING, kind: isAbove ? 'directory' : undefined }
}

const NOTHING: PathFacts = {
  kind: undefined,
  repository: undefined,
  tag: undefined,
  digest: undefined,
  links: undefined,
  holds: undefined,
}

/** `<alg>/<first two hex>/<hex>/data` */
function blobFacts(path: Path): PathFacts {
  const rest = path.slice(BLOBS.length)
  const [algorithm, , hex] = rest
  const digest = digestOfData([...BLOBS, ...rest.slice(0, 3), 'data'])
  if (rest.length === 4 && rest[3] === 'data' && digest !== undefined)
    return { ...NOTHING, kind: 'data', digest }
  if (rest.length === 3) {
    const isOurs = digest !== undefined
    return {
      ...NOTHING,
      digest,
      kind: isOurs ? 'directory' : undefined,
      holds: isOurs ? 'data' : undefined,
    }
  }
  const isOurs = hex === undefined && (algorithm === undefined || isAlgorithm(algorithm))
  return { ...NOTHING, kind: isOurs ? 'directory' : undefined }
}

function repositoryFacts(path: Path): PathFacts {
  const at = path.findIndex(isBranch)
  const name = path.slice(REPOSITORIES.length, at < 0 ? undefined : at).join('/')
  const repository = tryParseName(name)
  if (at < 0) return { ...NOTHING, repository, kind: 'directory' }
  if (repository === undefined) return NOTHING
  return { ...NOTHING, repository, ...branchFacts(path.slice(at)) }
}

/** Directories above those of links, as far as they have names of their own. */
const BRANCHES = new Set([
  '_layers',
  '_manifests',
  '_manifests/revisions',
  '_manifests/tags',
  '_manifests/referrers',
])

function branchFacts(rest: Path): Partial<PathFacts> {
  if (BRANCHES.has(rest.join('/'))) return { kind: 'directory' }
  const [branch, second = '', third = '', ...more] = rest
  if (branch === '_layers') return { ...byDigest(rest.slice(1)), links: 'blob' }
  if (branch !== '_manifests') return {}
  if (second === 'revisions') return { ...byDigest(rest.slice(2)), links: 'manifest' }
  if (second === 'referrers') return referrerFacts(rest.slice(2))
  const tag = second === 'tags' ? tryParseTag(third) : undefined
  if (tag === undefined) return {}
  if (more.length === 0) return { tag, kind: 'directory' }
  if (more[0] === 'index')
    return { tag, ...(more.length === 1 ? { kind: 'directory' } : byDigest(more.slice(1))) }
  if (more[0] !== 'current' || more.length > 2) return { tag }
  if (more.length === 1) return { tag, kind: 'directory', holds: 'link' }
  return more[1] === 'link' ? { tag, kind: 'link' } : { tag }
}

/** `<subject alg>/<subject hex>/<alg>/<hex>/link` */
function referrerFacts(rest: Path): Partial<PathFacts> {
  if (rest.length > 2) return byDigest(rest.slice(2))
  const isOurs =
    rest.length === 1 ? isAlgorithm(rest[0]) : tryParseDigest(rest.join(':')) !== undefined
  return isOurs ? { kind: 'directory' } : {}
}

/** `<alg>/<hex>/link` */
function byDigest(rest: Path): Partial<PathFacts> {
  const [algorithm, hex, file] = rest
  if (rest.length === 1) return isAlgorithm(algorithm) ? { kind: 'directory' } : {}
  const digest = tryParseDigest(`${algorithm}:${hex}`)
  if (digest === undefined || rest.length > 3) return {}
  if (file === undefined) return { kind: 'directory', digest, holds: 'link' }
  return file === 'link' ? { kind: 'link', digest } : {}
}

function isAlgorithm(segment: string | undefined): boolean {
  return segment === 'sha256' || segment === 'sha512'
}

/**
 * What of a path decides how the node there is checked. Two nodes with the same CID and the same of this are the same to a
 * check: wherever a repository is, what is in it is judged alike, but a tag needs the revisions beside it.
 */
export function contextOf(path: Path): string {
  if (!isBelow(path, REPOSITORIES)) return path.join('/')
  const at = path.findIndex(isBranch)
  if (at < 0) return 'repository'
  const rest = path.slice(at).join('/')
  return rest.startsWith('_manifests/tags') ? path.join('/') : rest
}
