import { tryParseName } from '../oci/name.ts'
import type { RepositoryName } from '../oci/name.ts'
import type { Action, Needed } from './ports.ts'

/** An entry of a token's `access` (Docker Registry v2 authentication, "Token Authentication Specification"). */
export interface AccessEntry {
  readonly type: string
  readonly name: string
  readonly actions: readonly string[]
}

/** Scopes in one request, and letters in one: a name, and all actions there are. */
const MAX_SCOPES = 64
const MAX_LETTERS = 400

const NAMES: Readonly<Record<string, readonly Action[]>> = {
  pull: ['pull'],
  push: ['push', 'overwrite'],
  delete: ['delete'],
}

/**
 * Reads scopes as clients write them: `repository:team/app:pull,push`, `registry:catalog:*`. What is not written like one
 * gives nothing.
 *
 * @returns `undefined` when there are too many of them
 */
export function parseScopes(texts: readonly string[]): AccessEntry[] | undefined {
  const scopes = texts.flatMap((text) => text.split(' ')).filter((text) => text !== '')
  if (scopes.length > MAX_SCOPES) return undefined
  return scopes.flatMap((scope) => parseScope(scope) ?? [])
}

/** A name may hold a port, and so a colon: it is what stands between the first and the last. */
function parseScope(scope: string): AccessEntry | undefined {
  if (scope.length > MAX_LETTERS) return undefined
  const [, type, name, actions] = /^([a-z]+)(?:\([a-z]+\))?:(.+):([a-z*,]*)$/.exec(scope) ?? []
  if (type === undefined || name === undefined || actions === undefined) return undefined
  return { type, name, actions: [...new Set(actions.split(','))].filter((action) => action !== '') }
}

/**
 * What of a wish is granted: known actions in one repository each, and the catalog. There are no wildcards: `*` is every
 * action, but a name is a name.
 */
export function granted(
  wanted: readonly AccessEntry[],
  may: (action: Action, name: RepositoryName) => boolean,
): AccessEntry[] {
  return wanted.flatMap((entry) => {
    if (isCatalog(entry)) return [{ ...entry, actions: ['*'] }]
    const name = entry.type === 'repository' ? tryParseName(entry.name) : undefined
    if (name === undefined) return []
    const actions = Object.keys(NAMES).filter(
      (action) =>
        (entry.actions.includes(action) || entry.actions.includes('*')) &&
        NAMES[action]?.some((each) => may(each, name)),
    )
    return [{ type: 'repository', name, actions }]
  })
}

function isCatalog({ type, name }: AccessEntry): boolean {
  return type === 'registry' && name === 'catalog'
}

/** What entries of a token allow. */
export function grantOf(
  entries: readonly AccessEntry[],
): (action: Action, name: RepositoryName) => boolean {
  return (action, name) =>
    entries.some(
      (entry) =>
        entry.type === 'repository' &&
        entry.name === name &&
        entry.actions.some((each) => each === '*' || NAMES[each]?.includes(action)),
    )
}

/** Whether they let the catalog be read. */
export function grantsCatalog(entries: readonly AccessEntry[]): boolean {
  return entries.some((entry) => isCatalog(entry) && entry.actions.includes('*'))
}

/** Actions in a challenge: who pushes also looks what is there. */
const ASKED: Readonly<Record<Action, string>> = {
  pull: 'pull',
  push: 'pull,push',
  overwrite: 'pull,push',
  delete: 'delete',
}

/** The scope that a challenge names; names are of letters that need no quoting. */
export function scopeOf(needed: Needed): string | undefined {
  if (needed.kind === 'catalog') return 'registry:catalog:*'
  if (needed.kind === 'nothing') return undefined
  const [action = 'pull'] = needed.actions
  return `repository:${needed.name}:${ASKED[action]}`
}
