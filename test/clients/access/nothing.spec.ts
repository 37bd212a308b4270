import assert from 'node:assert/strict'
import { setUser } from '../../../src/access/users.ts'
import { DaemonProcess } from '../../support/daemon-process.ts'
import { temporaryDirectory } from '../../support/temporary.ts'
import { clientOf } from '../support/content.ts'
import { assertNothing } from './nothing.ts'
import { PEOPLE } from './people.ts'

const ALICE = { user: 'alice', password: PEOPLE.alice }
const INDEX = 'application/vnd.oci.image.index.v1+json'
const BASIC = `Basic ${Buffer.from(`alice:${PEOPLE.alice}`).toString('base64')}`

/** A repository with something in it, in that mode. */
async function filled(mode: 'htpasswd' | 'token') {
  const directory = await temporaryDirectory()
  const htpasswd = `${directory.path}/users`
  await setUser(htpasswd, ALICE.user, ALICE.password)
  const daemon = await DaemonProcess.start({ config: { auth: { mode, htpasswd } } })
  const place = { host: daemon.host, name: 'docker/hello', reference: 'v1' }
  const client = clientOf(place)
  const query = `service=heliport&scope=repository:${place.name}:pull,push`
  const headers = { Authorization: BASIC }
  if (mode === 'token') {
    const answer = await client.expect(200, 'GET', `/v2/token?${query}`, { headers })
    headers.Authorization = `Bearer ${(answer.json() as { token: string }).token}`
  }
  await client.expect(201, 'PUT', `/v2/${place.name}/manifests/v1`, {
    headers: { ...headers, 'Content-Type': INDEX },
    body: Buffer.from(JSON.stringify({ schemaVersion: 2, mediaType: INDEX, manifests: [] })),
  })
  const close = async (): Promise<void> => {
    await daemon.remove()
    await directory[Symbol.asyncDispose]()
  }
  return { place, [Symbol.asyncDispose]: close }
}

describe('what a client left behind', () => {
  for (const mode of ['htpasswd', 'token'] as const)
    it(`is seen, in the mode ${mode}, and that nothing is`, async () => {
      await using world = await filled(mode)
      await assert.rejects(assertNothing(world.place, ALICE), /docker\/hello: 200/)
      await assertNothing({ ...world.place, name: 'docker/other' }, ALICE)
      const wrong = { ...ALICE, password: 'wrong' }
      await assert.rejects(assertNothing({ ...world.place, name: 'docker/other' }, wrong), /401/)
    }).timeout(180_000)
})
