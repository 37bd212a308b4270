import { createHash } from 'node:crypto'
import { siteKey } from '../oci/address-key.ts'
import { readBasic, wrong } from './basic.ts'
import { FailedLogins } from './failed-logins.ts'
import { Passwords } from './passwords.ts'
import { WrongPassword } from './ports.ts'
import type { PasswordHash } from './passwords.ts'
import type { UserFile } from './user-file.ts'
import type { Presented } from './ports.ts'

/** Names and passwords, against the file of users. */
export class Logins {
  readonly #file: Pick<UserFile, 'users'>
  readonly #passwords: Passwords
  readonly #failed: FailedLogins

  /**
   * @param now milliseconds that only go forward
   * @param hash what says whether a password has a hash, in place of bcrypt
   */
  constructor(file: Pick<UserFile, 'users'>, now: () => number, hash?: PasswordHash) {
    this.#file = file
    this.#passwords = new Passwords(() => file.users, now, hash)
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
   * @throws RegistryError UNAUTHORIZED; TOOMANYREQUESTS when the address guessed wrong too often, when it did for a name that many guess, or when too
   * many log in at once
   */
  async login({ authorization, address }: Presented): Promise<string | undefined> {
    if (authorization.length === 0) return undefined
    const credentials = this.#read(authorization, address)
    // Also of those who are known: to let them in would tell who guesses which of a million passwords is the right one.
    const mayTry = (): void => this.#failed.check(address, credentials.user)
    const verdict = await this.#passwords.check(credentials, { from: siteKey(address), mayTry })
    if (verdict === 'right') return credentials.user
    // A client that has a wrong password comes with it a dozen times, also at once: that is one guess.
    if (verdict === 'wrong again') throw wrong()
    this.#failed.note(address, credentials.user)
    throw wrong(new WrongPassword())
  }

  #read(authorization: readonly string[], address: string) {
    try {
      const credentials = readBasic(authorization)
      if (credentials !== undefined) return credentials
    } catch (error) {
      this.#failed.checkAddress(address)
      throw error
    }
    throw wrong()
  }
}
