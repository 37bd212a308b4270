/**
 * Whom the generator logs in as. What each may do is in `GUARDED` (`guarded.ts`); nobody here may change what is kept, or
 * see what is secret.
 */
export const USERS = {
  /** All of it where everybody writes. */
  writer: 'correct horse battery staple',
  /** Pulls. */
  reader: 'pässwörd:with:colons',
  /** Nothing. */
  stranger: 'x',
  /** Runs the daemon, and nothing in repositories. */
  root: 'root&password=100%',
} as const satisfies Readonly<Record<string, string>>

export type UserName = keyof typeof USERS

export const USER_NAMES = Object.keys(USERS) as UserName[]

/** What a good client sends: user and password as RFC 7617 has them. */
export function basicOf(user: string): string {
  const password = USERS[user as UserName] ?? ''
  return Buffer.from(`${user}:${password}`).toString('base64')
}
