import assert from 'node:assert/strict'
import { readBasic } from '../../src/access/basic.ts'
import { isRegistryError } from '../../src/oci/errors.ts'

const basic = (text: string | Uint8Array): string =>
  `Basic ${Buffer.from(text as string).toString('base64')}`

describe('access: a name and a password in a header', () => {
  it('is read', () => {
    assert.deepEqual(readBasic([basic('alice:open:sesame')]), {
      user: 'alice',
      password: 'open:sesame',
    })
    assert.equal(readBasic([basic('a:pässword')])?.password, 'pässword')
    assert.equal(readBasic([basic(`a:${'x'.repeat(72)}`).replace('Basic', 'bAsIc ')])?.user, 'a')
    assert.equal(readBasic([]), undefined)
  })

  const malformed: [string, string[]][] = [
    ['nothing', ['']],
    ['no credentials', ['Basic']],
    ['bad base64', ['Basic !!!!']],
    ['base64 in two parts', ['Basic YTpi YTpi']],
    ['no colon', [basic('alice')]],
    ['no name', [basic(':secret')]],
    ['no password', [basic('alice:')]],
    ['a NUL', [basic('alice:se\0cret')]],
    ['a NUL in the name', [basic('al\0ice:secret')]],
    ['a line break in the name', [basic('al\nice:secret')]],
    ['bytes that are no UTF-8', [basic(Uint8Array.of(0x61, 0x3a, 0xff, 0xfe))]],
    ['10 KB', [basic(`alice:${'x'.repeat(10_000)}`)]],
    ['a password of 73 bytes', [basic(`alice:${'x'.repeat(73)}`)]],
    ['another scheme', ['Digest YTpi']],
    ['a token', ['Bearer a.b.c']],
    ['two headers', [basic('alice:secret'), basic('alice:secret')]],
  ]
  for (const [what, headers] of malformed) {
    it(`is wrong: ${what} (B56)`, () => {
      assert.throws(
        () => readBasic(headers),
        (error) => isRegistryError(error, 'UNAUTHORIZED') && !/secret/.test(error.message),
      )
    })
  }
})
