import { tryParseDigest } from './digest.ts'
import { RegistryError } from './errors.ts'
import { shown } from './shown.ts'
import type { Digest } from './digest.ts'

/** A repository name that passed the distribution-spec's grammar ("Pulling manifests", `<name>`). */
export type RepositoryName = string & { readonly __brand: 'RepositoryName' }

/** A tag that passed the distribution-spec's grammar (`<reference>` as a tag). */
export type Tag = string & { readonly __brand: 'Tag' }

/** What stands after `/manifests/`: a tag or a digest. */
export type Reference = { kind: 'tag'; tag: Tag } | { kind: 'digest'; digest: Digest }

/**
 * Longest repository name. The spec only says that clients may limit `host/name` to 255 characters;
 * CNCF Distribution refuses names over 255, and so do we.
 */
const NAME_MAX_LENGTH = 255

/** Grammar of `<name>`: distribution-spec, "Pulling manifests". */
const NAME = /^[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*(?:\/[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*)*$/

/** Grammar of a tag: distribution-spec, "Pulling manifests". */
const TAG = /^[a-zA-Z0-9_][a-zA-Z0-9._-]{0,127}$/

/** Reads a repository name; `undefined` when it is not one. */
export function tryParseName(text: unknown): RepositoryName | undefined {
  if (typeof text !== 'string' || text.length > NAME_MAX_LENGTH || !NAME.test(text))
    return undefined
  return text as RepositoryName
}

/**
 * Reads a repository name from a request, after percent-decoding.
 *
 * @throws RegistryError NAME_INVALID
 */
export function parseName(text: unknown): RepositoryName {
  const name = tryParseName(text)
  if (name === undefined) {
    throw new RegistryError('NAME_INVALID', {
      message: `a repository name is lower-case letters, digits and . _ - between them, in parts joined by /, at most ${NAME_MAX_LENGTH} characters`,
      detail: { name: shown(text, 300) },
    })
  }
  return name
}

/** Reads a tag; `undefined` when it is not one. */
export function tryParseTag(text: unknown): Tag | undefined {
  return typeof text === 'string' && TAG.test(text) ? (text as Tag) : undefined
}

/**
 * Reads a tag from a request.
 *
 * @throws RegistryError TAG_INVALID
 */
export function parseTag(text: unknown): Tag {
  const tag = tryParseTag(text)
  if (tag === undefined) {
    throw new RegistryError('TAG_INVALID', {
      message: 'a tag is at most 128 letters, digits and . _ -, and does not begin with . or -',
      detail: { tag: shown(text, 160) },
    })
  }
  return tag
}

/**
 * Reads what stands after `/manifests/`. Whatever has a colon is meant as a digest, since no tag can have one.
 *
 * @throws RegistryError DIGEST_INVALID or TAG_INVALID
 */
export function parseReference(text: unknown): Reference {
  if (typeof text === 'string' && text.includes(':')) {
    const digest = tryParseDigest(text)
    if (digest !== undefined) return { kind: 'digest', digest }
    throw new RegistryError('DIGEST_INVALID', {
      message: 'a digest is sha256:<64 hex digits> or sha512:<128 hex digits>, in lower case',
      detail: { digest: text.slice(0, 160) },
    })
  }
  return { kind: 'tag', tag: parseTag(text) }
}
