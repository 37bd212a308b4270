import assert from 'node:assert/strict'
import { chmod, mkdir, mkdtemp, readFile, readdir, rm, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { generateKeyPair, privateKeyToProtobuf } from '@libp2p/crypto/keys'
import { openDatastore } from '../../src/ipfs/datastore.ts'
import { KeyError, StartError } from '../../src/ipfs/errors.ts'
import { ipnsNameOf, openKeysAt } from '../../src/ipfs/keys.ts'
import { loadSecret } from '../../src/ipfs/password.ts'
import type { Keys } from '../../src/ipfs/keys.ts'

describe('keys', () => {
  let dataDir: string
  let keys: Keys & { close(): Promise<void> }

  const open = async (password?: string) =>
    openKeysAt(join(dataDir, 'datastore'), await loadSecret({ dataDir, password }))

  beforeEach(async () => {
    dataDir = await mkdtemp(join(tmpdir(), 'heliport-keys-'))
    keys = await open()
  })

  afterEach(async () => {
    await keys.close()
    await rm(dataDir, { recursive: true })
  })

  it('are made once and stay the same after a restart', async () => {
    const made = ipnsNameOf(await keys.getOrCreate('registry'))
    assert.match(made, /^k51[a-z0-9]+$/)
    await keys.close()
    keys = await open()
    assert.equal(ipnsNameOf(await keys.getOrCreate('registry')), made)
    assert.deepEqual(await keys.list(), [{ name: 'registry', ipnsName: made }])
  })

  it('do not mind a password that was being made when the process was killed', async () => {
    const dir = await mkdtemp(join(tmpdir(), 'heliport-keys-'))
    await mkdir(join(dir, 'keys'))
    for (const name of ['password', 'salt'])
      await writeFile(join(dir, 'keys', `${name}.tmp`), 'half', { mode: 0o600 })
    const { password, salt } = await loadSecret({ dataDir: dir })
    assert.ok(password.length > 40 && salt.length > 40)
    assert.deepEqual(await loadSecret({ dataDir: dir }), {
      password,
      salt,
      source: join(dir, 'keys/password'),
    })
    assert.deepEqual((await readdir(join(dir, 'keys'))).toSorted(), ['password', 'salt'])
    await rm(dir, { recursive: true })
  })

  for (const type of ['Ed25519', 'ECDSA', 'RSA'] as const) {
    it(`take and give an ${type} key as Kubo writes it`, async () => {
      const key = await generateKeyPair(type as 'Ed25519')
      const bytes = privateKeyToProtobuf(key)
      const { ipnsName } = await keys.import('theirs', bytes)
      assert.equal(
        ipnsName,
        key.publicKey.toCID().toString((await import('multiformats/bases/base36')).base36),
      )
      assert.deepEqual(Buffer.from(await keys.export('theirs')), Buffer.from(bytes))
    })
  }

  it('are replaced only on demand, as one change', async () => {
    const [first, second] = [await generateKeyPair('Ed25519'), await generateKeyPair('Ed25519')]
    await keys.import('registry', privateKeyToProtobuf(first))
    await assert.rejects(keys.import('registry', privateKeyToProtobuf(second)), /already/)
    const replaced = await keys.import('registry', privateKeyToProtobuf(second), { replace: true })
    assert.deepEqual(await keys.list(), [replaced])
    assert.deepEqual(
      Buffer.from(await keys.export('registry')),
      Buffer.from(privateKeyToProtobuf(second)),
    )
  })

  it('do not let the identity of the node be replaced', async () => {
    const bytes = privateKeyToProtobuf(await generateKeyPair('Ed25519'))
    await assert.rejects(keys.import('self', bytes, { replace: true }), KeyError)
  })

  const junk: Array<[string, Uint8Array]> = [
    ['nothing', new Uint8Array(0)],
    ['text', Buffer.from('-----BEGIN PRIVATE KEY-----')],
    ['an unknown type', Uint8Array.of(0x08, 0x09, 0x12, 0x00)],
    ['a truncated key', Uint8Array.of(0x08, 0x01, 0x12, 0x40, 1, 2, 3)],
  ]
  for (const [what, bytes] of junk) {
    it(`refuse ${what}`, async () => {
      await assert.rejects(keys.import('registry', bytes), KeyError)
      assert.deepEqual(await keys.list(), [])
    })
  }

  for (const name of [
    '',
    '../x',
    'a b',
    'x'.repeat(65),
    '.hidden',
    'a/b',
    'x.importing',
    'x.',
    'con',
    'COM1.key',
  ]) {
    it(`refuse the name ${JSON.stringify(name.slice(0, 20))}`, async () => {
      await assert.rejects(keys.getOrCreate(name), KeyError)
    })
  }

  for (const name of [
    'x',
    '0',
    'x'.repeat(64),
    'a.b-c_d',
    'console',
    'com',
    '-'.padStart(3, 'a'),
  ]) {
    it(`take the name ${name.slice(0, 20)}`, async () => {
      const { ipnsName } = await keys.import(name, (await keys.getOrCreate(name)).toProtobuf(), {
        replace: true,
      })
      assert.ok((await keys.list()).some((key) => key.name === name && key.ipnsName === ipnsName))
    })
  }

  it('say when there is no key of that name', async () => {
    await assert.rejects(keys.export('nobody'), {
      name: 'KeyError',
      message: 'there is no key named nobody',
    })
  })

  it('are not opened by another password', async () => {
    await keys.getOrCreate('registry')
    await keys.close()
    await assert.rejects(open('another password of sufficient length'), {
      name: 'StartError',
      message:
        /HELIPORT_PASSWORD is not the one this node's keys were made with: .*keys\.passwordFile must give the password of the first start/,
    })
    keys = await open()
  })

  it('are not in the datastore in clear', async () => {
    const secret = Buffer.from(
      await keys.getOrCreate('registry').then((key) => key.toProtobuf()),
    ).subarray(4)
    const datastore = join(dataDir, 'datastore')
    await keys.close()
    const { readdir } = await import('node:fs/promises')
    for (const file of await readdir(datastore)) {
      assert.ok(!(await readFile(join(datastore, file))).includes(secret), file)
    }
    keys = await open()
  })

  it('belong to one process at a time', async () => {
    await assert.rejects(openDatastore(join(dataDir, 'datastore')), /is in use by another process/)
  })
})

describe('the password of the keys', () => {
  let dataDir: string
  const load = (options: object = {}) => loadSecret({ dataDir, ...options })

  beforeEach(async () => {
    dataDir = await mkdtemp(join(tmpdir(), 'heliport-password-'))
  })
  afterEach(() => rm(dataDir, { recursive: true }))

  it('is generated, only ours to read, and kept', async () => {
    const made = await load()
    assert.ok(made.password.length >= 43)
    for (const name of ['password', 'salt']) {
      assert.equal((await stat(join(dataDir, 'keys', name))).mode & 0o777, 0o600)
    }
    assert.deepEqual(await load(), made)
    assert.notEqual(made.salt, made.password)
  })

  it('comes from the file, without its last line break', async () => {
    const passwordFile = join(dataDir, 'secret')
    await writeFile(passwordFile, 'correct horse battery staple\n', { mode: 0o600 })
    assert.equal((await load({ passwordFile })).password, 'correct horse battery staple')
  })

  it('comes from the environment before the file', async () => {
    const { password } = await load({
      passwordFile: '/nonexistent',
      password: 'from the environment, long',
    })
    assert.equal(password, 'from the environment, long')
  })

  for (const mode of [0o640, 0o604, 0o660, 0o666]) {
    it(`is refused in a file of mode ${mode.toString(8)}`, async () => {
      const passwordFile = join(dataDir, 'secret')
      await writeFile(passwordFile, 'correct horse battery staple')
      await chmod(passwordFile, mode)
      await assert.rejects(
        load({ passwordFile }),
        (error) => error instanceof StartError && /chmod 600/.test(error.message),
      )
    })
  }

  it('is refused when it is short', async () => {
    await assert.rejects(load({ password: 'short' }), /shorter than 20/)
  })

  it('is not made anew when it was lost, nor is the salt', async () => {
    await load()
    await rm(join(dataDir, 'keys', 'password'))
    await assert.rejects(load(), /password is lost/)
  })

  it('names option and file when that is a directory, or open to others', async () => {
    const passwordFile = join(dataDir, 'there')
    await mkdir(passwordFile, { mode: 0o700 })
    const named = (what: string) => ({
      name: 'StartError',
      message: new RegExp(`^keys\\.passwordFile: ${passwordFile} ${what}`),
    })
    await assert.rejects(load({ passwordFile }), named('is a directory'))
    await rm(passwordFile, { recursive: true })
    await writeFile(passwordFile, 'correct horse battery staple', { mode: 0o644 })
    await assert.rejects(load({ passwordFile }), named('can be read by other users'))
    const below = join(passwordFile, 'file')
    await assert.rejects(
      load({ passwordFile: below }),
      /^StartError: keys\.passwordFile: .*ENOTDIR/,
    )
  })

  it('names a file that does not exist', async () => {
    await assert.rejects(
      load({ passwordFile: join(dataDir, 'nope') }),
      /keys\.passwordFile: .*nope does not exist/,
    )
  })
})
