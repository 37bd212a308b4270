import assert from 'node:assert/strict'
import { createServer } from 'node:net'
import { once } from 'node:events'
import { mkdir, readFile, stat, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { RegistryError } from '../../src/oci/errors.ts'
import { fakeDaemon, heliport, scratch } from './support.ts'
import type { OfflineKeys } from '../../src/cli/daemon-face.ts'

const KEYS = [
  { name: 'registry', id: 'k51one' },
  { name: 'self', id: 'k51two' },
]
const SECRET = Buffer.from('0801124000', 'hex')

function memoryKeys(): { keys: OfflineKeys; imported: unknown[] } {
  const imported: unknown[] = []
  const keys: OfflineKeys = {
    list: () => Promise.resolve(KEYS),
    export: () => Promise.resolve(SECRET),
    import: (...what) => Promise.resolve(void imported.push(what)),
    [Symbol.asyncDispose]: () => Promise.resolve(void imported.push('closed')),
  }
  return { keys, imported }
}

describe('heliport status', () => {
  const report = {
    version: '0.1.0',
    addresses: ['/ip4/127.0.0.1/tcp/1', '/ip4/127.0.0.1/tcp/2'],
    ipns: { name: 'k51one', error: null, pending: false },
    mirrors: [{ name: 'k51two', state: 'evil\u001b[2J\nline' }],
    storage: {},
  }

  it('prints one line per fact, and nothing that could rewrite a terminal', async () => {
    await using data = await scratch()
    const socket = join(data.path, 'heliport.sock')
    await using _daemon = await fakeDaemon(socket, {
      'GET /api/v1/status': (response) => response.end(JSON.stringify(report)),
    })
    const { code, stdout } = await heliport(['status', '--data', data.path])
    assert.equal(code, 0)
    assert.deepEqual(stdout.trimEnd().split('\n'), [
      'version          0.1.0',
      'addresses        /ip4/127.0.0.1/tcp/1',
      'addresses        /ip4/127.0.0.1/tcp/2',
      'ipns.name        k51one',
      'ipns.error       -',
      'ipns.pending     false',
      'mirrors.1.name   k51two',
      'mirrors.1.state  evil [2J line',
    ])
    const json = await heliport(['status', '--data', data.path, '--json'])
    assert.deepEqual(JSON.parse(json.stdout), report)
  })

  it('finds the socket that the lock file names', async () => {
    await using data = await scratch()
    await using elsewhere = await scratch()
    const socket = join(elsewhere.path, 's')
    await writeFile(
      join(data.path, 'lock'),
      JSON.stringify({ pid: 1, startedAt: '', socket, http: '' }),
    )
    await using _daemon = await fakeDaemon(socket, {
      'GET /api/v1/status': (response) => response.end('{"a":1}'),
    })
    assert.equal((await heliport(['status', '--data', data.path])).stdout, 'a  1\n')
  })

  it('finds the data directory by the configuration', async () => {
    await using place = await scratch()
    await mkdir(join(place.path, 'd'))
    await writeFile(join(place.path, 'c.yaml'), 'storage: { path: d }')
    await using _daemon = await fakeDaemon(join(place.path, 'd/heliport.sock'), {
      'GET /api/v1/status': (response) => response.end('{"a":1}'),
    })
    for (const world of [
      { cwd: place.path },
      { cwd: '/', env: { REGISTRY_STORAGE_PATH: join(place.path, 'd') } },
    ]) {
      const argv = world.env === undefined ? ['status', '--config', 'c.yaml'] : ['status']
      assert.equal((await heliport(argv, world)).stdout, 'a  1\n')
    }
  })

  it('fails in one line when no daemon runs: never started, killed, or no such directory', async () => {
    await using data = await scratch()
    const killed = join(data.path, 'killed')
    await mkdir(killed)
    await leaveSocket(join(killed, 'heliport.sock'))
    await writeFile(join(killed, 'lock'), '{"pid":1,"sock')
    const long = join(data.path, 'x'.repeat(120))
    const none =
      ': there is no such directory; name the data directory by --data, or the configuration by --config'
    for (const [path, hint] of [
      [data.path, ''],
      [killed, ''],
      [join(data.path, 'none'), none],
      [join(data.path, 'killed/lock'), none],
      [join(data.path, 'killed/lock/x'), none],
      [long, none],
    ] as const) {
      const { code, stdout, stderr } = await heliport(['status', '--data', path])
      const line = `heliport: no daemon runs on ${path}${hint}\n`
      assert.deepEqual([code, stdout, stderr], [1, '', line])
    }
  })

  it('says what is wrong when the daemon answers something else', async () => {
    await using data = await scratch()
    const answers: [string, number, RegExp][] = [
      ['{"errors":[{"code":"UNAVAILABLE","message":"starting"}]}', 503, /^heliport: starting\n$/],
      ['{"error":"no room"}', 507, /^heliport: no room\n$/],
      ['<html>', 500, /^heliport: the daemon answered 500 to GET \/api\/v1\/status\n$/],
      ['[]', 200, /another version/],
    ]
    for (const [body, status, line] of answers) {
      await using _daemon = await fakeDaemon(join(data.path, 'heliport.sock'), {
        'GET /api/v1/status': (response) => response.writeHead(status).end(body),
      })
      const { code, stderr } = await heliport(['status', '--data', data.path])
      assert.equal(code, 1)
      assert.match(stderr, line)
    }
  })

  it('ends when the user has no patience', async () => {
    await using data = await scratch()
    const stop = new AbortController()
    await using _daemon = await fakeDaemon(join(data.path, 'heliport.sock'), {
      'GET /api/v1/status': () => stop.abort(),
    })
    const { code, stderr } = await heliport(['status', '--data', data.path], {
      signal: stop.signal,
    })
    assert.deepEqual([code, stderr], [1, 'heliport: interrupted\n'])
  })
})

/** A socket file that nobody listens at, as a killed daemon leaves it. */
async function leaveSocket(path: string): Promise<void> {
  const { rename } = await import('node:fs/promises')
  const server = createServer().listen(`${path}.open`)
  await once(server, 'listening')
  await rename(`${path}.open`, path)
  server.close()
  await once(server, 'close')
}

describe('heliport key', () => {
  const answers = {
    'GET /api/v1/keys': (response: { end(text: string): unknown }) =>
      void response.end(JSON.stringify({ keys: KEYS })),
    'POST /api/v1/keys/export': (response: { end(bytes: Buffer): unknown }) =>
      void response.end(SECRET),
    'POST /api/v1/keys/import': (response: { end(text: string): unknown }) =>
      void response.end('{}'),
  }

  for (const running of [true, false]) {
    const how = running ? 'through the running daemon' : 'without a daemon'

    it(`show lists names and IPNS names, ${how}`, async () => {
      await using data = await scratch()
      await using _daemon = running
        ? await fakeDaemon(join(data.path, 'heliport.sock'), answers)
        : undefined
      const { keys } = memoryKeys()
      const world = { daemon: running ? {} : { openKeysOffline: () => Promise.resolve(keys) } }
      const show = (...more: string[]) =>
        heliport(['key', 'show', '--data', data.path, ...more], world)
      assert.equal((await show()).stdout, 'registry\tk51one\nself\tk51two\n')
      assert.equal((await show('self')).stdout, 'self\tk51two\n')
      assert.deepEqual(JSON.parse((await show('--json')).stdout), KEYS)
      const { code, stderr } = await show('other')
      assert.deepEqual([code, stderr], [1, 'heliport: there is no key named other\n'])
    })

    it(`export writes a file for its owner only, and never over another, ${how}`, async () => {
      await using data = await scratch()
      await using _daemon = running
        ? await fakeDaemon(join(data.path, 'heliport.sock'), answers)
        : undefined
      const { keys, imported } = memoryKeys()
      const world = {
        cwd: data.path,
        daemon: running ? {} : { openKeysOffline: () => Promise.resolve(keys) },
      }
      const argv = ['key', 'export', 'registry', '--data', '.', '-o', 'k']
      const first = await heliport(argv, world)
      assert.equal(first.code, 0, first.stderr)
      assert.doesNotMatch(first.stdout + first.stderr, /08011240/)
      const file = join(data.path, 'k')
      assert.deepEqual(await readFile(file), SECRET)
      assert.equal((await stat(file)).mode & 0o777, 0o600)
      await writeFile(file, 'precious')
      const second = await heliport(argv, world)
      assert.equal(second.code, 1)
      assert.match(second.stderr, /exists already and is not overwritten/)
      assert.equal(await readFile(file, 'utf8'), 'precious')
      if (!running) assert.deepEqual(imported, ['closed', 'closed'])
    })

    it(`import asks for --replace when there is such a key, ${how}`, async () => {
      await using data = await scratch()
      await using daemon = running
        ? await fakeDaemon(join(data.path, 'heliport.sock'), answers)
        : undefined
      const { keys, imported } = memoryKeys()
      const world = {
        cwd: data.path,
        daemon: running ? {} : { openKeysOffline: () => Promise.resolve(keys) },
      }
      await writeFile(join(data.path, 'k'), SECRET)
      const key = (...more: string[]) => heliport(['key', 'import', ...more, '--data', '.'], world)
      const refused = await key('registry', 'k')
      assert.equal(refused.code, 1)
      assert.match(refused.stderr, /a key named registry already.*--replace/)
      assert.equal((await key('registry', 'k', '--replace')).stdout, 'registry\tk51one\n')
      assert.equal((await key('new', 'k')).code, 0)
      const posted = daemon?.seen
        .filter(({ route }) => route.endsWith('import'))
        .map(({ body }) => body)
      const base64 = SECRET.toString('base64')
      if (running) {
        assert.deepEqual(posted, [
          { name: 'registry', key: base64, replace: true },
          { name: 'new', key: base64, replace: false },
        ])
      } else {
        const calls = imported.filter((entry) => entry !== 'closed')
        assert.deepEqual(calls, [
          ['registry', SECRET, { replace: true }],
          ['new', SECRET, { replace: false }],
        ])
      }
    })
  }

  it('import refuses what cannot be a key before anything is opened', async () => {
    await using data = await scratch()
    await writeFile(join(data.path, 'empty'), '')
    await writeFile(join(data.path, 'large'), Buffer.alloc(20_000))
    for (const file of ['empty', 'large', 'missing']) {
      const { code, stderr } = await heliport(['key', 'import', 'x', file, '--data', '.'], {
        cwd: data.path,
      })
      assert.equal(code, 1)
      assert.match(stderr, /^heliport: [^\n]*(it is no private key|there is no such file)[^\n]*\n$/)
    }
  })
})

describe('heliport export', () => {
  it('says no count of what was refused before it began', async () => {
    const { code, stderr } = await heliport(['export', '/x', '--data', '/nowhere/data'], {
      daemon: {
        exportOffline: () => Promise.reject(new RegistryError('DENIED', { message: '/x is full' })),
      },
    })
    assert.deepEqual([code, stderr], [1, 'heliport: /x is full\n'])
  })

  type Respond = (lines: unknown[], end?: 'cut') => Parameters<typeof fakeDaemon>[1]
  const respond: Respond = (lines, end) => ({
    'POST /api/v1/export': (response) => {
      for (const line of lines) response.write(`${JSON.stringify(line)}\n`)
      if (end === 'cut') setImmediate(() => response.destroy())
      else response.end()
    },
  })

  it('asks the daemon for an absolute directory and tells how far it is', async () => {
    await using data = await scratch()
    const lines = [{ files: 1, bytes: 10 }, { files: 2, bytes: 3 * 2 ** 20 }, { done: true }]
    await using daemon = await fakeDaemon(join(data.path, 'heliport.sock'), respond(lines))
    const { code, stdout, stderr } = await heliport(['export', 'out', '--data', '.'], {
      cwd: data.path,
    })
    assert.deepEqual([code, stdout], [0, ''])
    const directory = join(data.path, 'out')
    assert.equal(stderr, `exported 2 files, 3.0 MiB\nheliport: the registry is in ${directory}\n`)
    assert.deepEqual(daemon.seen.at(-1)?.body, { directory })
  })

  it('rewrites one line on a terminal, and adds lines seldom elsewhere', async () => {
    const steps = [1, 2, 3, 4]
    const shown = async (isTTY: boolean) => {
      let text = ''
      let time = 0
      const stderr = { isTTY, write: (more: string) => (text += more) }
      await heliport(['export', '/x'], {
        stderr,
        cwd: '/nowhere',
        now: () => (time += 60),
        daemon: {
          exportOffline: (_config, _directory, { onProgress }) => {
            for (const files of steps) onProgress({ files, bytes: files })
            return Promise.resolve()
          },
        },
      })
      return text
    }
    assert.match(await shown(true), /^(\r\u001b\[Kexported \d files, \d B){3}\nheliport: /)
    assert.match(await shown(false), /^exported 4 files, 4 B\nheliport: /)
  })

  const failures: [string, unknown[], 'cut' | undefined, RegExp][] = [
    [
      'reports an error',
      [{ files: 1, bytes: 1 }, { error: 'the disk is full' }],
      undefined,
      /the disk is full/,
    ],
    [
      'reports an OCI error',
      [{ errors: [{ code: 'UNKNOWN', message: 'broken' }] }],
      undefined,
      /broken/,
    ],
    ['stops before it is done', [{ files: 1, bytes: 1 }], undefined, /ended before it was done/],
    ['dies', [{ files: 1, bytes: 1 }], 'cut', /closed the connection/],
    ['talks nonsense', ['nonsense'], undefined, /unexpected/],
  ]
  for (const [what, lines, end, complaint] of failures) {
    it(`fails when the daemon ${what}`, async () => {
      await using data = await scratch()
      await using _daemon = await fakeDaemon(join(data.path, 'heliport.sock'), respond(lines, end))
      const { code, stderr } = await heliport(['export', 'out', '--data', '.'], { cwd: data.path })
      assert.equal(code, 1)
      assert.match(stderr, complaint)
      assert.doesNotMatch(stderr, /the registry is in/)
    })
  }
})
