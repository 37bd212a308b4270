import assert from 'node:assert/strict'
import { parseUserList } from '../../src/access/user-list.ts'

const HASH = `$2y$10$${'a'.repeat(53)}`

describe('access: the list of users', () => {
  it('is a line of name and hash each, as htpasswd writes them', () => {
    const text = `# people\n\nalice:${HASH}\r\nbob:${HASH.replace('2y', '2b')}\n`
    assert.deepEqual([...parseUserList(text, 'f').keys()], ['alice', 'bob'])
    assert.equal(parseUserList('', 'f').size, 0)
  })

  const wrong: [string, string, RegExp][] = [
    ['no hash', 'alice', /f:1: this is no line of a user/],
    [
      'MD5',
      'alice:$apr1$abcdefgh$0123456789012345678901',
      /f:1: the password of alice is not hashed/,
    ],
    [
      'SHA-1',
      'alice:{SHA}W6ph5Mm5Pz8GgiULbPgzG37mj9g=',
      /not hashed by bcrypt.*heliport user add alice/,
    ],
    ['a password as it is', 'alice:secret', /not hashed by bcrypt/],
    ['too cheap', `alice:${HASH.replace('$10$', '$09$')}`, /a cost of 9/],
    ['too dear', `alice:${HASH.replace('$10$', '$31$')}`, /a cost of 31/],
    ['twice', `alice:${HASH}\nalice:${HASH}`, /f:2: this user is there twice/],
    ['a strange name', `al ice:${HASH}`, /f:1: this is no line of a user/],
  ]
  for (const [what, text, message] of wrong) {
    it(`is refused, with the line: ${what}`, () => {
      assert.throws(
        () => parseUserList(text, 'f'),
        (error: Error) => {
          assert.match(error.message, message)
          assert.doesNotMatch(error.message, /secret|aaaa|W6ph/)
          return error.name === 'UserListError'
        },
      )
    })
  }
})
