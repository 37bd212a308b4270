import assert from 'node:assert/strict'
import { generateKeyPairSync } from 'node:crypto'
import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import * as daemon from '../../src/daemon.ts'
import { KEY } from '../config/support.ts'
import { heliport, scratch } from './support.ts'

const OFFLINE = 'http: { addr: "127.0.0.1:0" }\nnetwork: { mode: offline }\n'
const ED25519 = generateKeyPairSync('ed25519')
  .publicKey.export({ type: 'spki', format: 'pem' })
  .toString()

describe('heliport serve, where the real daemon cannot start with a file that the configuration names', () => {
  const keys: [what: string, content: string | undefined][] = [
    ['is not there', undefined],
    ['is an Ed25519 key', ED25519],
    ['is no PEM', 'hello'],
  ]
  const options: [option: string, yaml: string][] = [
    ['signatures.1.keys', 'signatures: [{ repositories: [a], keys: [a.pub] }]'],
    [
      'ipns.readOnlyKeys.1.signedBy',
      `ipns: { readOnlyKeys: [{ key: ${KEY}, signedBy: [a.pub] }] }`,
    ],
  ]
  for (const [what, content] of keys)
    for (const [option, yaml] of options)
      it(`says so in one line when ${option} ${what}`, async () => {
        await using directory = await scratch()
        const file = join(directory.path, 'a.pub')
        if (content !== undefined) await writeFile(file, content)
        await writeFile(join(directory.path, 'c.yaml'), `${OFFLINE}${yaml}\n`)
        const { code, stderr } = await heliport(['serve', 'c.yaml'], {
          cwd: directory.path,
          daemon,
        })
        assert.equal(code, 1)
        assert.match(stderr, /^[^\n]+\n$/)
        assert.ok(stderr.startsWith(`heliport: ${option}: ${file} `), stderr)
      })

  it('says so in one line when keys.passwordFile is a directory', async () => {
    await using directory = await scratch()
    await mkdir(join(directory.path, 'p'), { mode: 0o700 })
    await writeFile(join(directory.path, 'c.yaml'), `${OFFLINE}keys: { passwordFile: p }\n`)
    const { code, stderr } = await heliport(['serve', 'c.yaml'], { cwd: directory.path, daemon })
    assert.deepEqual(
      [code, stderr],
      [
        1,
        `heliport: keys.passwordFile: ${join(directory.path, 'p')} is a directory: name a file\n`,
      ],
    )
  })
})
