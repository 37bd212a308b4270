import assert from 'node:assert/strict'
import { chmod, readFile, readdir, stat, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { SignJWT, jwtVerify } from 'jose'
import { openOwnKey } from '../../src/access/own-key.ts'
import { ALGORITHM } from '../../src/access/token-issuer.ts'
import { temporaryDirectory } from '../support/temporary.ts'

describe('access: the key of our own tokens', () => {
  const setup = async () => {
    const directory = await temporaryDirectory()
    const file = join(directory.path, 'keys', 'token.pem')
    const close = () => directory[Symbol.asyncDispose]()
    return { directory: join(directory.path, 'keys'), file, [Symbol.asyncDispose]: close }
  }

  it('is made once, for its owner alone, and is the same after a restart', async () => {
    await using it = await setup()
    const { privateKey } = await openOwnKey(it.file)
    assert.equal((await stat(it.file)).mode & 0o777, 0o600)
    assert.deepEqual(await readdir(it.directory), ['token.pem'])
    const text = await readFile(it.file, 'utf8')
    const { publicKey } = await openOwnKey(it.file)
    assert.equal(await readFile(it.file, 'utf8'), text)
    const token = await new SignJWT({}).setProtectedHeader({ alg: ALGORITHM }).sign(privateKey)
    await jwtVerify(token, publicKey)
  })

  it('is not used when others could have read it: they could log in as everybody', async () => {
    await using it = await setup()
    await openOwnKey(it.file)
    for (const mode of [0o644, 0o640, 0o604]) {
      await chmod(it.file, mode)
      await assert.rejects(openOwnKey(it.file), (error: Error) => {
        assert.equal(error.name, 'TokenKeyError')
        assert.match(error.message, /token\.pem can be read by other users .*chmod 600/)
        return true
      })
    }
    await chmod(it.file, 0o600)
    await openOwnKey(it.file)
  })

  it('that is none is said to be damaged, and not written over', async () => {
    await using it = await setup()
    await openOwnKey(it.file)
    await writeFile(it.file, 'nonsense')
    await assert.rejects(openOwnKey(it.file), /is damaged: delete it/)
    assert.equal(await readFile(it.file, 'utf8'), 'nonsense')
  })
})
