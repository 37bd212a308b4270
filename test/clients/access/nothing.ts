import assert from 'node:assert/strict'
import { RegistryClient } from '../../support/client.ts'
import { clientOf } from '../support/content.ts'
import type { Place } from '../support/content.ts'
import type { Login } from './visitor.ts'

/**
 * A repository is not there: whoever was refused has left nothing behind. It is asked as somebody who would see it, with a
 * token where the registry wants one: a 401 says nothing.
 *
 * @throws AssertionError when it is there, or that cannot be seen
 */
export async function assertNothing({ host, name }: Place, login: Login): Promise<void> {
  const path = `/v2/${name}/tags/list`
  const client = clientOf({ host })
  const nobody = await client.call('GET', path)
  const challenge = nobody.headers.get('www-authenticate')
  const answer =
    challenge === null
      ? nobody
      : await client.call('GET', path, {
          headers: { Authorization: await credentials(challenge, login) },
        })
  assert.equal(answer.status, 404, `${name}: ${answer.status} ${answer.body.toString()}`)
}

/** What answers a challenge: name and password, or a token that is asked for with them. */
async function credentials(challenge: string, { user, password }: Login): Promise<string> {
  const basic = `Basic ${Buffer.from(`${user}:${password}`).toString('base64')}`
  const [, parameters] = /^Bearer (.+)$/.exec(challenge) ?? []
  if (parameters === undefined) return basic
  const given = Object.fromEntries(
    Array.from(parameters.matchAll(/(\w+)="([^"]*)"/g), ([, key = '', value = '']) => [key, value]),
  )
  const { realm = '', service = '', scope = '' } = given
  const url = new URL(realm)
  url.search = String(new URLSearchParams({ service, scope }))
  const headers = { Authorization: basic }
  const { token } = (
    await new RegistryClient(url.origin).expect(200, 'GET', url.pathname + url.search, { headers })
  ).json() as { token: string }
  return `Bearer ${token}`
}
