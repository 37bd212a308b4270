import { z } from 'zod'
import { tryParseTagPattern } from '../oci/tag-pattern.ts'
import { listOf, quantity } from './fields.ts'
import { parsePattern } from './mirror-entry.ts'
import { parseAge } from './quantity.ts'
import { InvalidValue, quote } from './value.ts'
import type { TagPattern } from '../oci/tag-pattern.ts'

/** More of anything than somebody writes by hand; each tag is held against all of them. */
const MOST = 64

/** @throws InvalidValue */
function parseTagPattern(text: string): TagPattern {
  const pattern = tryParseTagPattern(text)
  if (pattern !== undefined) return pattern
  throw new InvalidValue(
    `is ${quote(text)}, which no tag can be: write a tag (latest), or * for any characters (v*)`,
  )
}

function some<T>(parse: (text: string) => T) {
  return listOf(parse)
    .refine((list) => list.length > 0, {
      message: 'is empty, so nothing is meant: name some, or remove the whole rule',
    })
    .refine((list) => list.length <= MOST, { message: `has more than ${MOST} patterns` })
}

const section = z.strictObject({
  repositories: some(parsePattern)
    .prefault(['**'])
    .describe('The repositories it is about, each by itself.'),
  tags: some(parseTagPattern).describe('The tags it is about, as patterns.'),
  keep: z.int().min(0).max(1_000_000).describe('How many of them are kept, the newest.'),
  olderThan: quantity(parseAge)
    .nullable()
    .prefault(null)
    .describe('Only what was pushed longer ago goes; null: however new.'),
})

/** The keys of such a rule. */
export const TAG_RULE_KEYS: readonly string[] = Object.keys(section.shape)

/** Rules of which tags are kept. */
export function tagRules() {
  const rule = section.refine(({ keep, olderThan }) => keep > 0 || olderThan !== null, {
    path: ['keep'],
    message:
      'is 0, which would take away every such tag as soon as it is pushed: keep one, or say olderThan',
  })
  return z
    .array(rule)
    .refine((list) => list.length <= MOST, { message: `has more than ${MOST} rules` })
}
