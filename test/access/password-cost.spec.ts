import assert from 'node:assert/strict'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { Passwords, hashPassword } from '../../src/access/passwords.ts'
import { costOf } from '../../src/access/user-list.ts'
import { setUser, listUsers } from '../../src/access/users.ts'
import { temporaryDirectory } from '../support/temporary.ts'

const hashOf = (cost: number): string => `$2y$${cost}$${'a'.repeat(53)}`

/** Counts the rounds that are done for a password, and does none. */
function counting(users: ReadonlyMap<string, string>) {
  let rounds = 0
  const hash = async (_password: unknown, wanted: unknown): Promise<boolean> => {
    rounds += 2 ** costOf(String(wanted))
    return true
  }
  const passwords = new Passwords(
    () => users,
    () => 0,
    hash,
  )
  return async (user: string) => {
    rounds = 0
    const verdict = await passwords.check({ user, password: 'x' }, ASKER)
    return { verdict, rounds }
  }
}

const ASKER = { from: '192.0.2.1', mayTry: () => undefined }

describe('access: what a login costs', () => {
  it('is that of the dearest hash, for every user and for nobody (B57)', async () => {
    const users = new Map([
      ['cheap', hashOf(10)],
      ['dear', hashOf(13)],
      ['middle', hashOf(12)],
    ])
    const cost = counting(users)
    const rounds = 2 ** 13
    for (const user of users.keys())
      assert.deepEqual(await cost(user), { verdict: 'right', rounds }, user)
    assert.deepEqual(await cost('nobody'), { verdict: 'wrong', rounds })
  })

  it('follows the list', async () => {
    let users = new Map([['a', hashOf(12)]])
    const rounds: number[] = []
    const hash = async (_password: unknown, wanted: unknown) =>
      rounds.push(costOf(String(wanted))) > 0
    const passwords = new Passwords(
      () => users,
      () => 0,
      hash,
    )
    const login = () => passwords.check({ user: 'nobody', password: 'x' }, ASKER)
    await login()
    users = new Map([['a', hashOf(14)]])
    await passwords.check({ user: 'else', password: 'x' }, ASKER)
    users = new Map()
    await passwords.check({ user: 'last', password: 'x' }, ASKER)
    assert.deepEqual(rounds, [12, 14, costOf(await hashPassword('x'))])
  })

  it('is what the documentation has htpasswd take', async () => {
    await using directory = await temporaryDirectory()
    const file = join(directory.path, 'users')
    await setUser(file, 'alice', 'correct horse')
    assert.deepEqual(await listUsers(file), ['alice'])
    const [, hash = ''] = (await readFile(file, 'utf8')).trim().split(':')
    const page = await readFile(join(import.meta.dirname, '../../docs/access.md'), 'utf8')
    assert.ok(page.includes(`htpasswd -B -C ${costOf(hash)}`))
  })
})
