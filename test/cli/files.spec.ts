import assert from 'node:assert/strict'
import { mkdir, readdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { heliport, scratch } from './support.ts'

const keys = {
  list: async () => [],
  export: async () => Buffer.from('key'),
  import: async () => undefined,
  [Symbol.asyncDispose]: async () => undefined,
}
const world = { daemon: { openKeysOffline: async () => keys } }

describe('a file in the command line', () => {
  const refused: [argv: string[], line: string][] = [
    [
      ['swarm', 'key', '-o', 'none/x'],
      '-o none/x: its directory is not there: make it first, or choose another file',
    ],
    [
      ['key', 'export', 'a', '-o', 'none/x'],
      '-o none/x: its directory is not there: make it first, or choose another file',
    ],
    [
      ['key', 'export', 'a', '-o', 'file/x'],
      '-o file/x: its directory is not there: make it first, or choose another file',
    ],
    [
      ['key', 'export', 'a', '-o', 'file'],
      '-o file: exists already and is not overwritten: choose another file',
    ],
    [
      ['swarm', 'key', '-o', 'x'.repeat(300)],
      `-o ${'x'.repeat(300)}: it cannot be written (ENAMETOOLONG)`,
    ],
    [
      ['key', 'import', 'a', 'none'],
      'FILE none: there is no such file: name one that heliport key export wrote',
    ],
    [['key', 'import', 'a', 'folder'], 'FILE folder: it is a directory: name the file in it'],
    [
      ['key', 'import', 'a', 'file'],
      'FILE file: it is no private key, as heliport key export writes it',
    ],
  ]
  for (const [argv, line] of refused) {
    it(`that is refused is named with what to do: ${argv.join(' ').slice(0, 40)}`, async () => {
      await using directory = await scratch()
      await mkdir(join(directory.path, 'folder'))
      await writeFile(join(directory.path, 'file'), '')
      const { code, stdout, stderr } = await heliport(argv, { cwd: directory.path, ...world })
      assert.deepEqual([code, stdout, stderr], [1, '', `heliport: ${line}\n`])
      assert.deepEqual((await readdir(directory.path)).sort(), ['file', 'folder'])
    })
  }
})
