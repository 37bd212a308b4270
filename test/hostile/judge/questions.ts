import type { Digest } from '../../../src/oci/digest.ts'
import type { HonestRegistry } from '../trees/registry.ts'

/** What an answer has to be, when there is a whole one. */
export type Rule =
  /** The bytes of this digest, or a part of them. */
  | { readonly kind: 'content'; readonly digest: Digest; readonly truth: Uint8Array | undefined }
  /** A manifest that is what its header says. */
  | { readonly kind: 'tag' }
  /** A list that has all of these. */
  | {
      readonly kind: 'list'
      readonly has: readonly string[]
      readonly of: 'tags' | 'names' | 'referrers'
    }

/** One thing to ask a registry, and what to think of the answer. */
export interface Question {
  readonly path: string
  readonly method: 'GET' | 'HEAD'
  readonly range?: { readonly offset: number; readonly length: number }
  readonly rule: Rule
  /** Whether the honest mirror has it, so that it must be had in the end. */
  readonly isHonest: boolean
}

/** Everything that an honest registry has, in every way it can be asked for. */
export function honestQuestions({ names, manifests, blobs }: HonestRegistry): Question[] {
  const isHonest = true
  return [
    ...manifests.flatMap(({ repository, tag, digest, bytes }): Question[] => [
      ...(tag === undefined
        ? []
        : [get(`${repository}/manifests/${tag}`, { kind: 'tag' }, isHonest)]),
      get(`${repository}/manifests/${digest}`, { kind: 'content', digest, truth: bytes }, isHonest),
    ]),
    ...blobs.flatMap(({ repository, digest, bytes }, number): Question[] => {
      const path = `${repository}/blobs/${digest}`
      const rule = { kind: 'content', digest, truth: bytes } as const
      const whole = get(path, rule, isHonest)
      const parts = rangesOf(bytes.length).map((range) => ({ ...whole, range }))
      // For some the first question is for a part, for others for the whole.
      const all = number % 2 === 0 ? [whole, ...parts] : [...parts, whole]
      return [{ ...whole, method: 'HEAD' }, ...all]
    }),
    ...names.map((name): Question => {
      const has = manifests.flatMap(({ repository, tag }) =>
        repository === name && tag !== undefined ? [tag] : [],
      )
      return get(`${name}/tags/list`, { kind: 'list', of: 'tags', has }, isHonest)
    }),
    ...manifests.map(({ repository, digest }): Question => {
      const has = manifests.flatMap((each) =>
        each.repository === repository && each.subject === digest ? [each.digest] : [],
      )
      return get(
        `${repository}/referrers/${digest}`,
        { kind: 'list', of: 'referrers', has },
        isHonest,
      )
    }),
    get('_catalog', { kind: 'list', of: 'names', has: names }, isHonest),
  ]
}

/** What a hostile tree claims besides: whatever comes must be what its digest says. */
export function suggestedQuestions(paths: readonly string[]): Question[] {
  return [...new Set(paths)].map((path) => {
    const reference = path.split('/').at(-1)!
    if (path.endsWith('/tags/list')) return get(path, { kind: 'list', of: 'tags', has: [] }, false)
    if (path.includes('/referrers/'))
      return get(path, { kind: 'list', of: 'referrers', has: [] }, false)
    return get(path, { kind: 'content', digest: reference as Digest, truth: undefined }, false)
  })
}

function get(path: string, rule: Rule, isHonest: boolean): Question {
  return { path: `/v2/${path}`, method: 'GET', rule, isHonest }
}

function rangesOf(size: number): { offset: number; length: number }[] {
  if (size < 2) return []
  const length = Math.min(100, size >> 1)
  return [
    { offset: 0, length },
    { offset: size - length, length },
  ]
}
