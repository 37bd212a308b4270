import { bounded } from './bounded.ts'
import { Policies } from './policy.ts'
import { FixedRules } from './standing-rules.ts'
import type { RepositoryName, Tag } from '../oci/name.ts'
import type { RepositoryView } from '../oci/repository-pattern.ts'
import type { StandingRules } from '../registry/ports.ts'
import type { PolicyInit } from './policy.ts'
import type { Action, Policy, Principal } from './ports.ts'
import type { StandingRulesInit } from './standing-rules.ts'

/** The configuration's section `access`. */
export interface AccessInit extends PolicyInit, StandingRulesInit {
  /** Who may do what where there are no policies; `undefined`: whoever has proved his name may do everything. */
  readonly byDefault?: Policy | undefined
}

/** All rules of the configuration, which may be replaced while they are used. */
export class ChangingRules implements Policy, StandingRules {
  #policy: Policy
  #standing: StandingRules

  constructor(init: AccessInit) {
    this.#policy = policyOf(init)
    this.#standing = new FixedRules(init)
  }

  /** From now on these hold, also for requests that are under way. */
  replace(init: AccessInit): void {
    const standing = new FixedRules(init)
    this.#policy = policyOf(init)
    this.#standing = standing
  }

  may(who: Principal, action: Action, name: RepositoryName): boolean {
    return this.#policy.may(who, action, name)
  }

  mayAdminister(who: Principal): boolean {
    return this.#policy.mayAdminister(who)
  }

  view(who: Principal): RepositoryView | undefined {
    return this.#policy.view(who)
  }

  get readOnly(): boolean {
    return this.#standing.readOnly
  }

  hasImmutable(name: RepositoryName): boolean {
    return this.#standing.hasImmutable(name)
  }

  isImmutable(name: RepositoryName, tag: Tag): boolean {
    return this.#standing.isImmutable(name, tag)
  }
}

function policyOf(init: AccessInit): Policy {
  const policies = new Policies(init)
  const { byDefault } = init
  if (init.policies.length > 0 || byDefault === undefined) return bounded(policies)
  return bounded({
    may: (who, action, name) => byDefault.may(who, action, name),
    view: (who) => byDefault.view(who),
    mayAdminister: (who) => policies.mayAdminister(who),
  })
}
