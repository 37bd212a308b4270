import { checkCombinations } from './combinations.ts'
import { isObject } from './environment.ts'
import { remove } from './input.ts'
import { optionAt } from './options.ts'
import { schema } from './schema.ts'
import { pathText } from './problems.ts'
import { suggestEntryKey, suggestKey } from './suggest.ts'
import type { z } from 'zod'
import type { Input } from './input.ts'
import type { Problem } from './problems.ts'
import type { ParsedConfig } from './schema.ts'

/**
 * Holds the input against the schema, and against the rules that span several options.
 *
 * @returns the configuration, or everything that is wrong with it
 */
export function judge(input: Input): { config: ParsedConfig } | { problems: Problem[] } {
  const result = schema.safeParse(input)
  const problems = result.success
    ? []
    : result.error.issues.flatMap((issue) => explain(issue, input))
  // To find impossible combinations too, look at the input as it would be without the values that are wrong.
  const rest = structuredClone(input)
  for (const problem of problems) remove(rest, problem.path)
  const repaired = result.success ? result : schema.safeParse(rest)
  if (repaired.success) {
    const broken = new Set(problems.map((problem) => optionOf(problem.path)))
    problems.push(...checkCombinations(repaired.data, broken))
  }
  return result.success && problems.length === 0 ? { config: result.data } : { problems }
}

/** The option that a path belongs to, without list indexes, with dots. */
function optionOf(path: readonly PropertyKey[]): string {
  return path.filter((part) => typeof part === 'string').join('.')
}

type Issue = z.core.$ZodIssue

function explain(issue: Issue, input: Input): Problem[] {
  if (issue.code === 'unrecognized_keys')
    return issue.keys.map((key) => unknownKey(issue.path, key))
  return [{ path: issue.path, message: sentence(issue, valueAt(input, issue.path)) }]
}

function unknownKey(section: readonly PropertyKey[], key: string): Problem {
  const meant = section.some((part) => typeof part === 'number')
    ? entryKey(section, key)
    : suggestKey(section.map(String), key)
  const hint = meant === undefined ? 'remove it' : `did you mean ${meant}?`
  return { path: [...section, key], message: `is not an option: ${hint}`, key: true }
}

/** A key of a section in a list. */
function entryKey(section: readonly PropertyKey[], key: string): string | undefined {
  const meant = suggestEntryKey(optionOf(section), key)
  return meant && pathText([...section, meant])
}

function sentence(issue: Issue, value: unknown): string {
  switch (issue.code) {
    case 'invalid_union':
    case 'invalid_type':
      if (value === undefined) return 'is missing: write it, or remove the whole'
      return value === null ? 'has no value: give it one, or remove it' : wrongType(issue, value)
    case 'invalid_value':
      return `must be ${listed(issue.values.map(String))}`
    default:
      return issue.message
  }
}

/** Lists of nothing but sections. */
const SECTIONS_ONLY: Readonly<Record<string, string>> = {
  signatures: 'must be a section with repositories and keys',
  'retention.tags': 'must be a section, with its keys indented below it',
  'access.policies': 'must be a section, with its keys indented below it',
  'access.immutableTags': 'must be a section with tags',
}

function wrongType(issue: Issue, value: unknown): string {
  if (issue.code === 'invalid_type' && issue.expected === 'object' && inList(issue.path))
    return SECTIONS_ONLY[optionOf(issue.path)] ?? 'must be text, or a section with a key'
  const option = optionAt(issue.path)
  if (option?.kind === 'section' || option?.kind === 'map')
    return 'must be a section, with its keys indented below it'
  const expected = issue.code === 'invalid_type' ? issue.expected : 'string'
  if (expected === 'array')
    return 'must be a list: write [a, b], or one line with "- " for each entry'
  if (expected === 'boolean') return 'must be true or false'
  return `must be text, not ${typeName(value)}${typeof value === 'number' ? ': put it in quotes' : ''}`
}

function inList(path: readonly PropertyKey[]): boolean {
  return typeof path.at(-1) === 'number'
}

function typeName(value: unknown): string {
  if (Array.isArray(value)) return 'a list'
  return isObject(value) ? 'a section' : `a ${typeof value}`
}

function listed(values: readonly string[]): string {
  return values.length < 2
    ? values.join('')
    : `${values.slice(0, -1).join(', ')} or ${values.at(-1)}`
}

function valueAt(input: unknown, path: readonly PropertyKey[]): unknown {
  return path.reduce<unknown>((value, part) => {
    if (Array.isArray(value))
      return typeof part === 'number' ? (value as unknown[])[part] : undefined
    return isObject(value) && typeof part === 'string' ? value[part] : undefined
  }, input)
}
