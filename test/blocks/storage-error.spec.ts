import assert from 'node:assert/strict'
import { storageError, syncError } from '../../src/blocks/storage-error.ts'

describe('a failure of the disk', () => {
  const level = (sentence: string): Error =>
    new Error('Database failed', { cause: new Error(`IO error: state/000003.log: ${sentence}`) })
  const failures: [string, unknown, string, boolean][] = [
    ['a full disk, said by LevelDB', level('No space left on device'), 'ENOSPC', true],
    ['no more files, said by LevelDB', level('Too many open files'), 'EMFILE', true],
    ['no more files anywhere', level('Too many open files in system'), 'ENFILE', true],
    ['a disk that fails', level('Input/output error'), 'EIO', false],
    ['what nobody knows', level('Something new'), 'EIO', false],
    [
      "the system's own error",
      Object.assign(new Error('x'), { errno: -28, code: 'ENOSPC' }),
      'ENOSPC',
      true,
    ],
    ['no error at all', 'text', 'EIO', false],
  ]
  for (const [what, cause, code, passes] of failures) {
    it(`has its code, and tells whether it can pass: ${what}`, () => {
      const error = storageError('writing', cause)
      assert.deepEqual([error.code, error.passes], [code, passes])
      assert.equal(error.cause, cause)
    })
  }

  it('never passes when it was a sync that failed', () => {
    const full = Object.assign(new Error('x'), { errno: -28, code: 'ENOSPC' })
    assert.equal(syncError('blocks/00', full).passes, false)
  })
})
