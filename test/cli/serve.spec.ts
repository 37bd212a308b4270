import assert from 'node:assert/strict'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { DataDirectoryInUseError } from '../../src/blocks/state-db.ts'
import { heliport, scratch } from './support.ts'
import type { Daemon, DaemonModule, StartOptions } from '../../src/cli/daemon-face.ts'
import type { Config } from '../../src/config/schema.ts'

/** A daemon that is told how to end, and remembers what was done to it. */
function daemonThat(closed: Promise<void>) {
  const seen: { config?: Config; options?: StartOptions; disposed: number } = { disposed: 0 }
  const daemon: Daemon = {
    httpAddress: { host: '127.0.0.1', port: 1 },
    peerId: '12D3',
    ipnsName: undefined,
    closed,
    [Symbol.asyncDispose]: () => Promise.resolve(void seen.disposed++),
  }
  const startDaemon: DaemonModule['startDaemon'] = (config, options) => {
    Object.assign(seen, { config, options })
    return Promise.resolve(daemon)
  }
  return { seen, startDaemon }
}

const never = Promise.withResolvers<void>().promise

/** An error as Node makes it when a system call fails. */
function systemError(code: string): Error {
  return Object.assign(new Error(`listen ${code}: address 127.0.0.1:5000`), {
    code,
    syscall: 'listen',
  })
}

describe('heliport serve', () => {
  it('hands the configuration to the daemon, and the place for its log', async () => {
    await using directory = await scratch()
    await writeFile(join(directory.path, 'c.yaml'), 'http: { addr: "127.0.0.1:0" }')
    const { seen, startDaemon } = daemonThat(Promise.resolve())
    const env = { REGISTRY_LOG_LEVEL: 'warn', REGISTRY_PORT: 'tcp://10.0.0.1:5000' }
    const world = { cwd: directory.path, env, daemon: { startDaemon } }
    const { code, stderr } = await heliport(['serve', 'c.yaml', '--data', 'd'], world)
    assert.equal(code, 0)
    assert.match(stderr, /^heliport: REGISTRY_PORT: names no option and is ignored[^\n]*\n$/)
    assert.equal(seen.config?.http.addr.port, 0)
    assert.equal(seen.config?.log.level, 'warn')
    assert.equal(seen.config?.storage.path, join(directory.path, 'd'))
    assert.equal(seen.options?.pid, 4711)
    assert.equal(seen.disposed, 1)
  })

  it('stops the daemon when it is told to, and ends well', async () => {
    const stop = new AbortController()
    const { seen, startDaemon } = daemonThat(never)
    const running = heliport(['serve'], {
      signal: stop.signal,
      daemon: {
        startDaemon: async (config, options) => {
          queueMicrotask(() => stop.abort())
          return await startDaemon(config, options)
        },
      },
    })
    assert.equal((await running).code, 0)
    assert.equal(seen.disposed, 1)
  })

  it('ends well when it is told to stop while it starts', async () => {
    const stop = new AbortController()
    const startDaemon: DaemonModule['startDaemon'] = (_config, { signal }) => {
      stop.abort()
      return Promise.reject(signal.reason as Error)
    }
    assert.equal(
      (await heliport(['serve'], { signal: stop.signal, daemon: { startDaemon } })).code,
      0,
    )
    const { seen, startDaemon: unused } = daemonThat(never)
    assert.equal(
      (await heliport(['serve'], { signal: stop.signal, daemon: { startDaemon: unused } })).code,
      0,
    )
    assert.equal(seen.config, undefined)
  })

  const operator: [string, Error, RegExp][] = [
    ['the port is taken', systemError('EADDRINUSE'), /EADDRINUSE.*choose another port/],
    ['the data directory may not be written', systemError('EACCES'), /EACCES/],
    ['the data directory is in use', inUse(), /in use|another/i],
  ]
  for (const [what, error, line] of operator) {
    it(`says in one line that ${what}`, async () => {
      const startDaemon = () => Promise.reject(error)
      const { code, stderr } = await heliport(['serve'], { daemon: { startDaemon } })
      assert.equal(code, 1)
      assert.match(stderr, line)
      assert.match(stderr, /^heliport: [^\n]+\n$/)
    })
  }

  it('throws on what nobody expected, while it starts and later', async () => {
    const defect = new TypeError('x is undefined')
    const startDaemon = () => Promise.reject(defect)
    await assert.rejects(heliport(['serve'], { daemon: { startDaemon } }), defect)
    const died = daemonThat(Promise.reject(defect))
    await assert.rejects(heliport(['serve'], { daemon: { startDaemon: died.startDaemon } }), defect)
    assert.equal(died.seen.disposed, 1)
  })
})

function inUse(): Error {
  return new DataDirectoryInUseError('/data is in use by process 42')
}
