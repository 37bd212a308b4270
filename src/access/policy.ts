import { RepositorySet } from '../oci/repository-pattern.ts'
import { snapshotNameOf } from '../oci/snapshot-name.ts'
import type { RepositoryName } from '../oci/name.ts'
import type { RepositoryPattern, RepositoryView } from '../oci/repository-pattern.ts'
import type { Action, Policy, Principal } from './ports.ts'

/** What some may do in some repositories, as the configuration has it (`access.policies`). */
export interface PolicyRule {
  readonly repositories: readonly RepositoryPattern[]
  readonly users: readonly string[]
  readonly groups: readonly string[]
  /** For whoever has logged in. */
  readonly authenticated: boolean
  /** For everybody, logged in or not. */
  readonly anonymous: boolean
  readonly allow: readonly Action[]
}

/** Some users, by name or by group. */
interface Named {
  readonly users: readonly string[]
  readonly groups: readonly string[]
}

/** The configuration's section `access`, as far as it is about users. */
export interface PolicyInit {
  /** The users of each group. */
  readonly groups: Readonly<Record<string, readonly string[]>>
  readonly admins: Named
  readonly policies: readonly PolicyRule[]
}

/**
 * Policies: whatever one of them allows is allowed, and nothing else is. Where there are none, whoever has logged in may
 * do everything. The patterns are read once, since this is asked for every name of a listing. What credentials are good for
 * is not asked here ({@link bounded}).
 */
export class Policies implements Policy {
  readonly #rules: readonly Rule[]
  readonly #admins: Circle
  /** The rules for somebody: a listing asks for one principal again and again. */
  readonly #rulesOf = new WeakMap<Principal, readonly Rule[]>()

  constructor({ groups, admins, policies }: PolicyInit) {
    const members = new Map(Object.entries(groups))
    this.#admins = new Circle(admins, members)
    this.#rules =
      policies.length === 0
        ? [new Rule(EVERYTHING, members)]
        : policies.map((policy) => new Rule(policy, members))
  }

  may(who: Principal, action: Action, name: RepositoryName): boolean {
    const kept = keptName(name)
    return this.#for(who).some((rule) => rule.allows(action) && rule.repositories.has(kept))
  }

  mayAdminister(who: Principal): boolean {
    return this.#admins.has(who)
  }

  view(who: Principal): RepositoryView | undefined {
    const sets = this.#for(who)
      .filter((rule) => rule.allows('pull'))
      .map((rule) => rule.repositories)
    if (sets.some((set) => set.isAll)) return undefined
    return {
      has: (name) => {
        const kept = keptName(name)
        return sets.some((set) => set.has(kept))
      },
      mayHold: (parts) => parts[0] === 'at' || sets.some((set) => set.mayHold(parts)),
    }
  }

  #for(who: Principal): readonly Rule[] {
    const known = this.#rulesOf.get(who)
    if (known !== undefined) return known
    const rules = this.#rules.filter((rule) => rule.isFor(who))
    this.#rulesOf.set(who, rules)
    return rules
  }
}

const EVERYTHING: PolicyRule = {
  repositories: ['**' as RepositoryPattern],
  users: [],
  groups: [],
  authenticated: true,
  anonymous: false,
  allow: ['pull', 'push', 'overwrite', 'delete'],
}

/** Some users. */
class Circle {
  readonly #users: ReadonlySet<string>
  /** Also for those whom somebody else says to be in them. */
  readonly #groups: ReadonlySet<string>

  constructor({ users, groups }: Named, members: ReadonlyMap<string, readonly string[]>) {
    this.#users = new Set([...users, ...groups.flatMap((group) => members.get(group) ?? [])])
    this.#groups = new Set(groups)
  }

  has({ user, groups }: Principal): boolean {
    if (user === undefined) return false
    return this.#users.has(user) || groups.some((group) => this.#groups.has(group))
  }
}

/** A policy, ready to be asked. */
class Rule {
  readonly repositories: RepositorySet
  readonly #isForEverybody: boolean
  readonly #isForUsers: boolean
  readonly #circle: Circle
  readonly #allowed: ReadonlySet<Action>

  constructor(policy: PolicyRule, members: ReadonlyMap<string, readonly string[]>) {
    this.repositories = new RepositorySet(policy.repositories)
    this.#isForEverybody = policy.anonymous
    this.#isForUsers = policy.authenticated
    this.#circle = new Circle(policy, members)
    this.#allowed = new Set(policy.allow)
  }

  isFor(who: Principal): boolean {
    if (this.#isForEverybody) return true
    return who.user !== undefined && (this.#isForUsers || this.#circle.has(who))
  }

  allows(action: Action): boolean {
    return this.#allowed.has(action)
  }
}

/** The past of a repository (`at/<root>/<name>`) is as secret as it is itself. */
function keptName(name: RepositoryName): RepositoryName {
  let kept = name
  for (let past = snapshotNameOf(kept); past !== undefined; past = snapshotNameOf(kept))
    kept = past.name
  return kept
}
