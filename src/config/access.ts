import { z } from 'zod'
import { tryParseTagPattern } from '../oci/tag-pattern.ts'
import { listOf } from './fields.ts'
import { parsePattern } from './mirror-entry.ts'
import { InvalidValue, quote } from './value.ts'
import type { TagPattern } from '../oci/tag-pattern.ts'

/** More of anything than somebody writes by hand; a name that is asked for may be held against all of them. */
const MOST = 256

/**
 * Reads the name of a user or group. In `user:password` the first colon ends the name, so it has none.
 *
 * @throws InvalidValue
 */
function parsePrincipal(name: string): string {
  if (/^[^\s:\p{C}]{1,255}$/u.test(name)) return name
  throw new InvalidValue(
    `is ${quote(name)}: a name has 1 to 255 characters, without spaces and colons`,
  )
}

/** @throws InvalidValue */
function parseTagPattern(text: string): TagPattern {
  const pattern = tryParseTagPattern(text)
  if (pattern !== undefined) return pattern
  throw new InvalidValue(
    `is ${quote(text)}, which no tag can be: write a tag (latest), or * for any characters (v*)`,
  )
}

const principals = () => listOf(parsePrincipal).prefault([])

function some<T>(parse: (text: string) => T) {
  return bounded(listOf(parse)).refine((list) => list.length > 0, {
    message: 'is empty, so nothing is meant: name some, or remove the whole',
  })
}

function bounded<T extends z.ZodType<readonly unknown[]>>(list: T) {
  return list.refine((entries) => entries.length <= MOST, {
    message: `has more than ${MOST} entries`,
  })
}

const policy = z
  .strictObject({
    repositories: some(parsePattern).prefault(['**']).describe('The repositories it is about.'),
    users: principals().describe('Users it is for.'),
    groups: principals().describe('Groups it is for.'),
    authenticated: z.boolean().prefault(false).describe('Whether it is for whoever has logged in.'),
    anonymous: z
      .boolean()
      .prefault(false)
      .describe('Whether it is for everybody, logged in or not.'),
    allow: z
      .array(z.enum(['pull', 'push', 'overwrite', 'delete']))
      .refine((list) => list.length > 0, { message: 'is empty, so nothing is allowed: name some' })
      .describe('What they may do.'),
  })
  .refine(
    ({ users, groups, authenticated, anonymous }) =>
      users.length + groups.length > 0 || authenticated || anonymous,
    { message: 'is for nobody: name users or groups, or say authenticated or anonymous: true' },
  )

const immutable = z.strictObject({
  repositories: some(parsePattern).prefault(['**']).describe('The repositories with such tags.'),
  tags: some(parseTagPattern).describe('Tags that stay, as patterns.'),
})

/** The keys of a section in a list, by the list. */
export const ENTRY_KEYS: Readonly<Record<string, readonly string[]>> = {
  'access.policies': Object.keys(policy.shape),
  'access.immutableTags': Object.keys(immutable.shape),
}

/** Who may do what. */
export const access = z.strictObject({
  groups: z
    .record(z.string(), listOf(parsePrincipal))
    .superRefine((groups, context) => {
      for (const name of Object.keys(groups)) {
        try {
          parsePrincipal(name)
        } catch (error) {
          if (!(error instanceof InvalidValue)) throw error
          context.addIssue({ code: 'custom', path: [name], message: error.message })
        }
      }
    })
    .prefault({})
    .describe('Groups, each with its users.'),
  admins: z
    .strictObject({
      users: principals().describe('Users who may run this daemon over HTTP.'),
      groups: principals().describe('Groups who may.'),
    })
    .prefault({})
    .describe('Who sees the status in full and may collect, check and roll back over HTTP.'),
  policies: bounded(z.array(policy))
    .prefault([])
    .describe(
      'Sections of repositories, users and what they may do there; what none allows is denied. []: whoever has logged in may do everything.',
    ),
  immutableTags: bounded(z.array(immutable))
    .prefault([])
    .describe('Sections of repositories and tags that nobody can move or delete.'),
  readOnly: z.boolean().prefault(false).describe('Whether clients can change nothing.'),
})
