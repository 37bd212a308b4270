import assert from 'node:assert/strict'
import { FailedLogins } from '../../src/access/failed-logins.ts'
import { Logins } from '../../src/access/logins.ts'
import { isRegistryError } from '../../src/oci/errors.ts'

const RIGHT = 'correct horse 1'
/** Of its form. */
const HASH = `$2b$10$${'a'.repeat(53)}`

/** Whether it may be tried, and for how long it may not. */
function waits(failed: FailedLogins, address: string, name: string): string | undefined {
  try {
    failed.check(address, name)
    return undefined
  } catch (error) {
    if (!isRegistryError(error, 'TOOMANYREQUESTS')) throw error
    return error.headers['Retry-After']
  }
}

/** Nine wrong ones from each of some addresses, as far as they may. @returns how many were tried */
function guess(failed: FailedLogins, name: string, addresses: readonly string[]): number {
  let tried = 0
  for (const address of addresses)
    for (let n = 0; n < 9; n++) {
      if (waits(failed, address, name) !== undefined) continue
      failed.note(address, name)
      tried++
    }
  return tried
}

const some = (count: number, addressOf: (n: number) => string): string[] =>
  Array.from({ length: count }, (_, n) => addressOf(n))

describe('a name that is guessed from many addresses', () => {
  it('gets one guess of each, after twenty in ten minutes', () => {
    let now = 0
    const failed = new FailedLogins(() => now)
    const addresses = some(10, (n) => `10.9.${n}.1`)
    // Two addresses with nine, one with two, and one of each that is left.
    assert.equal(guess(failed, 'alice', addresses), 20 + 7)
    assert.equal(waits(failed, '10.9.0.1', 'alice'), '600')
    assert.equal(waits(failed, '10.9.0.1', 'bob'), undefined, 'another name')
    now = 600_000
    assert.equal(waits(failed, '10.9.0.1', 'alice'), undefined)
  })

  it('can be tried from every address that has not guessed it, however many have', () => {
    const failed = new FailedLogins(() => 0)
    guess(
      failed,
      'alice',
      some(1000, (n) => `10.${n >> 8}.${n & 255}.1`),
    )
    assert.equal(waits(failed, '192.0.2.1', 'alice'), undefined)
    assert.equal(waits(failed, '2001:db8::1', 'alice'), undefined)
  })

  it('is not guessed more often by one host with many networks of IPv6', () => {
    const failed = new FailedLogins(() => 0)
    const tried = guess(
      failed,
      'alice',
      some(1000, (n) => `2001:db8:0:${n.toString(16)}::1`),
    )
    assert.ok(tried <= 20 + 16, `${tried} tries`)
    assert.equal(waits(failed, '2001:db8:1::1', 'alice'), undefined)
  })

  it('cannot be freed by guessing ten thousand others', () => {
    const failed = new FailedLogins(() => 0)
    guess(
      failed,
      'alice',
      some(10, (n) => `10.9.${n}.1`),
    )
    for (let n = 0; n < 9_000; n++) failed.note('10.8.0.1', `name${n}`)
    assert.equal(waits(failed, '10.9.0.1', 'alice'), '600')
  })
})

describe('a user whose name is guessed', () => {
  /** Takes its time as bcrypt does, and less of it. */
  const hash = async (password: string, of: string): Promise<boolean> => {
    await new Promise((resolve) => void setImmediate(resolve))
    return of === HASH && password === RIGHT
  }
  const ask = async (logins: Logins, user: string, password: string, address: string) => {
    const authorization = [`Basic ${Buffer.from(`${user}:${password}`).toString('base64')}`]
    try {
      return await logins.login({ authorization, address })
    } catch (error) {
      if (!isRegistryError(error)) throw error
      return `${error.code} ${error.message}`
    }
  }

  it('gets in from an address that has not guessed; and nobody learns whether there is one (B57)', async () => {
    const logins = new Logins({ users: new Map([['alice', HASH]]) }, () => 0, hash)
    const answers = async (user: string): Promise<unknown[]> => {
      const all = some(40, (n) => `10.9.${Math.floor(n / 4)}.1`)
      const said: unknown[] = []
      for (const [n, address] of all.entries())
        said.push(await ask(logins, user, `wrong ${n}`, address))
      return said
    }
    const known = await answers('alice')
    assert.deepEqual(await answers('nobody'), known)
    const tried = known.filter((answer) => String(answer).startsWith('UNAUTHORIZED')).length
    assert.equal(tried, 20 + 5)
    assert.match(String(await ask(logins, 'alice', RIGHT, '10.9.0.1')), /^TOOMANYREQUESTS/)
    assert.equal(await ask(logins, 'alice', RIGHT, '192.0.2.1'), 'alice')
  })

  it('waits for one turn, and not for all that a network of IPv6 has sent before him', async () => {
    const logins = new Logins({ users: new Map([['bob', HASH]]) }, () => 0, hash)
    const wrong = some(200, (n) => `2001:db8:0:${n.toString(16)}::1`)
    let over = 0
    const flood = wrong.map(async (address, n) => {
      const answer = await ask(logins, `nobody${n}`, 'wrong', address)
      over++
      return answer
    })
    assert.equal(await ask(logins, 'bob', RIGHT, '192.0.2.1'), 'bob')
    // A hundred of them are told at once that too many wait, and two or three had their turn before him.
    assert.ok(over <= 110, `${over} were answered before`)
    for (const answer of await Promise.all(flood)) assert.match(String(answer), /^(UNAUTH|TOOMANY)/)
  })
})
