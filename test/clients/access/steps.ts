import assert from 'node:assert/strict'
import { assertNothing } from './nothing.ts'
import { PEOPLE } from './people.ts'
import type { World } from '../client.ts'
import type { Suite } from '../suite.ts'
import type { Place } from '../support/content.ts'
import type { Door } from './doors.ts'
import type { Login, Visitor } from './visitor.ts'

const ALICE: Login = { user: 'alice', password: PEOPLE.alice }
const READER: Login = { user: 'reader', password: PEOPLE.reader }
const WRONG: Login = { user: 'alice', password: 'wrong' }

/** What clients say who were not let in: their own words, or ours. */
const REFUSED =
  /unauthorized|denied|authentication required|basic auth credentials|basic credential not found|wrong name or password|authorization failed|invalid username/i

type Act = (visitor: Visitor, world: World, place: Place) => Promise<void>
type Steps = readonly (readonly [what: string, act: Act])[]

/** What clients say who do not know a certificate's authority. */
const NOT_TRUSTED = /x509|certificate/i

/** What asks for a login, and lets one person in. */
const BY_LOGIN: Steps = [
  ['refuse a push without a login', refusePush()],
  ['refuse a wrong password', refuseLogin(WRONG)],
  ['login, push, pull', pushAndPull(ALICE)],
  ['refuse a pull after the logout', refusePull()],
]

/** What everybody may pull, and one person push. */
const OPEN_TO_READERS: Steps = [
  ['refuse a push without a login', refusePush()],
  ['refuse a wrong password', refuseLogin(WRONG)],
  ['login, push, pull', pushAndPull(ALICE)],
  ['pull without a login', (visitor, world, place) => visitor.pull(world, place)],
  ['refuse the push of a reader, who may pull', readOnly],
]

/** What is tried at each door. Later steps pull what earlier ones pushed. */
const STEPS: Readonly<Record<Door['mode'], Steps>> = {
  open: [
    ['push and pull without a login', pushAndPull()],
    ['push and pull with a login', pushAndPull(ALICE)],
  ],
  htpasswd: BY_LOGIN,
  'htpasswd, TLS': BY_LOGIN,
  token: BY_LOGIN,
  'token, policies': [
    ...OPEN_TO_READERS,
    ['refuse a pull without a login of what is not for everybody', notForEverybody],
  ],
  'token of another service': OPEN_TO_READERS,
  'TLS of a stranger': [['refuse a certificate of nobody it knows', refuseCertificate]],
}

/** The suite of a client, at all doors. Each has a repository of its own: the doors are there for all of them. */
export function accessSuite(visitor: Visitor, doors: readonly Door[]): Suite {
  const place = { name: `${visitor.name}/hello`, reference: 'v1' }
  const steps = doors.flatMap(({ mode, host }) =>
    STEPS[mode].map(([what, act]) => ({
      name: `${mode}: ${what}`,
      cannot: visitor.cannot?.[mode],
      run: (world: World) => act(visitor, world, { host, ...place }),
    })),
  )
  return {
    ...visitor,
    version: (world) => visitor.version(world),
    steps,
  }
}

function pushAndPull(login?: Login): Act {
  return async (visitor, world, place) => {
    await as(visitor, world, place, login, async () => {
      await visitor.push(world, place, login)
      await visitor.pull(world, place, login)
    })
  }
}

function refusePush(): Act {
  return async (visitor, world, place) => {
    await refused(visitor, visitor.push(world, place))
    await assertNothing(place, ALICE)
  }
}

function refusePull(): Act {
  return async (visitor, world, place) => refused(visitor, visitor.pull(world, place))
}

function refuseLogin(login: Login): Act {
  return async (visitor, world, place) => {
    if (visitor.login !== undefined && visitor.believes !== true)
      return refused(visitor, visitor.login(world, place.host, login))
    await as(visitor, world, place, login, () =>
      refused(visitor, visitor.push(world, place, login)),
    )
    await assertNothing(place, ALICE)
  }
}

async function readOnly(visitor: Visitor, world: World, place: Place): Promise<void> {
  await as(visitor, world, place, READER, async () => {
    await visitor.pull(world, place, READER)
    await refused(visitor, visitor.push(world, { ...place, name: `${visitor.name}/other` }, READER))
  })
}

async function notForEverybody(visitor: Visitor, world: World, place: Place): Promise<void> {
  const hidden = { ...place, name: `${visitor.name}/hidden` }
  await pushAndPull(ALICE)(visitor, world, hidden)
  await refused(visitor, visitor.pull(world, hidden))
}

async function refuseCertificate(visitor: Visitor, world: World, place: Place): Promise<void> {
  await refused(visitor, visitor.push(world, place, ALICE), NOT_TRUSTED)
}

/** Logged in for so long, where the client has a login. */
async function as(
  visitor: Visitor,
  world: World,
  { host }: Place,
  login: Login | undefined,
  work: () => Promise<void>,
): Promise<void> {
  if (login !== undefined) await visitor.login?.(world, host, login)
  await work()
  if (login !== undefined) await visitor.logout?.(world, host)
}

async function refused(
  { refusal }: Visitor,
  failing: Promise<unknown>,
  words = REFUSED,
): Promise<void> {
  await assert.rejects(failing, ({ message }: Error) => {
    if (refusal?.test(message) !== true) assert.match(message, words)
    return true
  })
}
