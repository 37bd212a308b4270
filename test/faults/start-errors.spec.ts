import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { chmod, chown, mkdir, readdir, rm, writeFile } from 'node:fs/promises'
import { createServer } from 'node:net'
import { join } from 'node:path'
import { temporaryDirectory } from '../support/temporary.ts'
import { TestNode } from '../support/two-nodes.ts'
import { heliport } from './launcher.ts'
import type { AddressInfo } from 'node:net'

const NOBODY = 65534
const OFFLINE = { REGISTRY_HTTP_ADDR: '127.0.0.1:0', REGISTRY_NETWORK_MODE: 'offline' }

/** One line, for people: no stack, and nothing that only a developer understands. */
function assertOneLine(stderr: string, wanted: RegExp): void {
  assert.match(stderr, /^heliport: [^\n]+\n$/)
  assert.match(stderr, wanted)
  assert.doesNotMatch(stderr, /\n {4}at |node:internal|undefined|\[object/)
}

/** What serve does with a data directory that is not as it should be. */
async function serveOn(data: string, env: Record<string, string> = {}) {
  return heliport(['serve'], { ...OFFLINE, REGISTRY_STORAGE_PATH: data, ...env })
}

describe('a start that cannot be', () => {
  it('says that the port is taken, and exits with 1', async () => {
    await using directory = await temporaryDirectory()
    const server = createServer().listen(0, '127.0.0.1')
    await once(server, 'listening')
    const { port } = server.address() as AddressInfo
    const { code, stderr } = await serveOn(join(directory.path, 'data'), {
      REGISTRY_HTTP_ADDR: `127.0.0.1:${port}`,
    })
    server.close()
    assert.equal(code, 1)
    assertOneLine(stderr, new RegExp(`127\\.0\\.0\\.1:${port}.*in use`))
  })

  it('says that the port of the network is taken, and exits with 1', async () => {
    await using directory = await temporaryDirectory()
    const server = createServer().listen(0, '127.0.0.1')
    await once(server, 'listening')
    const { port } = server.address() as AddressInfo
    const { code, stderr } = await serveOn(join(directory.path, 'data'), {
      REGISTRY_NETWORK_LISTEN: `/ip4/127.0.0.1/tcp/${port}`,
    })
    server.close()
    assert.equal(code, 1)
    assertOneLine(stderr, new RegExp(String(port)))
  })

  it('says that the data directory is a file', async () => {
    await using directory = await temporaryDirectory()
    const data = join(directory.path, 'data')
    await writeFile(data, '')
    const { code, stderr } = await serveOn(data)
    assert.equal(code, 1)
    assertOneLine(stderr, new RegExp(data))
  })

  it('says that the data directory cannot be made', async () => {
    for (const data of ['/dev/null/x', '/dev/null']) {
      const { code, stderr } = await serveOn(data)
      assert.equal(code, 1)
      assertOneLine(stderr, /data directory \/dev\/null.* cannot be made.*storage\.path/)
    }
  })

  it('says that the data directory may not be read', async () => {
    await using directory = await temporaryDirectory()
    const data = join(directory.path, 'data')
    await mkdir(data)
    // Somebody else's, where we may give it away.
    if (process.getuid?.() === 0) await chown(data, NOBODY, NOBODY)
    await chmod(data, process.getuid?.() === 0 ? 0o700 : 0o000)
    const env = { ...OFFLINE, REGISTRY_STORAGE_PATH: data, HOME: directory.path }
    const { code, stderr } = await heliport(['serve'], env, { isRestricted: true })
    assert.equal(code, 1)
    assertOneLine(stderr, new RegExp(`${data} is not this user's .*(EACCES|EPERM).*storage\\.path`))
  })

  it('says that the password is the wrong one, and does nothing to the keys', async () => {
    await using node = await TestNode.start()
    await node.stop()
    const keys = join(node.data, 'keys')
    const before = await readdir(keys)
    const { code, stderr } = await serveOn(node.data, {
      HELIPORT_PASSWORD: randomBytes(20).toString('hex'),
    })
    assert.equal(code, 1)
    assertOneLine(stderr, /password/)
    assert.deepEqual(await readdir(keys), before)
    const { name } = node
    await node.restart()
    assert.equal(node.name, name)
  })

  for (const [what, password] of [
    ['is lost', undefined],
    ['is shorter than a password may be', 'short'],
  ] as const) {
    it(`says that the file with the password ${what}`, async () => {
      await using directory = await temporaryDirectory()
      const file = join(directory.path, 'password')
      if (password !== undefined) await writeFile(file, password, { mode: 0o600 })
      const { code, stderr } = await serveOn(join(directory.path, 'data'), {
        REGISTRY_KEYS_PASSWORDFILE: file,
      })
      assert.equal(code, 1)
      assertOneLine(stderr, new RegExp(file))
    })
  }

  it('says that the generated password was removed', async () => {
    await using node = await TestNode.start()
    await node.stop()
    await rm(join(node.data, 'keys', 'password'))
    const { code, stderr } = await serveOn(node.data)
    assert.equal(code, 1)
    assertOneLine(stderr, /password/)
  })

  it('lists everything that is wrong with the configuration, each with its place, and exits with 78', async () => {
    await using directory = await temporaryDirectory()
    const file = join(directory.path, 'heliport.yaml')
    await writeFile(file, 'http:\n  addr: nowhere\nstorage:\n  paths: x\nlimits: { blob: many }\n')
    const { code, stdout, stderr } = await heliport(['serve', file])
    assert.equal(code, 78)
    assert.equal(stdout, '')
    const lines = stderr.trimEnd().split('\n')
    assert.equal(lines.length, 3)
    for (const [index, place] of [
      '2:9 http.addr',
      '4:3 storage.paths',
      '5:17 limits.blob',
    ].entries())
      assert.ok(lines[index]?.startsWith(`heliport: ${file}:${place}: `), lines[index])
    assert.deepEqual(await readdir(directory.path), ['heliport.yaml'])
  })

  it('says that there is no such configuration file', async () => {
    await using directory = await temporaryDirectory()
    const file = join(directory.path, 'nothing.yaml')
    const { code, stderr } = await heliport(['serve', file])
    assert.equal(code, 78)
    assertOneLine(stderr, /nothing\.yaml/)
  })
})
