import assert from 'node:assert/strict'
import { readFile, stat, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { readSwarmKey } from '../../src/ipfs/swarm-key.ts'
import { heliport, scratch } from './support.ts'

const FORM = /^\/key\/swarm\/psk\/1\.0\.0\/\n\/base16\/\n[0-9a-f]{64}\n$/

describe('heliport swarm key', () => {
  it('writes a key that a node can use, for its owner only', async () => {
    await using directory = await scratch()
    const argv = ['swarm', 'key', '-o', 'swarm.key']
    const { code, stdout, stderr } = await heliport(argv, { cwd: directory.path })
    assert.deepEqual([code, stdout], [0, ''])
    assert.match(stderr, /^heliport: wrote a swarm key to swarm\.key: [^\n]*\n$/)
    const file = join(directory.path, 'swarm.key')
    assert.equal((await stat(file)).mode & 0o777, 0o600)
    assert.match(await readFile(file, 'utf8'), FORM)
    assert.equal((await readSwarmKey(file)).length, 32)
  })

  it('prints one without -o, another each time', async () => {
    const keys = await Promise.all([1, 2].map(() => heliport(['swarm', 'key'])))
    for (const { code, stdout, stderr } of keys) {
      assert.deepEqual([code, stderr], [0, ''])
      assert.match(stdout, FORM)
    }
    assert.notEqual(keys[0]?.stdout, keys[1]?.stdout)
  })

  it('never writes over a file', async () => {
    await using directory = await scratch()
    const file = join(directory.path, 'swarm.key')
    await writeFile(file, 'precious')
    const { code, stderr } = await heliport(['swarm', 'key', '-o', file])
    assert.equal(code, 1)
    assert.match(stderr, /exists already and is not overwritten: choose another file\n$/)
    assert.equal(await readFile(file, 'utf8'), 'precious')
  })
})
