import assert from 'node:assert/strict'
import { htpasswdAuthenticator } from '../../src/access/htpasswd.ts'
import { Logins } from '../../src/access/logins.ts'
import { hashPassword } from '../../src/access/passwords.ts'
import { startApi } from '../support/http.ts'
import type { Access } from '../../src/access/ports.ts'
import type { AuditEntry } from '../../src/api/audit.ts'

const basic = (user: string, password: string): string =>
  `Basic ${Buffer.from(`${user}:${password}`).toString('base64')}`

describe('api: the audit trail of logins', () => {
  let access: Access
  before(async () => {
    const users = new Map([['alice', await hashPassword('correct horse')]])
    const logins = new Logins({ users }, () => performance.now())
    const policy = { may: () => true, mayAdminister: () => false, view: () => undefined }
    access = {
      authenticator: htpasswdAuthenticator(logins),
      policy,
      tokens: {
        challenge: 'Basic realm="x"',
        issue: async ({ presented }) => {
          await logins.login(presented)
          throw new Error('nobody gets in here')
        },
      },
    }
  })

  it('tells guesses from what can be nobody’s password, and from what is said again', async () => {
    const entries: AuditEntry[] = []
    const write = async (entry: AuditEntry): Promise<void> => void entries.push(entry)
    const api = await startApi({ access, audit: { pulls: false, write } })
    const form = { 'content-type': 'application/x-www-form-urlencoded' }
    const body = 'grant_type=password&username=alice&password=wrong+three'
    try {
      for (const authorization of [
        basic('alice', 'wrong one'),
        basic('alice', 'wrong one'),
        basic('nobody', 'wrong two'),
        basic('', 'x'),
        'Basic ?',
      ])
        assert.equal((await api.call('GET', '/v2/', { headers: { authorization } })).status, 401)
      assert.equal((await api.call('POST', '/v2/token', { headers: form, body })).status, 401)
    } finally {
      await api.close()
    }
    assert.deepEqual(
      entries.map(({ action, isGuess = false }) => [action, isGuess]),
      [true, false, true, false, false, true].map((isGuess) => ['login-failed', isGuess]),
    )
  })
})
