import { randomUUID } from 'node:crypto'
import { SignJWT } from 'jose'
import { RegistryError } from '../oci/errors.ts'
import { shown } from '../oci/shown.ts'
import { BASIC_CHALLENGE } from './htpasswd.ts'
import { granted, parseScopes } from './scope.ts'
import { MAX_TOKEN_LETTERS } from './token-check.ts'
import type { CryptoKey } from 'jose'
import type { Logins } from './logins.ts'
import type { Policy, TokenService } from './ports.ts'

/** What our own tokens are signed with. */
export const ALGORITHM = 'ES256'

/** What tokens are made with. */
export interface IssuerOptions {
  readonly key: CryptoKey
  readonly service: string
  /** Milliseconds. */
  readonly lifetime: number
  readonly logins: Logins
  readonly policy: Policy
  /** Milliseconds since the epoch. */
  readonly now: () => number
}

/**
 * Our own token service (the Docker token protocol). A token says who it was given to and what it is good for at most; what
 * that user may do is asked again whenever it is used. One for nobody in particular holds what anybody may do.
 */
export function tokenIssuer(options: IssuerOptions): TokenService {
  const { key, service, lifetime, logins, policy, now } = options
  return {
    challenge: BASIC_CHALLENGE,
    issue: async ({ presented, service: asked, scopes }) => {
      if (asked !== undefined && asked !== service)
        throw bad(
          `there is no service ${JSON.stringify(shown(asked, 255))} here: this one is ${service}`,
        )
      const wanted = parseScopes(scopes)
      if (wanted === undefined) throw bad('too many scopes at once')
      const user = await logins.login(presented)
      const who = { user, groups: [] }
      const issuedAt = new Date(Math.floor(now() / 1000) * 1000)
      const expiresIn = Math.floor(lifetime / 1000)
      const token = await new SignJWT({
        access: granted(wanted, (action, name) => policy.may(who, action, name)),
        stamp: user && logins.stampOf(user),
      })
        .setProtectedHeader({ alg: ALGORITHM, typ: 'JWT' })
        .setIssuer(service)
        .setAudience(service)
        .setSubject(user ?? '')
        .setIssuedAt(issuedAt)
        .setNotBefore(issuedAt)
        .setExpirationTime(new Date(issuedAt.getTime() + lifetime))
        .setJti(randomUUID())
        .sign(key)
      if (token.length > MAX_TOKEN_LETTERS)
        throw bad('a token for all of these scopes would be too long: ask for fewer at once')
      return { token, expiresIn, issuedAt }
    },
  }
}

function bad(message: string): RegistryError {
  return new RegistryError('UNSUPPORTED', { status: 400, message })
}
