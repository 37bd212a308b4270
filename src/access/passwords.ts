import { createHmac, randomBytes } from 'node:crypto'
import { hash as bcryptHash, verify } from '@node-rs/bcrypt'
import { RegistryError } from '../oci/errors.ts'
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
/** What a hash costs where no user has one to go by. */
const USUAL_COST = 10

/** `wrong again`: that it is wrong was found out for somebody else, or before, so whoever says it has guessed nothing. */
type Verdict = 'right' | 'wrong' | 'wrong again'

/**
 * Says whether a password is a user's. A name that nobody has takes as long as a wrong password (B57). What was right is
 * remembered for a minute, as a code that is of no use to anybody else, and that ends with the user's hash.
 */
export class Passwords {
  readonly #users: () => UserList
  readonly #now: () => number
  readonly #secret = randomBytes(32)
  readonly #known = new Map<string, number>()
  /** Wrong ones: clients come again and again with what they were told once. */
  readonly #wrong = new Map<string, number>()
  /** `undefined`: whoever was to hash it was not let. */
  readonly #under = new Map<string, Promise<boolean | undefined>>()
  readonly #dummies = new Map<number, Promise<string>>()
  #running = 0
  readonly #waiting: (() => void)[] = []

  /** @param now milliseconds that only go forward */
  constructor(users: () => UserList, now: () => number) {
    this.#users = users
    this.#now = now
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
   * @param mayTry is asked for each caller, and may throw, before he learns anything: others may have guessed wrong from
   * his address meanwhile
   * @throws RegistryError TOOMANYREQUESTS when more wait for it than may
   */
  async check(credentials: BasicCredentials, mayTry: () => void): Promise<Verdict> {
    for (;;) {
      mayTry()
      const code = this.#codeNow(credentials)
      if (this.#isIn(this.#known, code)) return 'right'
      if (this.#isIn(this.#wrong, code)) return 'wrong again'
      const under = this.#under.get(code)
      if (under === undefined) return await this.#find(credentials, code, mayTry)
      const isRight = await under
      if (isRight === undefined) continue
      mayTry()
      return isRight ? 'right' : 'wrong again'
    }
  }

  async #find(credentials: BasicCredentials, code: string, mayTry: () => void): Promise<Verdict> {
    const hash = this.#users().get(credentials.user)
    const work = this.#verify(credentials, hash, mayTry)
    const told = work.catch(() => undefined).finally(() => this.#under.delete(code))
    this.#under.set(code, told)
    const isRight = await work
    this.#remember(isRight ? this.#known : this.#wrong, code)
    return isRight ? 'right' : 'wrong'
  }

  async #verify(
    { password }: BasicCredentials,
    hash: string | undefined,
    mayTry: () => void,
  ): Promise<boolean> {
    await this.#turn()
    try {
      mayTry()
      const isRight = await verify(password, hash ?? (await this.#dummy()))
      return isRight && hash !== undefined
    } finally {
      const next = this.#waiting.shift()
      if (next === undefined) this.#running--
      else next()
    }
  }

  async #turn(): Promise<void> {
    if (this.#running < AT_ONCE) this.#running++
    else {
      if (this.#waiting.length >= MAX_WAITING) {
        throw new RegistryError('TOOMANYREQUESTS', {
          message: 'too many logins at once',
          headers: { 'Retry-After': '2' },
        })
      }
      const turn = Promise.withResolvers<void>()
      this.#waiting.push(turn.resolve)
      await turn.promise
    }
  }

  /** A hash of nobody's, as dear as most of the users'. */
  #dummy(): Promise<string> {
    const [first] = this.#users().values()
    const cost = first === undefined ? USUAL_COST : costOf(first)
    const dummy = this.#dummies.get(cost) ?? hashPassword(randomBytes(16).toString('hex'), cost)
    this.#dummies.set(cost, dummy)
    return dummy
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

/** @param cost 2 to the power of it rounds */
export function hashPassword(password: string, cost = USUAL_COST): Promise<string> {
  return bcryptHash(password, cost)
}
