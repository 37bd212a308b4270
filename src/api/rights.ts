import type { Policy, Principal } from '../access/ports.ts'
import type { RepositoryName } from '../oci/name.ts'
import type { RepositoryView } from '../oci/repository-pattern.ts'
import type { Rights } from '../registry/ports.ts'
import type { ApiContext } from './context.ts'

/** What somebody may do, as the registry asks for it. Nothing is asked of the policy before the registry wants to know. */
export class PolicyRights implements Rights {
  readonly #policy: Policy
  readonly #who: Principal

  constructor(policy: Policy, who: Principal) {
    this.#policy = policy
    this.#who = who
  }

  get user(): string | undefined {
    return this.#who.user
  }

  mayPull(name: RepositoryName): boolean {
    return this.#policy.may(this.#who, 'pull', name)
  }

  mayOverwrite(name: RepositoryName): boolean {
    return this.#policy.may(this.#who, 'overwrite', name)
  }

  get view(): RepositoryView | undefined {
    return this.#policy.view(this.#who)
  }
}

/** What the sender of a request may do. Every route that changes or lists has a guard before it, which sets this. */
export function rightsOf({ state }: ApiContext): Rights {
  if (state.rights === undefined) throw new Error('this route has no guard')
  return state.rights
}
