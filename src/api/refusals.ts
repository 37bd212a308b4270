import { RegistryError } from '../oci/errors.ts'
import type { Authenticator, Needed, Principal, TokenError } from '../access/ports.ts'
import type { ApiContext } from './context.ts'

/** Why somebody is not let in, with a challenge where credentials would help. */
export function refusals(authenticator: Authenticator) {
  return { lacking, strange, challenged }

  /** Credentials, or better ones, may help (401); where none would, it is denied (403). */
  function lacking(ctx: ApiContext, needed: Needed, who: Principal): RegistryError {
    if (who.user !== undefined && who.grant === undefined) return new RegistryError('DENIED')
    const reason = who.grant === undefined ? undefined : 'insufficient_scope'
    return challenged(ctx, needed, { error: new RegistryError('UNAUTHORIZED'), reason })
  }

  /** Whoever has no token yet can still log in; of who has one for nobody in particular this is the end. */
  function strange(ctx: ApiContext, needed: Needed, who: Principal): RegistryError {
    const message = 'nothing is served under this host name without a login: list it in http.hosts'
    if (who.grant !== undefined) return new RegistryError('DENIED', { message })
    const error = new RegistryError('UNAUTHORIZED', { message })
    return challenged(ctx, needed, { error, reason: undefined })
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

function originOf({ state: { client } }: ApiContext): string {
  return `${client.protocol}://${client.host ?? ''}`
}
