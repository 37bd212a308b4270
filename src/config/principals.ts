import { nearest } from '../oci/nearest.ts'
import type { Problem } from './problems.ts'
import type { ParsedConfig } from './schema.ts'

/** Groups are what `access.groups` says, so one that it does not have is a slip, and a rule that is for nobody. */
export function groupsAreThere({ access }: ParsedConfig): Problem[] {
  const known = Object.keys(access.groups)
  const judge = (section: readonly PropertyKey[], groups: readonly string[]): Problem[] =>
    groups.flatMap((group, index) => {
      if (known.includes(group)) return []
      const meant = nearest(group, known)
      const hint = meant === undefined ? 'write it there, with its users' : `did you mean ${meant}?`
      const message = `is ${group}, a group that access.groups does not have: ${hint}`
      return [{ path: [...section, 'groups', index], message }]
    })
  return [
    ...judge(['access', 'admins'], access.admins.groups),
    ...access.policies.flatMap(({ groups }, index) => judge(['access', 'policies', index], groups)),
  ]
}

const NOBODY =
  'and in auth.mode open nobody can be one of them, for nobody is asked who he is: set the mode to htpasswd or token, or remove it'

/** Where nobody is asked who he is, rules for somebody do nothing, which somebody may rely on. */
export function somebodyIsAsked({ auth, access }: ParsedConfig): Problem[] {
  if (auth.mode !== 'open') return []
  const named = (
    section: readonly PropertyKey[],
    { users, groups }: { users: readonly string[]; groups: readonly string[] },
  ): Problem[] =>
    Object.entries({ users, groups }).flatMap(([key, list]) =>
      list.length === 0
        ? []
        : [{ path: [...section, key], message: `names ${shortened(list)}, ${NOBODY}` }],
    )
  const policies = access.policies.flatMap((policy, index) => {
    const path = ['access', 'policies', index]
    const problems = named(path, policy)
    if (policy.authenticated)
      problems.push({
        path: [...path, 'authenticated'],
        message: `is for those who have logged in, ${NOBODY}`,
      })
    return problems
  })
  return [...named(['access', 'admins'], access.admins), ...policies]
}

function shortened([first = '', ...more]: readonly string[]): string {
  return more.length === 0 ? first : `${first} and ${more.length} more`
}
