import assert from 'node:assert/strict'
import { load, problems } from './support.ts'

describe('the section access', () => {
  it('holds groups, administrators, policies and tags that stay', async () => {
    const { config } = await load(`access:
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
    ['has no tag', 'immutableTags: [{ tags: ["a/b"] }]', /which no tag can be/],
    ['has no tags', 'immutableTags: [{ tags: [] }]', /is empty/],
  ] as const)
    it(`is refused when it ${what}`, async () => {
      const lines = await problems(`access:\n  ${yaml}\n`)
      assert.ok(
        lines.some((line) => message.test(line) && /c\.yaml:2:\d+ access\./.test(line)),
        lines.join('\n'),
      )
    })
})
