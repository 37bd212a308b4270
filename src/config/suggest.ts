import { nearest } from '../oci/nearest.ts'
import { OPTIONS, VARIABLE_PREFIX } from './options.ts'
import { ENTRY_KEYS } from './access.ts'
import { MIRROR_KEYS } from './mirror-entry.ts'
import { TAG_RULE_KEYS } from './retention-tags.ts'
import { SIGNATURE_KEYS } from './signatures.ts'

/**
 * What somebody may have meant by a key that does not exist: a sibling spelled almost like it, else a key of the
 * same name in another section.
 *
 * @returns the path with dots, or several
 */
export function suggestKey(section: readonly string[], key: string): string | undefined {
  const siblings = OPTIONS.filter(({ path }) => isSame(path.slice(0, -1), section))
  const sibling = nearest(
    key,
    siblings.map((option) => option.path.at(-1) ?? ''),
  )
  if (sibling !== undefined) return [...section, sibling].join('.')
  const namesakes = OPTIONS.filter((option) => option.path.at(-1) === key)
  return namesakes.length === 0
    ? undefined
    : namesakes.map(({ path }) => path.join('.')).join(' or ')
}

/** Key by key: any key may have a dot in it, or be empty. */
function isSame(path: readonly string[], other: readonly string[]): boolean {
  return path.length === other.length && path.every((key, at) => key === other[at])
}

/** The keys of sections in a list, by the list. */
const KEYS: Readonly<Record<string, readonly string[]>> = {
  ...ENTRY_KEYS,
  'ipns.readOnlyKeys': MIRROR_KEYS,
  'retention.tags': TAG_RULE_KEYS,
  signatures: SIGNATURE_KEYS,
}

/** The same for a key of a section in a list. @param list with dots @returns the key alone */
export function suggestEntryKey(list: string, key: string): string | undefined {
  return nearest(key, KEYS[list] ?? [])
}

/** What somebody may have meant by an environment variable that names no option. */
export function suggestVariable(variable: string): string | undefined {
  const name = variable.slice(VARIABLE_PREFIX.length)
  const names = OPTIONS.map((option) => option.variable.slice(VARIABLE_PREFIX.length))
  const best = nearest(name, names)
  return best === undefined ? undefined : VARIABLE_PREFIX + best
}
