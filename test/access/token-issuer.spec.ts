import assert from 'node:assert/strict'
import { generateKeyPair } from 'jose'
import { Logins } from '../../src/access/logins.ts'
import { readToken } from '../../src/access/token-check.ts'
import { ALGORITHM, tokenIssuer } from '../../src/access/token-issuer.ts'
import { isRegistryError } from '../../src/oci/errors.ts'
import type { Policy } from '../../src/access/ports.ts'

const ALL: Policy = { may: () => true, mayAdminister: () => false, view: () => undefined }

describe('access: tokens of our own', () => {
  it('are not given for another service, which the answer names, and ours', async () => {
    const { privateKey } = await generateKeyPair(ALGORITHM)
    const issuer = tokenIssuer({
      ...{ key: privateKey, service: 'heliport', lifetime: 60_000, policy: ALL, now: Date.now },
      logins: new Logins({ users: new Map() }, () => 0),
    })
    const presented = { authorization: [], address: '' }
    await assert.rejects(
      async () => issuer.issue({ presented, service: 'wrong"', scopes: [] }),
      /there is no service "wrong\\"" here: this one is heliport/,
    )
  })

  it('are given for what they can hold, and never so long that we would not read them', async () => {
    const { privateKey, publicKey } = await generateKeyPair(ALGORITHM)
    const service = 'registry'
    const logins = new Logins({ users: new Map() }, () => 0)
    const issuer = tokenIssuer({
      ...{ key: privateKey, service, lifetime: 60_000, logins },
      ...{ policy: ALL, now: Date.now },
    })
    const scope = (n: number): string => `repository:${'x'.repeat(200)}/${n}:pull,push,delete`
    const issue = (count: number) =>
      issuer.issue({
        presented: { authorization: [], address: '' },
        service,
        scopes: Array.from({ length: count }, (_, n) => scope(n)),
      })
    const rules = { key: publicKey, algorithms: [ALGORITHM], issuer: service, audience: service }
    let most = 0
    for (let count = 1; count <= 64; count++) {
      try {
        const { token } = await issue(count)
        const claims = await readToken([`Bearer ${token}`], { ...rules, now: Date.now })
        assert.equal(claims?.access.length, count)
        most = count
      } catch (error) {
        assert.ok(isRegistryError(error, 'UNSUPPORTED'), String(error))
        assert.equal(error.status, 400)
        assert.match(error.message, /too long: ask for fewer/)
      }
    }
    assert.ok(most > 20 && most < 64, `${most}`)
  })
})
