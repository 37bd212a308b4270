import assert from 'node:assert/strict'
import { load, problems } from './support.ts'

const ASKED = 'auth: { mode: htpasswd, htpasswd: users }\n'

describe('the section access', () => {
  it('holds groups, administrators, policies and tags that stay', async () => {
    const { config } = await load(`${ASKED}access:
  groups: { builders: [ci, anna] }
  admins: { users: [root] }
  policies:
    - { repositories: [team/**], groups: [builders], allow: [pull, push] }
    - { anonymous: true, allow: [pull] }
  immutableTags: [{ tags: [v*] }]
  readOnly: true
`)
    const nobody = { users: [], groups: [], authenticated: false, anonymous: false }
    assert.deepEqual(config.access, {
      groups: { builders: ['ci', 'anna'] },
      admins: { users: ['root'], groups: [] },
      policies: [
        { ...nobody, repositories: ['team/**'], groups: ['builders'], allow: ['pull', 'push'] },
        { ...nobody, repositories: ['**'], anonymous: true, allow: ['pull'] },
      ],
      immutableTags: [{ repositories: ['**'], tags: ['v*'] }],
      readOnly: true,
    })
  })

  it('can be in the environment', async () => {
    const { config } = await load(undefined, {
      REGISTRY_ACCESS_POLICIES: '[{"users":["ci"],"allow":["pull"]}]',
      REGISTRY_ACCESS_GROUPS: '{"g":["ci"]}',
      REGISTRY_ACCESS_READONLY: 'true',
      REGISTRY_AUTH_MODE: 'htpasswd',
      REGISTRY_AUTH_HTPASSWD: 'users',
    })
    assert.deepEqual(config.access.policies[0]?.users, ['ci'])
    assert.deepEqual(config.access.groups, { g: ['ci'] })
    assert.equal(config.access.readOnly, true)
  })

  for (const [what, yaml, message] of [
    ['is for nobody', 'policies: [{ allow: [pull] }]', /is for nobody/],
    ['allows nothing', 'policies: [{ users: [a], allow: [] }]', /nothing is allowed/],
    [
      'allows what there is not',
      'policies: [{ users: [a], allow: [write] }]',
      /must be pull, push/,
    ],
    ['has a slip', 'policies: [{ user: [a], allow: [pull] }]', /did you mean .*users/],
    ['is no section', 'policies: [team]', /must be a section/],
    ['has no repository', 'policies: [{ repositories: [A], users: [a], allow: [pull] }]', /"A"/],
    ['names a user that cannot be', 'admins: { users: ["a:b"] }', /without spaces and colons/],
    ['names a group that cannot be', 'groups: { "a b": [x] }', /without spaces and colons/],
    [
      'has a policy for a group with a slip',
      'groups: { builders: [a] }\n  policies: [{ groups: [bilders], allow: [pull] }]',
      /policies\.1\.groups\.1: is bilders, .*did you mean builders\?/,
    ],
    [
      'has administrators of no group',
      'admins: { groups: [ops] }',
      /admins\.groups\.1: is ops, a group that access\.groups does not have: write it there/,
    ],
    ['has no tag', 'immutableTags: [{ tags: ["a/b"] }]', /which no tag can be/],
    ['has no tags', 'immutableTags: [{ tags: [] }]', /is empty/],
  ] as const)
    it(`is refused when it ${what}`, async () => {
      const lines = await problems(`access:\n  ${yaml}\n${ASKED}`)
      assert.ok(
        lines.some((line) => message.test(line) && /c\.yaml:[23]:\d+ access\./.test(line)),
        lines.join('\n'),
      )
    })

  it('says nothing of groups that are wrong themselves', async () => {
    const lines = await problems(
      `${ASKED}access: { groups: { g: 7 }, policies: [{ groups: [g], allow: [pull] }] }`,
    )
    assert.equal(lines.length, 1, lines.join('\n'))
    assert.match(lines[0] ?? '', /access\.groups\.g: must be a list/)
  })

  for (const [what, yaml, message] of [
    ['users', 'policies: [{ users: [ci], allow: [push] }]', /policies\.1\.users: names ci, /],
    [
      'groups',
      'groups: { g: [ci] }, policies: [{ groups: [g], allow: [push] }]',
      /policies\.1\.groups: names g, /,
    ],
    [
      'whoever has logged in',
      'policies: [{ authenticated: true, allow: [push] }]',
      /policies\.1\.authenticated: is for/,
    ],
    ['administrators', 'admins: { users: [root] }', /admins\.users: names root, /],
  ] as const)
    it(`has nothing for ${what} where nobody is asked who he is`, async () => {
      const lines = await problems(`access: { ${yaml} }`)
      assert.equal(lines.length, 1, lines.join('\n'))
      assert.match(lines[0] ?? '', /^c\.yaml:1:\d+ access\..*auth\.mode open nobody can be/)
      assert.match(lines[0] ?? '', message)
      await load(`${ASKED}access: { ${yaml} }`)
    })

  it('may bound what everybody can do where nobody is asked, and name groups for later', async () => {
    await load('access: { groups: { g: [ci] }, policies: [{ anonymous: true, allow: [pull] }] }')
  })
})
