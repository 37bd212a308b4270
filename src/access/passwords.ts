import { createHmac, randomBytes } from 'node:crypto'
import { hash as bcryptHash, verify } from '@node-rs/bcrypt'
import { RegistryError } from '../oci/errors.ts'
import { Turns } from './turns.ts'
import { costOf } from './user-list.ts'
import type { BasicCredentials } from './basic.ts'
import type { UserList } from './user-list.ts'

/** A password that was right is not hashed again for so long: a pull asks a dozen times. */
const KNOWN_MS = 60_000
/** Those that are remembered. */
const MAX_KNOWN = 10_000
/** Hashes at once: each keeps a thread of the pool for a tenth of a second. */
const AT_ONCE = 2
/** Who may wait for that. */
const MAX_WAITING = 100
/** What our own hashes cost, and what is spent where no user has one to go by. docs/access.md names it, too. */
const USUAL_COST = 10

/** Says whether a password has a hash, and takes its time for it. */
export type PasswordHash = (password: string, hash: string) => Promise<boolean>

/** Who asks. */
interface Asker {
  /** From where: turns go round by it. */
  readonly from: string
  /**
   * Is asked before he learns anything, and may throw: others may have guessed wrong from his address meanwhile, or for the
   * same name.
   */
  readonly mayTry: () => void
}

/** `wrong again`: that it is wrong was found out for somebody else, or before, so whoever says it has guessed nothing. */
type Verdict = 'right' | 'wrong' | 'wrong again'

/**
 * Says whether a password is a user's. Every answer takes as long as the dearest hash of all users, so that time tells
 * nothing: whether there is such a user, or whose hash is older (B57). What was right is
 * remembered for a minute, as a code that is of no use to anybody else, and that ends with the user's hash.
 */
export class Passwords {
  readonly #users: () => UserList
  readonly #now: () => number
  readonly #hash: PasswordHash
  readonly #secret = randomBytes(32)
  readonly #known = new Map<string, number>()
  /** Wrong ones: clients come again and again with what they were told once. */
  readonly #wrong = new Map<string, number>()
  /** `undefined`: whoever was to hash it was not let. */
  readonly #under = new Map<string, Promise<boolean | undefined>>()
  #dearest: { readonly users: UserList; readonly cost: number } | undefined
  readonly #turns = new Turns({ atOnce: AT_ONCE, mostWaiting: MAX_WAITING })

  /**
   * @param now milliseconds that only go forward
   * @param hash what says whether a password has a hash, and takes its time for it
   */
  constructor(users: () => UserList, now: () => number, hash: PasswordHash = verify) {
    this.#users = users
    this.#now = now
    this.#hash = hash
  }

  #isIn(known: Map<string, number>, code: string): boolean {
    const until = known.get(code)
    if (until === undefined) return false
    if (until > this.#now()) return true
    known.delete(code)
    return false
  }

  /**
   * Many may come with the same at once, also from several addresses: it is hashed for one of them.
   *
   * @throws RegistryError TOOMANYREQUESTS when more wait for it than may
   */
  async check(credentials: BasicCredentials, asker: Asker): Promise<Verdict> {
    const { mayTry } = asker
    for (;;) {
      mayTry()
      const code = this.#codeNow(credentials)
      if (this.#isIn(this.#known, code)) return 'right'
      if (this.#isIn(this.#wrong, code)) return 'wrong again'
      const under = this.#under.get(code)
      if (under === undefined) return await this.#find(credentials, code, asker)
      const isRight = await under
      if (isRight === undefined) continue
      mayTry()
      return isRight ? 'right' : 'wrong again'
    }
  }

  async #find(credentials: BasicCredentials, code: string, asker: Asker): Promise<Verdict> {
    const hash = this.#users().get(credentials.user)
    const work = this.#verify(credentials, hash, asker)
    const told = work.catch(() => undefined).finally(() => this.#under.delete(code))
    this.#under.set(code, told)
    const isRight = await work
    this.#remember(isRight ? this.#known : this.#wrong, code)
    return isRight ? 'right' : 'wrong'
  }

  async #verify(
    { password }: BasicCredentials,
    hash: string | undefined,
    { from, mayTry }: Asker,
  ): Promise<boolean> {
    if (!(await this.#turns.take(from))) {
      throw new RegistryError('TOOMANYREQUESTS', {
        message: 'too many logins at once',
        headers: { 'Retry-After': '2' },
      })
    }
    try {
      mayTry()
      const most = this.#mostCost()
      if (hash === undefined) {
        await this.#hash(password, dummyOf(most))
        return false
      }
      const isRight = await this.#hash(password, hash)
      // A hash of cost n takes as long as two of n - 1.
      for (let cost = costOf(hash); cost < most; cost++) await this.#hash(password, dummyOf(cost))
      return isRight
    } finally {
      this.#turns.end()
    }
  }

  /** What the dearest hash costs; looked for once for each list. */
  #mostCost(): number {
    const users = this.#users()
    if (this.#dearest?.users !== users) {
      let cost = 0
      for (const hash of users.values()) cost = Math.max(cost, costOf(hash))
      this.#dearest = { users, cost: cost === 0 ? USUAL_COST : cost }
    }
    return this.#dearest.cost
  }

  #remember(known: Map<string, number>, code: string): void {
    known.delete(code)
    known.set(code, this.#now() + KNOWN_MS)
    const [oldest] = known.keys()
    if (known.size > MAX_KNOWN && oldest !== undefined) known.delete(oldest)
  }

  /** It changes with the user's hash. */
  #codeNow(credentials: BasicCredentials): string {
    return this.#code(credentials, this.#users().get(credentials.user) ?? '')
  }

  #code({ user, password }: BasicCredentials, hash: string): string {
    const hmac = createHmac('sha256', this.#secret)
    return hmac.update(JSON.stringify([user, password, hash])).digest('base64')
  }
}

/** A hash of nobody's. */
function dummyOf(cost: number): string {
  return `$2b$${cost}$${'.'.repeat(53)}`
}

/** @param cost 2 to the power of it rounds */
export function hashPassword(password: string, cost = USUAL_COST): Promise<string> {
  return bcryptHash(password, cost)
}
