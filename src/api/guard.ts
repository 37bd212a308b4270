import { RegistryError } from '../oci/errors.ts'
import { noteFailedLogin } from './audit.ts'
import { enterRepository } from './namespaces.ts'
import { nameOf } from './params.ts'
import { refusals } from './refusals.ts'
import { PolicyRights } from './rights.ts'
import type { Access, Action, Needed, Principal } from '../access/ports.ts'
import type { ApiContext, ApiMiddleware } from './context.ts'

/**
 * Who may come through to a route:
 * an {@link Action} in the repository of its path; `list`: whoever is let in, and sees what he may pull; `enter`:
 * whoever is let in; `administer`; `look`: everybody, who is then shown what is for him; `anyone`, without a look at
 * credentials.
 */
export type Decision = Action | 'list' | 'enter' | 'administer' | 'look' | 'anyone'

/** The decision a guard was made for, so that a test can find it in the router's own table. */
const DECISION = Symbol('decision')

type Guard = ApiMiddleware & { readonly [DECISION]: Decision }

/** What a middleware of a route decides; `undefined` when it is not a guard. */
export function decisionOf(middleware: object): Decision | undefined {
  return (middleware as Partial<Guard>)[DECISION]
}

/**
 * Makes what stands first in every route: it finds out who asks, keeps that in `ctx.state.principal`, and lets through
 * only those who may. Where it is about the daemon itself, that may be found out in another way.
 */
export function guards({
  authenticator,
  administrators = authenticator,
  policy,
}: Access): (decision: Decision) => Guard {
  const forClients = guardsWith({ authenticator, policy })
  const forAdministrators = guardsWith({ authenticator: administrators, policy })
  return (decision) => {
    const isAboutUs = decision === 'administer' || decision === 'look'
    return isAboutUs ? forAdministrators(decision) : forClients(decision)
  }
}

function guardsWith(access: Access): (decision: Decision) => Guard {
  const { authenticator, policy } = access
  const refuse = refusals(authenticator)
  return (decision) => {
    const guard: ApiMiddleware = async (ctx, next) => {
      if (decision === 'anyone') {
        enterRepository(ctx)
        return next()
      }
      const needed = neededFor(ctx, decision)
      const principal = await identify(ctx, needed)
      ctx.state.principal = principal
      ctx.state.allowance?.identified(principal.user)
      ctx.state.rights = new PolicyRights(policy, principal)
      if (!isLetIn(access, ctx, decision, principal)) throw refuse.lacking(ctx, needed, principal)
      if (isForNobody(ctx, decision, principal)) throw refuse.strange(ctx, needed, principal)
      enterRepository(ctx)
      return next()
    }
    return Object.assign(guard, { [DECISION]: decision })
  }

  async function identify(ctx: ApiContext, needed: Needed): Promise<Principal> {
    const authorization = ctx.req.headersDistinct['authorization'] ?? []
    const { address } = ctx.state.client
    try {
      return await authenticator.identify({ authorization, address }, { signal: ctx.state.signal })
    } catch (error) {
      if (!(error instanceof RegistryError) || error.code !== 'UNAUTHORIZED') throw error
      noteFailedLogin(ctx, error)
      throw refuse.challenged(ctx, needed, { error, reason: 'invalid_token' })
    }
  }
}

/** Whether it may be a page that asks for what is for everybody: that is for everybody who reaches us himself. */
function isForNobody({ state }: ApiContext, decision: Decision, { user }: Principal): boolean {
  const isContent = decision !== 'enter' && decision !== 'look'
  return state.isStrangeHost === true && user === undefined && isContent
}

function isLetIn(
  { authenticator, policy }: Access,
  ctx: ApiContext,
  decision: Decision,
  who: Principal,
): boolean {
  switch (decision) {
    case 'anyone':
    case 'look':
      return true
    case 'administer':
      return policy.mayAdminister(who)
    case 'enter':
      return isKnown(who) || authenticator.admitsAnonymous
    case 'list':
      if (who.grant !== undefined) return who.mayList === true
      return isKnown(who) || authenticator.admitsAnonymous
    default:
      return policy.may(who, decision, nameOf(ctx))
  }
}

/** Who presented something that proves anything at all; an anonymous token does. */
function isKnown({ user, grant }: Principal): boolean {
  return user !== undefined || grant !== undefined
}

function neededFor(ctx: ApiContext, decision: Decision): Needed {
  switch (decision) {
    case 'pull':
    case 'push':
    case 'overwrite':
    case 'delete':
      return { kind: 'repository', name: nameOf(ctx), actions: [decision] }
    case 'list':
      return { kind: 'catalog' }
    case 'enter':
    case 'administer':
    case 'look':
    case 'anyone':
      return { kind: 'nothing' }
  }
}
