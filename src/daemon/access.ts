import { join } from 'node:path'
import { administrators } from '../access/administrators.ts'
import { htpasswdAuthenticator } from '../access/htpasswd.ts'
import { Logins } from '../access/logins.ts'
import { OPEN_ACCESS } from '../access/open.ts'
import { openOwnKey } from '../access/own-key.ts'
import { ALGORITHMS, readTokenKeys } from '../access/token-keys.ts'
import { ALGORITHM, tokenIssuer } from '../access/token-issuer.ts'
import { tokenAuthenticator } from '../access/token.ts'
import { UserFile } from '../access/user-file.ts'
import type { Logger } from 'pino'
import type { Access, Policy } from '../access/ports.ts'
import type { Config } from '../config/schema.ts'
import type { DataDirectory } from './data-directory.ts'

/** Where it is found out who asks. */
export interface AccessParts {
  readonly config: Config
  readonly directory: DataDirectory
  /** Who may do what. */
  readonly policy: Policy
  readonly log: Logger
}

/**
 * Opens what `auth` says. Files that it watches are let go with the stack.
 *
 * @throws UserListError, TokenKeyError for files that cannot be used
 */
export async function openAccess(stack: AsyncDisposableStack, parts: AccessParts): Promise<Access> {
  const { auth } = parts.config
  if (auth.mode === 'open') return { ...OPEN_ACCESS, policy: parts.policy }
  if (auth.mode === 'token' && auth.token.keys.length > 0) return foreignTokens(parts)
  const log = parts.log.child({ room: 'access' })
  const file = stack.use(await UserFile.open(auth.htpasswd ?? '', log))
  if (file.users.size === 0)
    log.warn({ file: auth.htpasswd }, 'there are no users yet: heliport user add NAME adds one')
  const logins = new Logins(file, () => performance.now())
  const { policy } = parts
  if (auth.mode === 'htpasswd') return { authenticator: htpasswdAuthenticator(logins), policy }
  return ownTokens(parts, logins, policy)
}

async function ownTokens(
  { config, directory }: AccessParts,
  logins: Logins,
  policy: Policy,
): Promise<Access> {
  const { service, realm, lifetime } = config.auth.token
  const { privateKey, publicKey } = await openOwnKey(join(directory.path, 'keys', 'token.pem'))
  const authenticator = tokenAuthenticator({
    key: publicKey,
    algorithms: [ALGORITHM],
    issuer: service,
    audience: service,
    realm: realm ?? undefined,
    isUser: (user, stamp) => stamp !== undefined && logins.stampOf(user) === stamp,
    now: Date.now,
  })
  const tokens = tokenIssuer({ key: privateKey, service, lifetime, logins, policy, now: Date.now })
  return { authenticator, administrators: administrators(logins, authenticator), policy, tokens }
}

async function foreignTokens({ config, policy }: AccessParts): Promise<Access> {
  const { service, realm, issuer, keys } = config.auth.token
  const authenticator = tokenAuthenticator({
    key: await readTokenKeys(keys),
    algorithms: ALGORITHMS,
    issuer: issuer ?? '',
    audience: service,
    realm: realm ?? undefined,
    // Whom it signs for, it knows.
    isUser: () => true,
    now: Date.now,
  })
  return { authenticator, policy }
}
