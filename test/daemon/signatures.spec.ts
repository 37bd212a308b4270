import assert from 'node:assert/strict'
import { generateKeyPairSync } from 'node:crypto'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { loadConfig } from '../../src/config/load.ts'
import { openSignatures } from '../../src/daemon/signatures.ts'
import { KEY } from '../config/support.ts'
import { MemoryMap } from '../support/memory-map.ts'
import { temporaryDirectory } from '../support/temporary.ts'

/** Opens what the configuration says about signatures, with `a.pub` as it is given. */
async function open(content: string | Uint8Array | undefined, entry: object): Promise<void> {
  await using directory = await temporaryDirectory()
  if (content !== undefined) await writeFile(join(directory.path, 'a.pub'), content)
  const { config } = await loadConfig({
    env: {
      REGISTRY_SIGNATURES: JSON.stringify('keys' in entry ? [entry] : []),
      REGISTRY_IPNS_READONLYKEYS: JSON.stringify('key' in entry ? [entry] : []),
    },
    cwd: directory.path,
  })
  await openSignatures(config, new MemoryMap())
}

const pair = generateKeyPairSync('ec', { namedCurve: 'prime256v1' })
const RULE = { repositories: ['a'], keys: ['a.pub'] }
const MIRROR = { key: KEY, signedBy: ['a.pub'] }

describe('the keys of signatures', () => {
  it('are read at start', async () => {
    const pem = pair.publicKey.export({ type: 'spki', format: 'pem' }).toString()
    for (const entry of [RULE, MIRROR]) await open(pem, entry)
  })

  const wrong: [what: string, content: string | Uint8Array | undefined, why: RegExp][] = [
    ['is not there', undefined, /cannot be read \(ENOENT\)/],
    [
      'is a private key',
      pair.privateKey.export({ type: 'pkcs8', format: 'pem' }),
      /holds a private key/,
    ],
    ['is something else', 'hello', /holds no PEM/],
    [
      'is an Ed25519 key',
      generateKeyPairSync('ed25519').publicKey.export({ type: 'spki', format: 'pem' }),
      /ed25519/i,
    ],
    ['is huge', Buffer.alloc(100_000), /has 100000 bytes: that is no public key/],
  ]
  for (const [what, content, why] of wrong) {
    it(`stop the start with option and file when one ${what}`, async () => {
      for (const [entry, option] of [
        [RULE, 'signatures.1.keys'],
        [MIRROR, 'ipns.readOnlyKeys.1.signedBy'],
      ] as const)
        await assert.rejects(open(content, entry), ({ name, message }: Error) => {
          assert.equal(name, 'StartError')
          assert.match(message, why)
          assert.ok(message.startsWith(`${option}: /`) && message.includes('/a.pub '), message)
          return true
        })
    })
  }
})
