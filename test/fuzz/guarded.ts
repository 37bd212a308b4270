import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { hashPassword } from '../../src/access/passwords.ts'
import { HONEST_PASSWORD, HONEST_USER } from './token-client.ts'
import { KEPT } from './names.ts'
import { USERS } from './users.ts'

const EVERYTHING = ['pull', 'push', 'overwrite', 'delete']

/** Where everybody writes: what the generator's names and namespaces lead to, and nothing else. */
const FREE = [
  'fuzz/**',
  'a',
  'a--b/**',
  'a/**',
  'x/**',
  'v2',
  'tags/**',
  'referrers',
  'blobs/**',
  'constructor',
]

/**
 * The configuration of a daemon that asks everybody for a token: the generator's users have their part, and neither what
 * is kept nor what is secret is of it. It has a proxy in front, which the generator is.
 */
const GUARDED = {
  http: { trustProxy: ['127.0.0.0/8'] },
  access: {
    groups: { readers: ['reader', 'writer'] },
    admins: { users: ['root'] },
    policies: [
      { users: [HONEST_USER], allow: EVERYTHING },
      { repositories: FREE, users: ['writer'], allow: EVERYTHING },
      { repositories: [...FREE, `${KEPT}/**`, KEPT], groups: ['readers'], allow: ['pull'] },
      { repositories: [KEPT], anonymous: true, allow: ['pull'] },
    ],
    immutableTags: [{ repositories: ['fuzz/**'], tags: ['V1*'] }],
  },
  // Forgotten uploads are all of one user, and cancelled by who looks after the daemon.
  limits: { address: { openUploads: null }, user: { openUploads: null } },
  // So that collections have something to collect while all this goes on.
  retention: { history: '1m', lease: '5m' },
}

/** The configuration, with a file of users beside it that goes when it is no longer needed. */
export async function guardedConfig(): Promise<AsyncDisposable & { config: object }> {
  const directory = await mkdtemp(join(tmpdir(), 'heliport-users-'))
  const all = { ...USERS, [HONEST_USER]: HONEST_PASSWORD }
  const lines = await Promise.all(
    Object.entries(all).map(
      async ([name, password]) => `${name}:${await hashPassword(password)}\n`,
    ),
  )
  const htpasswd = join(directory, 'htpasswd')
  await writeFile(htpasswd, lines.join(''), { mode: 0o600 })
  return {
    config: { ...GUARDED, auth: { mode: 'token', htpasswd, token: { lifetime: '1h' } } },
    [Symbol.asyncDispose]: () => rm(directory, { recursive: true, force: true }),
  }
}
