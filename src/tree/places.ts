import { tryParseDigest } from '../oci/digest.ts'
import { tryParseName, tryParseTag } from '../oci/name.ts'
import { isBranch } from './layout.ts'
import type { Digest, DigestAlgorithm } from '../oci/digest.ts'
import type { Repositories } from '../oci/repository-pattern.ts'

/** What stands at a place of the layout. */
export type Place =
  | DirectoryPlace
  /** The bytes of a blob or manifest. */
  | { readonly kind: 'data'; readonly digest: Digest }
  /** A link; `linked` is the blob or manifest that is in its repository because of it. */
  | { readonly kind: 'link'; readonly linked: Digest | undefined }

/** A directory of the layout, and what may stand in it under a name; `undefined` for what is none of ours. */
export interface DirectoryPlace {
  readonly kind: 'directory'
  readonly below: (name: string) => Place | undefined
}

/**
 * The layout (drawn in `layout.ts`) as it is met on the way down from the root. What is not in it, such as the uploads that
 * a stock registry leaves lying about, no reader ever asks for.
 *
 * @param repositories those that count; `undefined` for none
 * @param blobs which of `blobs/` do: all, none, or these
 */
export function rootPlace(
  repositories: Repositories | undefined,
  blobs: boolean | ReadonlySet<Digest>,
): DirectoryPlace {
  const branches = {
    ...(repositories === undefined ? {} : { repositories: repositoryPlace([], repositories) }),
    ...(blobs === false ? {} : { blobs: blobs === true ? blobsPlace() : someBlobsPlace(blobs) }),
  }
  return only({ docker: only({ registry: only({ v2: only(branches) }) }) })
}

/** `<alg>/<first two hex>/<hex>/data` */
function blobsPlace(
  has: (digest: Digest) => boolean = () => true,
  hasShelf: (shelf: string) => boolean = () => true,
): DirectoryPlace {
  return byAlgorithm((algorithm) =>
    directory((prefix) => {
      if (!/^[0-9a-f]{2}$/.test(prefix) || !hasShelf(`${algorithm}:${prefix}`)) return undefined
      return directory((hex) => {
        const digest = tryParseDigest(`${algorithm}:${hex}`)
        const isHere = digest !== undefined && hex.startsWith(prefix) && has(digest)
        return isHere ? only({ data: { kind: 'data', digest } }) : undefined
      })
    }),
  )
}

/** Not even the shelves of others are looked at, which may not be here. */
function someBlobsPlace(blobs: ReadonlySet<Digest>): DirectoryPlace {
  const shelves = new Set<string>()
  for (const digest of blobs) shelves.add(digest.slice(0, 'sha256:00'.length))
  return blobsPlace(
    (digest) => blobs.has(digest),
    (shelf) => shelves.has(shelf),
  )
}

/** Where repositories are whose names begin with these parts, and perhaps one with that very name. */
function repositoryPlace(parts: readonly string[], repositories: Repositories): DirectoryPlace {
  const name = tryParseName(parts.join('/'))
  const branches =
    name !== undefined && repositories.has(name)
      ? only({
          _layers: byDigest((linked) => link(linked)),
          _manifests: only({
            revisions: byDigest((linked) => link(linked)),
            tags: directory((tag) => (tryParseTag(tag) === undefined ? undefined : tagPlace())),
            referrers: byDigest(() => byDigest(() => link())),
          }),
        })
      : undefined
  return directory((entry) => {
    if (isBranch(entry)) return branches?.below(entry)
    const below = [...parts, entry]
    const mayBe = tryParseName(below.join('/')) !== undefined && repositories.mayHold(below)
    return mayBe ? repositoryPlace(below, repositories) : undefined
  })
}

function tagPlace(): DirectoryPlace {
  return only({ current: link(), index: byDigest(() => link()) })
}

/** `<alg>/<hex>` */
function byDigest(place: (digest: Digest) => Place): DirectoryPlace {
  return byAlgorithm((algorithm) =>
    directory((hex) => {
      const digest = tryParseDigest(`${algorithm}:${hex}`)
      return digest && place(digest)
    }),
  )
}

function byAlgorithm(place: (algorithm: DigestAlgorithm) => Place): DirectoryPlace {
  return only({ sha256: place('sha256'), sha512: place('sha512') })
}

function link(linked?: Digest): DirectoryPlace {
  return only({ link: { kind: 'link', linked } })
}

function only(places: Readonly<Record<string, Place>>): DirectoryPlace {
  return directory((name) => (Object.hasOwn(places, name) ? places[name] : undefined))
}

function directory(below: DirectoryPlace['below']): DirectoryPlace {
  return { kind: 'directory', below }
}
