import { createHash } from 'node:crypto'
import { readBasic, wrong } from './basic.ts'
import { FailedLogins } from './failed-logins.ts'
import { Passwords } from './passwords.ts'
import { WrongPassword } from './ports.ts'
import type { UserFile } from './user-file.ts'
import type { Presented } from './ports.ts'

/** Names and passwords, against the file of users. */
export class Logins {
  readonly #file: Pick<UserFile, 'users'>
  readonly #passwords: Passwords
  readonly #failed: FailedLogins

  /** @param now milliseconds that only go forward */
  constructor(file: Pick<UserFile, 'users'>, now: () => number) {
    this.#file = file
    this.#passwords = new Passwords(() => file.users, now)
    this.#failed = new FailedLogins(now)
  }

  /** Stands for a user's password as it is now, and tells nothing of it; `undefined`: there is no such user. */
  stampOf(user: string): string | undefined {
    const hash = this.#file.users.get(user)
    return hash && createHash('sha256').update(hash).digest('base64url').slice(0, 22)
  }

  /**
   * Who presented a name and the right password.
   *
   * @returns the user; `undefined` when nothing was presented
   * @throws RegistryError UNAUTHORIZED; TOOMANYREQUESTS when the address guessed wrong too often, or too many log in at once
   */
  async login({ authorization, address }: Presented): Promise<string | undefined> {
    if (authorization.length === 0) return undefined
    const credentials = this.#read(authorization, address)
    // Also of those who are known: to let them in would tell who guesses which of a million passwords is the right one.
    const mayTry = (): void => this.#failed.check(address)
    const verdict = await this.#passwords.check(credentials, mayTry)
    if (verdict === 'right') return credentials.user
    // A client that has a wrong password comes with it a dozen times, also at once: that is one guess.
    if (verdict === 'wrong again') throw wrong()
    this.#failed.note(address)
    throw wrong(new WrongPassword())
  }

  #read(authorization: readonly string[], address: string) {
    try {
      const credentials = readBasic(authorization)
      if (credentials !== undefined) return credentials
    } catch (error) {
      this.#failed.check(address)
      throw error
    }
    throw wrong()
  }
}
