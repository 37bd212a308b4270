import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { generateKey } from '@libp2p/pnet'
import { formatSwarmKey, parseSwarmKey, readSwarmKey } from '../../src/ipfs/swarm-key.ts'
import { temporaryDirectory } from '../support/temporary.ts'

const key = randomBytes(32)
const hex = key.toString('hex')
const HEADER = '/key/swarm/psk/1.0.0/'

describe('a swarm key', () => {
  const spellings: Array<[string, string | Buffer]> = [
    ['as we write it', formatSwarmKey(key)],
    ['with a line break at the end', `${formatSwarmKey(key)}\n`],
    ['with the line breaks of Windows', `${HEADER}\r\n/base16/\r\n${hex}\r\n`],
    ['in capitals', `${HEADER}\n/base16/\n${hex.toUpperCase()}`],
    ['in base64', `${HEADER}\n/base64/\n${key.toString('base64')}\n`],
    ['as plain bytes', Buffer.concat([Buffer.from(`${HEADER}\n/bin/\n`), key])],
  ]
  for (const [what, text] of spellings) {
    it(`is read ${what}`, () => assert.deepEqual(parseSwarmKey(Buffer.from(text)), key))
  }

  it('of libp2p itself is read', () => {
    const file = new Uint8Array(95)
    generateKey(file)
    assert.equal(formatSwarmKey(parseSwarmKey(file) ?? assert.fail()), Buffer.from(file).toString())
  })

  const damaged: Array<[string, string]> = [
    ['of another version', formatSwarmKey(key).replace('1.0.0', '2.0.0')],
    ['in an encoding nobody knows', formatSwarmKey(key).replace('base16', 'base36')],
    ['that is too short', formatSwarmKey(key).slice(0, -2)],
    ['that is too long', `${formatSwarmKey(key)}00`],
    ['with a letter that is no digit', formatSwarmKey(key).slice(0, -1) + 'g'],
    ['without its first line', `/base16/\n${hex}`],
    ['without line breaks', formatSwarmKey(key).replaceAll('\n', ' ')],
    ['in base64, cut', `${HEADER}\n/base64/\n${key.toString('base64').slice(0, -4)}`],
    ['with a line too many', `${formatSwarmKey(key)}\nmore`],
    ['that is only the hex', hex],
  ]
  for (const [what, text] of damaged)
    it(`${what} is none`, () => assert.equal(parseSwarmKey(Buffer.from(text)), undefined))

  const unusable: Array<[string, { text: string | Buffer; mode?: number }, RegExp]> = [
    [
      'that others may read',
      { text: formatSwarmKey(key), mode: 0o644 },
      /mode 644\): run chmod 600/,
    ],
    ['that is empty', { text: '' }, /is empty: copy it from a node of the swarm, or make one/],
    ['that is damaged', { text: hex }, /is no swarm key, or is damaged: its three lines must be/],
    ['that is a disk image', { text: Buffer.alloc(1_000_000) }, /is no swarm key/],
  ]
  for (const [what, { text, mode = 0o600 }, complaint] of unusable) {
    it(`${what} is refused in one line that names option and file`, async () => {
      await using directory = await temporaryDirectory()
      const file = join(directory.path, 'swarm.key')
      await writeFile(file, text, { mode })
      await assert.rejects(readSwarmKey(file), (error: Error) => {
        assert.equal(error.name, 'StartError')
        assert.ok(error.message.startsWith(`network.swarmKey: ${file} `), error.message)
        assert.match(error.message, complaint)
        assert.ok(!error.message.includes('\n') && !error.message.includes(hex))
        return true
      })
    })
  }

  it('that is missing, or a directory, is refused', async () => {
    await using directory = await temporaryDirectory()
    await assert.rejects(readSwarmKey(join(directory.path, 'no')), /does not exist: copy it/)
    await assert.rejects(readSwarmKey(directory.path), /cannot be read|is a directory|other users/)
  })
})
