import assert from 'node:assert/strict'
import { join } from 'node:path'
import { fakeDaemon, heliport, scratch } from './support.ts'

const commit = (sequence: number, changes: object[] = []) => ({
  sequence,
  time: '2026-11-29T18:00:00.000Z',
  root: `bafy${sequence}`,
  changes,
})

describe('heliport log', () => {
  it('shows commits with what they did, and counts links', async () => {
    await using data = await scratch()
    const changes = [
      { action: 'link', name: 'app', digest: 'sha256:a' },
      { action: 'link', name: 'app', digest: 'sha256:b' },
      { action: 'put', name: 'app', digest: 'sha256:c' },
      { action: 'tag', name: 'app', tag: 'v\u001b[2J1', digest: 'sha256:c' },
    ]
    await using _daemon = await fakeDaemon(join(data.path, 'heliport.sock'), {
      'GET /api/v1/log?limit=20': (response) =>
        response.end(JSON.stringify({ commits: [commit(2, changes), commit(1)] })),
    })
    const { code, stdout } = await heliport(['log', '--data', data.path])
    assert.equal(code, 0)
    assert.deepEqual(stdout.trimEnd().split('\n'), [
      '2  2026-11-29T18:00:00.000Z  bafy2',
      '  put     app  sha256:c',
      '  tag     app:v [2J1  sha256:c',
      '  link    app: 2 blobs',
      '1  2026-11-29T18:00:00.000Z  bafy1',
    ])
  })

  it('asks page by page for as many as are wanted', async () => {
    await using data = await scratch()
    const page = (from: number, count: number) =>
      JSON.stringify({ commits: Array.from({ length: count }, (_, i) => commit(from - i)) })
    await using daemon = await fakeDaemon(join(data.path, 'heliport.sock'), {
      'GET /api/v1/log?limit=500': (response) => response.end(page(900, 500)),
      'GET /api/v1/log?limit=200&before=401': (response) => response.end(page(400, 200)),
    })
    const { stdout } = await heliport(['log', '--limit', '700', '--json', '--data', data.path])
    const sequences = stdout
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line).sequence)
    assert.deepEqual([sequences.length, sequences[0], sequences.at(-1)], [700, 900, 201])
    assert.equal(daemon.seen.length, 2)
  })

  it('fails in one line on a limit that is no number, and without a daemon', async () => {
    await using data = await scratch()
    const wrong = await heliport(['log', '--limit', 'all', '--data', data.path])
    assert.deepEqual(
      [wrong.code, wrong.stderr],
      [2, 'heliport: --limit is a whole number, not "all"; see heliport log --help\n'],
    )
    const nobody = await heliport(['log', '--data', data.path])
    assert.deepEqual(
      [nobody.code, nobody.stderr],
      [1, `heliport: no daemon runs on ${data.path}\n`],
    )
  })
})

describe('heliport diff', () => {
  const lines = [
    { change: 'added', kind: 'blob', name: 'app', digest: 'sha256:b' },
    { change: 'changed', kind: 'tag', name: 'app', tag: 'v1', from: 'sha256:a', to: 'sha256:b' },
    { change: 'removed', kind: 'tag', name: 'app', tag: 'v0', from: 'sha256:a' },
  ]
  const ndjson = (values: object[]) => values.map((value) => `${JSON.stringify(value)}\n`).join('')

  it('shows what was added, removed, and moved', async () => {
    await using data = await scratch()
    await using daemon = await fakeDaemon(join(data.path, 'heliport.sock'), {
      'POST /api/v1/diff': (response) => response.end(ndjson([...lines, { done: true }])),
    })
    const { code, stdout } = await heliport(['diff', '1', 'bafy2', '--data', data.path])
    assert.equal(code, 0)
    assert.deepEqual(stdout.trimEnd().split('\n'), [
      '+ blob  app@sha256:b',
      '~ tag  app:v1  sha256:a -> sha256:b',
      '- tag  app:v0  sha256:a',
    ])
    assert.deepEqual(daemon.seen.at(-1)?.body, { from: '1', to: 'bafy2' })
  })

  it('fails when the list ends before it is done', async () => {
    await using data = await scratch()
    await using _daemon = await fakeDaemon(join(data.path, 'heliport.sock'), {
      'POST /api/v1/diff': (response) => response.end(ndjson(lines)),
    })
    const { code, stderr } = await heliport(['diff', '1', '2', '--data', data.path])
    assert.deepEqual(
      [code, stderr],
      [1, 'heliport: the list ended before it was done: it is not whole\n'],
    )
  })
})

describe('heliport rollback', () => {
  const lines = [
    { phase: 'check', done: 17 },
    { change: 'removed', kind: 'blob', name: 'app', digest: 'sha256:b' },
    { phase: 'commit', done: 17 },
    { rolledBack: 'bafy1' },
    { done: true },
  ]

  async function shown(isTTY: boolean) {
    await using data = await scratch()
    await using _daemon = await fakeDaemon(join(data.path, 'heliport.sock'), {
      'POST /api/v1/rollback': (response) =>
        response.end(lines.map((value) => `${JSON.stringify(value)}\n`).join('')),
    })
    let text = ''
    const write = (more: string) => (text += more)
    const { code } = await heliport(['rollback', 'bafy1', '--data', data.path], {
      stdout: { write },
      stderr: { isTTY, write },
    })
    assert.equal(code, 0)
    return text.replaceAll('\r\u001b[K', '<')
  }

  it('shows what will be different, and on a terminal how far it is', async () => {
    const told = '- blob  app@sha256:b\n'
    const end = 'heliport: rolled back to bafy1\n'
    assert.equal(await shown(false), told + end)
    assert.equal(await shown(true), `<17 blocks of it looked at<${told}<going back<${end}`)
  })
})
