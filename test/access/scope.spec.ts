import assert from 'node:assert/strict'
import fc from 'fast-check'
import { grantOf, granted, grantsCatalog, parseScopes, scopeOf } from '../../src/access/scope.ts'
import { parseName } from '../../src/oci/name.ts'
import type { Action } from '../../src/access/ports.ts'

const all = (): boolean => true
const grants = (scopes: string[], may = all as (action: Action, name: string) => boolean) =>
  granted(parseScopes(scopes) ?? assert.fail(), may)

describe('access: scopes', () => {
  it('are granted as far as the policy goes', () => {
    assert.deepEqual(grants(['repository:team/app:pull,push']), [
      { type: 'repository', name: 'team/app', actions: ['pull', 'push'] },
    ])
    assert.deepEqual(
      grants(['repository:a:pull,push,delete'], (action) => action === 'pull'),
      [{ type: 'repository', name: 'a', actions: ['pull'] }],
    )
    assert.deepEqual(grants(['repository:a:*'])[0]?.actions, ['pull', 'push', 'delete'])
    assert.deepEqual(
      grants(['repository:a:push'], (action) => action === 'overwrite')[0]?.actions,
      ['push'],
    )
    assert.equal(grants(['repository:a:pull repository:b:pull', 'repository:c:pull']).length, 3)
  })

  it('give nothing where they are not written like one (B63)', () => {
    const odd = [
      'repository:*:pull',
      'repository:team/*:pull',
      'repository:../a:pull',
      'repository::pull',
      'repository:A:pull',
      'repository',
      'artifact:a:pull',
      'admin:a:*',
      ':::',
      `repository:${'a'.repeat(400)}:pull`,
    ]
    for (const scope of odd) assert.deepEqual(grants([scope]), [], scope)
    for (const scope of ['repository:a:', 'repository:a:write,admin'])
      assert.deepEqual(grants([scope]), [{ type: 'repository', name: 'a', actions: [] }], scope)
    assert.equal(
      parseScopes(Array.from({ length: 65 }, (_, n) => `repository:a${n}:pull`)),
      undefined,
    )
  })

  it('let through what they name, and nothing else', () => {
    const grant = grantOf(grants(['repository:a:pull,push']))
    const [a, b] = [parseName('a'), parseName('b')]
    assert.deepEqual(
      [grant('pull', a), grant('push', a), grant('overwrite', a)],
      [true, true, true],
    )
    assert.deepEqual([grant('delete', a), grant('pull', b)], [false, false])
    assert.equal(grantsCatalog(grants(['registry:catalog:*'])), true)
    assert.equal(grantsCatalog(grants(['repository:catalog:*'])), false)
  })

  it("have no wildcards but an action's, in another service's tokens too", () => {
    const name = parseName('team/app')
    const of = (type: string, repository: string, ...actions: string[]) =>
      grantOf([{ type, name: repository, actions }])
    for (const action of ['pull', 'push', 'overwrite', 'delete'] as const) {
      assert.equal(of('repository', 'team/app', '*')(action, name), true)
      assert.equal(of('repository', 'team/app', '*')(action, parseName('team')), false)
      for (const odd of ['*', '**', 'team/*', 'team/**', 'team', '', 'TEAM/APP'])
        assert.equal(of('repository', odd, '*', 'pull', 'push', 'delete')(action, name), false, odd)
      for (const type of ['*', 'registry', 'repository(plugin)', 'Repository'])
        assert.equal(of(type, 'team/app', '*')(action, name), false, type)
    }
    for (const catalog of ['*', 'catalog*'])
      assert.equal(grantsCatalog([{ type: 'registry', name: catalog, actions: ['*'] }]), false)
    assert.equal(grantsCatalog([{ type: '*', name: 'catalog', actions: ['*'] }]), false)
  })

  it('never give more than the policy (property)', () => {
    const text = fc.oneof(
      fc.string(),
      fc
        .tuple(
          fc.constantFrom('repository', 'registry', 'x', ''),
          fc.constantFrom('a', 'b', '*', 'catalog', 'a:b', ''),
          fc
            .array(fc.constantFrom('pull', 'push', 'delete', '*', '', 'x'))
            .map((each) => each.join(',')),
        )
        .map((parts) => parts.join(':')),
    )
    const mayPullA = (action: Action, name: string): boolean => action === 'pull' && name === 'a'
    fc.assert(
      fc.property(fc.array(text, { maxLength: 60 }), (scopes) => {
        const parsed = parseScopes(scopes)
        if (parsed === undefined) return
        const grant = grantOf(granted(parsed, mayPullA))
        for (const action of ['pull', 'push', 'overwrite', 'delete'] as const)
          for (const name of ['a', 'b', 'catalog'])
            assert.ok(!grant(action, parseName(name)) || mayPullA(action, name))
      }),
    )
  })

  it('are named in a challenge', () => {
    const name = parseName('team/app')
    assert.equal(
      scopeOf({ kind: 'repository', name, actions: ['push'] }),
      'repository:team/app:pull,push',
    )
    assert.equal(
      scopeOf({ kind: 'repository', name, actions: ['delete'] }),
      'repository:team/app:delete',
    )
    assert.equal(scopeOf({ kind: 'catalog' }), 'registry:catalog:*')
    assert.equal(scopeOf({ kind: 'nothing' }), undefined)
  })
})
