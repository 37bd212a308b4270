import { z } from 'zod'
import { tryParsePattern } from '../oci/repository-pattern.ts'
import { listOf, quantity, text } from './fields.ts'
import { keyFiles } from './key-files.ts'
import { parseMirrorName } from './mirror-name.ts'
import { parseDeadline, parseMaxStale } from './quantity.ts'
import { InvalidValue, quote } from './value.ts'
import type { RepositoryPattern } from '../oci/repository-pattern.ts'
import type { MirrorName } from './mirror-name.ts'

/** More patterns than anybody writes by hand; each name that is asked for is held against all of them. */
const MAX_PATTERNS = 64

/**
 * Reads a pattern of `repositories`.
 *
 * @throws InvalidValue
 */
export function parsePattern(entry: string): RepositoryPattern {
  const pattern = tryParsePattern(entry)
  if (pattern !== undefined) return pattern
  throw new InvalidValue(
    `is ${quote(entry)}, which no repository's name can be: write a name (team/app), * within a part (team/*), or ** for any number of parts (team/**)`,
  )
}

/**
 * Patterns of repositories.
 *
 * @param none what it would mean to name none
 */
export function patternList(none: string) {
  return listOf(parsePattern).superRefine((list, context) => {
    const complain = (message: string): void => context.addIssue({ code: 'custom', message })
    if (list.length === 0) complain(`is empty, so ${none}: name some, or remove the key`)
    if (list.length > MAX_PATTERNS)
      complain(`has ${list.length} patterns, and at most ${MAX_PATTERNS} may be there`)
  })
}

/** How one registry is mirrored, as a section of `ipns.readOnlyKeys`. */
const section = z.strictObject({
  key: text(parseMirrorName).describe('Its IPNS name or DNSLink domain.'),
  replicate: z
    .enum(['lazy', 'full'])
    .prefault('lazy')
    .describe('lazy: what was pulled is kept; full: everything is fetched, and stays current.'),
  repositories: patternList('nothing would be mirrored')
    .prefault(['**'])
    .describe('The repositories that exist through it.'),
  maxStale: quantity(parseMaxStale)
    .nullable()
    .prefault(null)
    .describe(
      'How long its tags and listings are served without anybody confirming them; null: for ever.',
    ),
  deadline: quantity(parseDeadline)
    .prefault('10s')
    .describe('The longest wait for one answer of it.'),
  signedBy: keyFiles()
    .prefault([])
    .describe('Public keys of cosign: only what one of them signed exists through it.'),
})

/** Only its name, whatever the rest is. */
const named = z.looseObject({ key: section.shape.key })

/** The keys of such a section. */
export const MIRROR_KEYS: readonly string[] = Object.keys(section.shape)

/** A registry to mirror, and how. Times are milliseconds. */
export type MirrorEntry = MirrorName &
  Readonly<Omit<z.output<typeof section>, 'key' | 'repositories' | 'signedBy'>> & {
    readonly repositories: readonly RepositoryPattern[]
    /** Files of public keys; without any, nothing has to be signed. */
    readonly signedBy: readonly string[]
  }

/** A list of names and sections, in which no registry is named twice (in whatever spelling). */
export function mirrorList() {
  // Not a union: whatever is wrong with one entry must not hide what is wrong with the others.
  return z.array(z.unknown()).transform((entries, context) => {
    const firsts = new Map<string, number>()
    return entries.map((entry, index): MirrorEntry => {
      const isText = typeof entry === 'string'
      const written = isText ? { key: entry } : entry
      const known = named.safeParse(written)
      if (known.success)
        complainOfSecond(known.data.key, [index, ...(isText ? [] : ['key'])], firsts, context)
      const { success, data, error } = section.safeParse(written)
      if (success) {
        const { key, ...policy } = data
        return { ...key, ...policy }
      }
      for (const issue of error.issues)
        context.addIssue({ ...issue, path: [index, ...(isText ? [] : issue.path)] })
      return z.NEVER
    })
  })
}

function complainOfSecond(
  { kind, text: name }: MirrorName,
  path: [number, ...string[]],
  firsts: Map<string, number>,
  context: z.RefinementCtx,
): void {
  const first = firsts.get(`${kind} ${name}`)
  if (first === undefined) {
    firsts.set(`${kind} ${name}`, path[0])
    return
  }
  context.addIssue({
    code: 'custom',
    path,
    message: `is the same as entry ${first + 1}: remove one`,
  })
}
