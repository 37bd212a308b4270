import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { readFile, readdir, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { claimFormat } from '../../src/daemon/data-format.ts'
import { temporaryDirectory } from '../support/temporary.ts'
import { TestNode } from '../support/two-nodes.ts'
import { heliport } from './launcher.ts'

const OFFLINE = { REGISTRY_HTTP_ADDR: '127.0.0.1:0', REGISTRY_NETWORK_MODE: 'offline' }
/** How a command ends on it: what could not be checked is neither well nor damaged. */
const COMMANDS: readonly (readonly [command: string, code: number])[] = [
  ['serve', 1],
  ['fsck', 69],
]

/** The hashes of all files, by name. */
async function hashes(directory: string): Promise<Map<string, string>> {
  const entries = await readdir(directory, { recursive: true, withFileTypes: true })
  const files = entries
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name))
  const hash = async (file: string): Promise<[string, string]> => [
    file,
    createHash('sha256')
      .update(await readFile(file))
      .digest('hex'),
  ]
  return new Map(await Promise.all(files.map(hash)))
}

describe('data of another version', () => {
  it('is refused in one line when it is a newer one’s, and nothing of it is changed', async () => {
    await using node = await TestNode.start()
    await node.stop()
    assert.equal(await readFile(join(node.data, 'format'), 'utf8'), '1\n')
    await writeFile(join(node.data, 'format'), '2\n')
    const before = await hashes(node.data)
    for (const [command, code] of COMMANDS) {
      const env = { ...OFFLINE, REGISTRY_STORAGE_PATH: node.data }
      const ended = await heliport([command], env)
      assert.deepEqual([ended.code, ended.stdout], [code, ''], command)
      assert.match(
        ended.stderr,
        /^heliport: [^\n]*newer version of Heliport \(format 2, [^\n]*storage\.path\n$/,
      )
    }
    assert.deepEqual(await hashes(node.data), before)
  }).timeout(180_000) // whole processes, on a machine that is busy

  it('is refused when nobody can tell whose it is', async () => {
    await using directory = await temporaryDirectory()
    for (const text of ['', '\n', 'one', '0', '1.5', '1\n2']) {
      await writeFile(join(directory.path, 'format'), text)
      await assert.rejects(claimFormat(directory.path), /does not say which form.*backup/)
      assert.equal(await readFile(join(directory.path, 'format'), 'utf8'), text)
    }
  })

  it('of before there were versions opens, and says from then on which it is', async () => {
    await using node = await TestNode.start()
    await node.stop()
    await rm(join(node.data, 'format'))
    await node.restart()
    assert.equal(await readFile(join(node.data, 'format'), 'utf8'), '1\n')
  })
})
