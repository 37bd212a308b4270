import assert from 'node:assert/strict'
import { ChangingRules } from '../../src/access/changing.ts'
import { KNOWN_USERS } from '../../src/access/known-users.ts'
import { OPEN_ACCESS } from '../../src/access/open.ts'
import { ANONYMOUS } from '../../src/access/ports.ts'
import { parseName } from '../../src/oci/name.ts'
import { access, policies } from '../support/access-world.ts'
import type { Action } from '../../src/access/ports.ts'

const ACTIONS: readonly Action[] = ['pull', 'push', 'overwrite', 'delete']
const APP = parseName('team/app')
const user = (name: string, ...groups: string[]) => ({ user: name, groups })
const rules = (...lines: string[]) =>
  new ChangingRules(access({ groups: { g: ['anna'] }, policies: policies(...lines) }))
const allowed = (of: ChangingRules, who: typeof ANONYMOUS, name = APP) =>
  ACTIONS.filter((action) => of.may(who, action, name)).join(' ')

describe('policies', () => {
  it('allow everything to who has logged in, and nothing to others, where there are none', () => {
    const none = rules()
    assert.equal(allowed(none, user('anna')), ACTIONS.join(' '))
    assert.equal(allowed(none, ANONYMOUS), '')
  })

  it('allow everything to everybody where nobody is asked and there are none, but no administration', () => {
    const open = new ChangingRules(access({ byDefault: OPEN_ACCESS.policy }))
    assert.equal(allowed(open, ANONYMOUS), ACTIONS.join(' '))
    assert.equal(open.mayAdminister(ANONYMOUS), false)
    const bounded = new ChangingRules(
      access({ byDefault: OPEN_ACCESS.policy, policies: policies('**: anyone -> pull') }),
    )
    assert.equal(allowed(bounded, ANONYMOUS), 'pull')
  })

  for (const [who, line, anna, bob, nobody] of [
    ['a user', 'team/**: anna -> pull', 'pull', '', ''],
    ['a group', 'team/**: @g -> pull push', 'pull push', '', ''],
    ['whoever has logged in', 'team/**: users -> pull', 'pull', 'pull', ''],
    ['everybody', 'team/**: anyone -> pull', 'pull', 'pull', 'pull'],
    ['another repository', 'other: anyone -> pull', '', '', ''],
  ] as const)
    it(`are for ${who}`, () => {
      const of = rules(line)
      assert.equal(allowed(of, user('anna')), anna)
      assert.equal(allowed(of, user('bob')), bob)
      assert.equal(allowed(of, ANONYMOUS), nobody)
    })

  it('add up, and count groups that somebody else names', () => {
    const of = rules('**: @elsewhere -> push', '**: users -> pull')
    assert.equal(allowed(of, user('bob', 'elsewhere')), 'pull push')
    assert.equal(allowed(of, user('bob', 'other')), 'pull')
    assert.equal(allowed(of, { user: undefined, groups: ['elsewhere'] }), '')
  })

  it('are about the past of a repository as about itself', () => {
    const of = rules('team/**: anna -> pull', 'at/**: bob -> pull')
    const past = `at/bafybeigdyrzt5sfp7udm7hu76uh7y26nf3efuylqabf3oclgtqy55fbzdi`
    for (const name of [`${past}/team/app`, `${past}/${past}/team/app`].map(parseName)) {
      assert.equal(allowed(of, user('anna'), name), 'pull')
      assert.equal(allowed(of, user('bob'), name), '')
    }
  })

  it('end at what a token is for, and a token never administers', () => {
    const of = new ChangingRules(access({ admins: { users: ['anna'], groups: [] } }))
    const grant = (action: Action) => action === 'pull'
    assert.equal(allowed(of, { ...user('anna'), grant }), 'pull')
    assert.equal(of.mayAdminister(user('anna')), true)
    assert.equal(of.mayAdminister({ ...user('anna'), grant }), false)
    assert.equal(of.mayAdminister(ANONYMOUS), false)
    const byDefault = new ChangingRules(access({ byDefault: KNOWN_USERS }))
    assert.equal(allowed(byDefault, user('anna')), 'pull push overwrite delete')
    assert.equal(allowed(byDefault, { ...user('anna'), grant }), 'pull')
  })

  it('say where a listing need not look', () => {
    const of = rules('team/*: anna -> pull', '**: bob -> pull', 'x: anna -> push')
    const view = of.view(user('anna'))
    assert.deepEqual(
      [['team'], ['team', 'app'], ['other'], ['x']].map((parts) => view?.mayHold(parts)),
      [true, true, false, false],
    )
    assert.equal(view?.has(APP), true)
    assert.equal(of.view(user('bob')), undefined)
    assert.equal(of.view(ANONYMOUS)?.has(APP), false)
  })
})
