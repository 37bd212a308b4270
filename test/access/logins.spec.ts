import assert from 'node:assert/strict'
import { Logins } from '../../src/access/logins.ts'
import { hashPassword } from '../../src/access/passwords.ts'
import { isRegistryError } from '../../src/oci/errors.ts'
import type { ErrorCode } from '../../src/oci/errors.ts'

const header = (user: string, password: string): string =>
  `Basic ${Buffer.from(`${user}:${password}`).toString('base64')}`

const fails = (code: ErrorCode) => (error: unknown) => isRegistryError(error, code)

describe('access: logins', () => {
  let hash = ''
  before(async () => {
    hash = await hashPassword('correct horse')
  })

  const setup = () => {
    const users = new Map([['alice', hash]])
    let now = 0
    const logins = new Logins({ users }, () => now)
    const login = (user: string, password: string, address = '192.0.2.1') =>
      logins.login({ authorization: [header(user, password)], address })
    return { users, login, pass: (ms: number) => (now += ms), logins }
  }

  it('take the right password, and no other', async () => {
    const { login, logins } = setup()
    assert.equal(await login('alice', 'correct horse'), 'alice')
    await assert.rejects(login('alice', 'wrong'), fails('UNAUTHORIZED'))
    await assert.rejects(login('bob', 'correct horse'), fails('UNAUTHORIZED'))
    assert.equal(await logins.login({ authorization: [], address: '' }), undefined)
  })

  it('say the same of an unknown name and of a wrong password, after as much work (B57)', async () => {
    const { login } = setup()
    const told = async (user: string) => {
      const began = process.cpuUsage()
      const message = await login(user, `wrong ${began.user}`).catch(String)
      const { user: spent } = process.cpuUsage(began)
      return { message, spent }
    }
    await told('nobody') // the hash that nobody has is made
    const [known, unknown] = [await told('alice'), await told('nobody')]
    assert.equal(known.message, unknown.message)
    // Not a measurement: without any hash it would be a thousandth.
    assert.ok(unknown.spent > known.spent / 10, `${unknown.spent} and ${known.spent} µs`)
  })

  it('make an address wait that guessed ten times, and nobody else (B57)', async () => {
    const { login, pass } = setup()
    for (let n = 0; n < 10; n++)
      await assert.rejects(login('alice', `x${n}`), fails('UNAUTHORIZED'))
    const tooMany = (error: unknown): boolean =>
      isRegistryError(error, 'TOOMANYREQUESTS') && error.headers['Retry-After'] === '60'
    await assert.rejects(login('alice', 'correct horse'), tooMany)
    assert.equal(await login('alice', 'correct horse', '192.0.2.2'), 'alice')
    pass(60_000)
    assert.equal(await login('alice', 'correct horse'), 'alice')
  })

  it('count a /64 of IPv6 as one', async () => {
    const { login } = setup()
    for (let n = 0; n < 10; n++)
      await assert.rejects(login('alice', `x${n}`, `2001:db8::${n}`), fails('UNAUTHORIZED'))
    await assert.rejects(login('alice', 'x', '2001:DB8:0:0:1::'), fails('TOOMANYREQUESTS'))
    await assert.rejects(login('alice', 'y', '2001:db8:0:1::1'), fails('UNAUTHORIZED'))
  })

  it('have to wait behind the address of one who guesses, also for who was known', async () => {
    const { login } = setup()
    await login('alice', 'correct horse')
    for (let n = 0; n < 10; n++) await assert.rejects(login('eve', `x${n}`), fails('UNAUTHORIZED'))
    await assert.rejects(login('alice', 'correct horse'), fails('TOOMANYREQUESTS'))
  })

  it('end at once when the user is removed or has another password (B65)', async () => {
    const { users, login } = setup()
    await login('alice', 'correct horse')
    users.set('alice', await hashPassword('battery staple'))
    await assert.rejects(login('alice', 'correct horse'), fails('UNAUTHORIZED'))
    assert.equal(await login('alice', 'battery staple'), 'alice')
    users.delete('alice')
    await assert.rejects(login('alice', 'battery staple'), fails('UNAUTHORIZED'))
  })

  it('hash one password once for all who come with it at the same time', async () => {
    const { login } = setup()
    const all = await Promise.all(
      Array.from({ length: 300 }, () => login('alice', 'correct horse')),
    )
    assert.equal(all.length, 300)
  })

  it('that are too many at once are told to come back', async () => {
    const { login } = setup()
    const results = await Promise.allSettled(
      Array.from({ length: 120 }, (_, n) => login('alice', `wrong ${n}`, `192.0.2.${n}`)),
    )
    const codes = results.map((result) =>
      result.status === 'rejected' && isRegistryError(result.reason) ? result.reason.code : 'none',
    )
    assert.deepEqual([...new Set(codes)].toSorted(), ['TOOMANYREQUESTS', 'UNAUTHORIZED'])
  }).timeout(120_000)
})
