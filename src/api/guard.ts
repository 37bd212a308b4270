import { RegistryError } from '../oci/errors.ts'
import { noteForAudit } from './audit.ts'
import { nameOf } from './params.ts'
import { PolicyRights } from './rights.ts'
import type { Access, Action, Needed, Principal, TokenError } from '../access/ports.ts'
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
  return (decision) => {
    const guard: ApiMiddleware = async (ctx, next) => {
      if (decision === 'anyone') return next()
      const needed = neededFor(ctx, decision)
      const principal = await identify(ctx, needed)
      ctx.state.principal = principal
      ctx.state.allowance?.identified(principal.user)
      ctx.state.rights = new PolicyRights(policy, principal)
      if (!isLetIn(access, ctx, decision, principal)) throw refusal(ctx, needed, principal)
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
      noteForAudit(ctx, { loginFailed: true })
      throw challenged(ctx, needed, { error, reason: 'invalid_token' })
    }
  }

  /** Credentials, or better ones, may help (401); where none would, it is denied (403). */
  function refusal(ctx: ApiContext, needed: Needed, who: Principal): RegistryError {
    if (who.user !== undefined && who.grant === undefined) return new RegistryError('DENIED')
    const reason = who.grant === undefined ? undefined : 'insufficient_scope'
    return challenged(ctx, needed, { error: new RegistryError('UNAUTHORIZED'), reason })
  }

  function challenged(
    ctx: ApiContext,
    needed: Needed,
    { error, reason }: { error: RegistryError; reason: TokenError | undefined },
  ): RegistryError {
    const challenge = authenticator.challenge(needed, originOf(ctx), reason)
    if (challenge === undefined) return new RegistryError('DENIED', { cause: error })
    const { message } = error
    return new RegistryError('UNAUTHORIZED', {
      message,
      cause: error,
      headers: { 'WWW-Authenticate': challenge },
    })
  }
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

function originOf({ state: { client } }: ApiContext): string {
  return `${client.protocol}://${client.host ?? ''}`
}
