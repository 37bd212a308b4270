import type { RepositoryName } from '../oci/name.ts'
import type { RepositoryView } from '../oci/repository-pattern.ts'
import type { Abortable } from '../registry/ports.ts'

/**
 * The interfaces of this room: who asks ({@link Authenticator}), and what he may do ({@link Policy}). HTTP asks both
 * before it asks the registry.
 */

/**
 * What can be allowed in a repository. `push` makes what was not there; to point a tag that is there somewhere else is
 * `overwrite`; `delete` is never part of either (the mistake of GO-2026-6527).
 */
export type Action = 'pull' | 'push' | 'overwrite' | 'delete'

/** Somebody who asks. */
export interface Principal {
  /** The name the credentials proved; `undefined`: nobody in particular. */
  readonly user: string | undefined
  /** Groups that somebody else than our own policies says the user is in. */
  readonly groups: readonly string[]
  /**
   * What the credentials are good for at most, whatever the policies allow: the scope of a token. `undefined`: they are
   * good for all of it.
   */
  readonly grant?: ((action: Action, name: RepositoryName) => boolean) | undefined
  /** Whether such a bound lets the catalog be read: of what the policies show. */
  readonly mayList?: boolean | undefined
}

export const ANONYMOUS: Principal = { user: undefined, groups: [] }

/**
 * The cause of an UNAUTHORIZED for a password that was found wrong: somebody guesses. What can be nobody's, and what is only
 * said again, has none.
 */
export class WrongPassword extends Error {
  override readonly name = 'WrongPassword'
}

/** What a request shows of its sender. */
export interface Presented {
  /** Every `Authorization` header, as it came. */
  readonly authorization: readonly string[]
  /** The IP address it came from. */
  readonly address: string
}

/** What a request needs, for a challenge that names it. */
export type Needed =
  | {
      readonly kind: 'repository'
      readonly name: RepositoryName
      readonly actions: readonly Action[]
    }
  | { readonly kind: 'catalog' }
  | { readonly kind: 'nothing' }

/** Of RFC 6750, section 3.1. */
export type TokenError = 'invalid_token' | 'insufficient_scope'

/** Finds out who asks. */
export interface Authenticator {
  /**
   * Who sent this. Nobody in particular when nothing was presented.
   *
   * @throws RegistryError UNAUTHORIZED when what was presented proves nothing; TOOMANYREQUESTS when it was too often so
   */
  identify(presented: Presented, options?: Abortable): Promise<Principal>
  /**
   * Whether nobody in particular may be let in at all: where not, even `GET /v2/` is answered with a challenge, from
   * which clients learn that they have to log in.
   */
  readonly admitsAnonymous: boolean
  /**
   * The `WWW-Authenticate` of a 401.
   *
   * @param origin `https://host:port` under which the client reached us
   * @param error what is wrong with a token that was presented (RFC 6750 3.1)
   * @returns `undefined` when no credentials would help
   */
  challenge(needed: Needed, origin: string, error?: TokenError): string | undefined
}

/** What who may do. It never waits: it is asked for every name of a listing, and inside of commits. */
export interface Policy {
  may(who: Principal, action: Action, name: RepositoryName): boolean
  /** Status in full, and what changes the daemon itself. */
  mayAdminister(who: Principal): boolean
  /** The repositories that somebody may pull from, whatever his credentials are a grant for; `undefined`: all. */
  view(who: Principal): RepositoryView | undefined
}

/** What a client asks of our own token service, in the Docker token protocol. */
export interface TokenRequest {
  /** Every `Authorization` header; credentials in a form come as one. */
  readonly presented: Presented
  readonly service: string | undefined
  /** `repository:team/app:pull,push`, each. */
  readonly scopes: readonly string[]
}

/** A token, as it is told to the client. */
export interface IssuedToken {
  readonly token: string
  readonly expiresIn: number
  readonly issuedAt: Date
}

/** Our own token service. */
export interface TokenService {
  /** @throws RegistryError UNAUTHORIZED, TOOMANYREQUESTS; UNSUPPORTED (400) for what is no request for a token of ours */
  issue(request: TokenRequest, options?: Abortable): Promise<IssuedToken>
  /** The challenge of a login that failed there. */
  readonly challenge: string
}

/** All of it, as HTTP gets it. */
export interface Access {
  readonly authenticator: Authenticator
  /** Who asks, where it is about the daemon itself; `undefined`: that is found out as everywhere. */
  readonly administrators?: Authenticator | undefined
  readonly policy: Policy
  /** Where tokens are ours. */
  readonly tokens?: TokenService | undefined
}
