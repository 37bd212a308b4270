import type { Policy } from './ports.ts'

/** A policy within what credentials are good for. */
export function bounded(policy: Policy): Policy {
  return {
    may: (who, action, name) =>
      (who.grant === undefined || who.grant(action, name)) && policy.may(who, action, name),
    // Tokens are for repositories.
    mayAdminister: (who) => who.grant === undefined && policy.mayAdminister(who),
    // A token for the catalog shows what its user may pull, whatever else it is for.
    view: (who) => policy.view(who),
  }
}
