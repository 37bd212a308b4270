import type { Policy, Principal } from './ports.ts'

/** A policy within what credentials are good for. */
export function bounded(policy: Policy): Policy {
  return {
    may: (who, action, name) =>
      (who.grant === undefined || who.grant(action, name)) && policy.may(who, action, name),
    // Tokens are for repositories.
    mayAdminister: (who) => who.grant === undefined && policy.mayAdminister(who),
  }
}

/** Somebody as he reads the catalog: a token for it shows what its user may pull, whatever else it is for. */
export function asLister(who: Principal): Principal {
  if (who.grant === undefined || who.mayList !== true) return who
  return { user: who.user, groups: who.groups }
}
