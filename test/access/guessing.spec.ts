import assert from 'node:assert/strict'
import { Logins } from '../../src/access/logins.ts'
import { hashPassword } from '../../src/access/passwords.ts'

const RIGHT = 'correct horse 1'
const ADDRESS = '192.0.2.1'

const basic = (password: string): string[] => [
  `Basic ${Buffer.from(`alice:${password}`).toString('base64')}`,
]

describe('who guesses passwords', () => {
  let logins: Logins
  beforeEach(async () => {
    const users = new Map([['alice', await hashPassword(RIGHT, 10)]])
    logins = new Logins({ users }, () => 1000)
  })

  const login = (password: string, address = ADDRESS) =>
    logins.login({ authorization: basic(password), address }).then(
      () => 'let in',
      (error: unknown) => (error as { code: string }).code,
    )

  it('does not learn the right one of somebody who is logged in, after ten wrong ones', async () => {
    assert.equal(await login(RIGHT, '192.0.2.2'), 'let in')
    for (let n = 0; n < 10; n++) assert.equal(await login(`wrong ${n}`), 'UNAUTHORIZED')
    assert.equal(await login('wrong'), 'TOOMANYREQUESTS')
    assert.equal(await login(RIGHT), 'TOOMANYREQUESTS')
    assert.equal(await login(RIGHT, '192.0.2.2'), 'let in')
  })

  it('is not who comes with one wrong password again and again, as containerd does', async () => {
    for (let n = 0; n < 30; n++) assert.equal(await login('wrong'), 'UNAUTHORIZED')
    assert.equal(await login(RIGHT), 'let in')
  })

  it('is not who comes with one wrong password many times at once, as clients push', async () => {
    const all = await Promise.all(Array.from({ length: 30 }, () => login('wrong')))
    assert.deepEqual(new Set(all), new Set(['UNAUTHORIZED']))
    assert.equal(await login(RIGHT), 'let in')
  })

  it('keeps nobody else out who comes with the same password at the same time', async () => {
    const guesses = Array.from({ length: 40 }, (_, n) => login(`wrong ${n}`))
    // It waits behind them, and when its turn has come, its address has guessed too often.
    const shared = login(RIGHT)
    const others = ['192.0.2.2', '192.0.2.3', ADDRESS].map((address) => login(RIGHT, address))
    await Promise.all(guesses)
    assert.equal(await shared, 'TOOMANYREQUESTS')
    assert.deepEqual(await Promise.all(others), ['let in', 'let in', 'TOOMANYREQUESTS'])
  })

  it('learns nothing of what was found out for another address', async () => {
    const { promise: over, resolve: end } = Promise.withResolvers<void>()
    const hash = async (password: string): Promise<boolean> => {
      if (password === RIGHT) await over
      return password === RIGHT
    }
    logins = new Logins({ users: new Map([['alice', 'hers']]) }, () => 1000, hash)
    for (let n = 0; n < 9; n++) assert.equal(await login(`wrong ${n}`), 'UNAUTHORIZED')
    const first = login(RIGHT, '192.0.2.2')
    // It waits for what is found out for the first, and meanwhile its address guesses once more.
    const follower = login(RIGHT)
    assert.equal(await login('wrong 9'), 'UNAUTHORIZED')
    end()
    assert.equal(await first, 'let in')
    assert.equal(await follower, 'TOOMANYREQUESTS')
  })

  it('gets no more tries by asking all at once', async () => {
    const all = await Promise.all(Array.from({ length: 40 }, (_, n) => login(`wrong ${n}`)))
    const tries = all.filter((code) => code === 'UNAUTHORIZED').length
    // Two are under way at any time.
    assert.ok(tries >= 10 && tries <= 12, `${tries} tries`)
  })
})
