import assert from 'node:assert/strict'
import { join } from 'node:path'
import { fakeDaemon, heliport, scratch } from './support.ts'

const CHECKED = {
  blocks: 10,
  bytes: 2048,
  commits: 2,
  directories: 5,
  links: 4,
  contents: 3,
  manifests: 1,
  uploads: 0,
  claims: 0,
}
const FINDING = {
  kind: 'block',
  message: 'block bafk\u001b[2J is damaged: its 3 bytes have another hash',
  block: 'bafk',
  path: 'docker/registry/v2/blobs/sha256/aa/aa/data',
  commit: 2,
  concerns: [
    { repository: null, tag: null, digest: 'sha256:aa' },
    { repository: 'team/app', tag: 'v1', digest: 'sha256:aa' },
  ],
  advice: 'push it again',
  mended: false,
}
const clean = { repair: false, ms: 1500, checked: CHECKED, damaged: 0, mended: 0, findings: [] }
const damaged = {
  ...clean,
  damaged: 3,
  mended: 1,
  findings: [FINDING, { ...FINDING, mended: true }],
}
const progress = { phase: 'trees', done: 5, total: 10, bytes: 1024, damaged: 1, mended: 0 }

const ndjson = (...values: object[]) => values.map((value) => `${JSON.stringify(value)}\n`).join('')

/** Answers of a daemon, as lines. */
function answering(...values: object[]) {
  return async (argv: readonly string[], world: Parameters<typeof heliport>[1] = {}) => {
    await using data = await scratch()
    await using daemon = await fakeDaemon(join(data.path, 'heliport.sock'), {
      'POST /api/v1/fsck': (response) => response.end(ndjson(...values)),
    })
    const outcome = await heliport(['fsck', ...argv, '--data', data.path], world)
    return { ...outcome, seen: daemon.seen }
  }
}

describe('heliport fsck', () => {
  it('says that all is well, and exits with 0', async () => {
    const run = answering(progress, { report: clean }, { done: true })
    const { code, stdout, seen } = await run([])
    assert.equal(code, 0)
    assert.match(stdout, /^checked: 10 blocks, 2.0 KiB; 2 commits with 5 directories/)
    assert.match(stdout, /everything is well\n$/)
    assert.deepEqual(seen, [{ route: 'POST /api/v1/fsck', body: { repair: false } }])
  })

  it('says what is damaged, whom it concerns and what to do, and exits with 1', async () => {
    const run = answering({ report: damaged }, { done: true })
    const { code, stdout, seen } = await run(['--repair'])
    assert.equal(code, 1)
    assert.deepEqual(stdout.split('\n').slice(1, 6), [
      'damaged: block bafk: block bafk [2J is damaged: its 3 bytes have another hash',
      '  at docker/registry/v2/blobs/sha256/aa/aa/data of commit 2',
      '  concerns sha256:aa',
      '  concerns team/app:v1  sha256:aa',
      '  to do: push it again',
    ])
    assert.match(stdout, /mended: block bafk/)
    assert.match(stdout, /and 2 more\n.*\nmended: 1\ndamaged: 3\n$/)
    assert.deepEqual(seen[0]?.body, { repair: true })
  })

  it('gives programs the report as it came', async () => {
    const { code, stdout } = await answering({ report: damaged }, { done: true })(['--json'])
    assert.deepEqual([code, JSON.parse(stdout)], [1, damaged])
  })

  it('exits with 0 when everything was mended', async () => {
    const { code } = await answering({ report: { ...damaged, damaged: 0 } })([])
    assert.equal(code, 0)
  })

  it('shows a bar on a terminal, and lines elsewhere', async () => {
    const lines: string[] = []
    const stderr = { write: (text: string) => lines.push(text), isTTY: true }
    await answering(progress, { report: clean })([], { stderr })
    assert.equal(
      lines.join(''),
      '\r\u001B[K[###############---------------]  50%  1.0 KiB, the registry, from its newest state on, 1 damaged\r\u001B[K',
    )
    const { stderr: text } = await answering(progress, { report: clean })([])
    assert.equal(text, '50% 1.0 KiB, the registry, from its newest state on, 1 damaged\n')
  })

  it('does it by itself when no daemon runs', async () => {
    await using data = await scratch()
    const seen: unknown[] = []
    const daemon = {
      async *checkOffline(config: { storage: { path: string } }, { repair }: { repair: boolean }) {
        seen.push([config.storage.path, repair])
        yield progress
        yield { report: clean }
      },
    }
    const { code } = await heliport(['fsck', '--data', data.path], { daemon })
    assert.deepEqual([code, seen], [0, [[data.path, false]]])
  })

  it('exits with 69 whatever keeps it from checking, and never with the code of damage', async () => {
    const refused = await answering({ errors: [{ message: 'a check runs already' }] })([])
    assert.deepEqual(
      [refused.code, refused.stderr],
      [69, 'heliport: it could not be checked: a check runs already\n'],
    )
    const short = await answering(progress)([])
    assert.equal(short.code, 69)
    assert.match(short.stderr, /ended before it was done/)
    const stop = new AbortController()
    const daemon = {
      async *checkOffline() {
        yield { ...progress, damaged: 2 }
        stop.abort(new DOMException('stopped by SIGINT', 'AbortError'))
        throw stop.signal.reason as Error
      },
    }
    await using data = await scratch()
    const world = { daemon, signal: stop.signal }
    const interrupted = await heliport(['fsck', '--data', data.path], world)
    assert.equal(interrupted.code, 69)
    assert.match(interrupted.stderr, /interrupted; 2 damaged until then/)
    assert.equal((await heliport(['fsck', '--dry-run'])).code, 2)
  })
})
