import assert from 'node:assert/strict'
import { join } from 'node:path'
import { fakeDaemon, heliport, scratch } from './support.ts'

const REPORT = {
  dryRun: false,
  ms: 1500,
  tags: 0,
  tagNames: [],
  manifests: 0,
  blobs: 0,
  contents: 0,
  commits: 3,
  blocks: 4,
  bytes: 2048,
  keptBlocks: 9,
  leasedFor: 0,
  clock: null,
}

async function gc(argv: readonly string[], report: object) {
  await using data = await scratch()
  await using daemon = await fakeDaemon(join(data.path, 'heliport.sock'), {
    'POST /api/v1/gc': (response) => response.end(`${JSON.stringify({ report })}\n{"done":true}\n`),
  })
  const outcome = await heliport(['gc', ...argv, '--data', data.path])
  return { ...outcome, seen: daemon.seen.map(({ body }) => body) }
}

describe('heliport gc', () => {
  it('says what was deleted', async () => {
    const { code, stdout, seen } = await gc([], REPORT)
    assert.equal(code, 0)
    assert.match(stdout, /^deleted: 4 blocks, 2\.0 KiB; 9 kept\n/)
    assert.doesNotMatch(stdout, /clock|left alone/)
    assert.deepEqual(seen, [{ dryRun: false, trustClock: false }])
  })

  it('says what is kept for the history and by leases, when something is', async () => {
    const { stdout } = await gc([], { ...REPORT, keptCommits: 12, leased: 3 })
    assert.match(stdout, /^kept for the history.*: 12 commits \(retention\.history\)$/m)
    assert.match(stdout, /^kept because .*: 3 manifests and links of blobs \(retention\.lease\)$/m)
    assert.doesNotMatch(
      (await gc([], { ...REPORT, keptCommits: 1, leased: 0 })).stdout,
      /kept (for|because)/,
    )
  })

  it('says that the clock is doubted, by how much, for how long, and what to do', async () => {
    const clock = { aheadBy: 365 * 86_400, countedIn: 86_400 }
    const { stdout } = await gc([], { ...REPORT, clock })
    assert.match(
      stdout,
      /clock is 365\.0 days ahead .* in 24\.0 hours of running.*--trust-clock\n$/,
    )
  })

  it('says that it is right', async () => {
    const { seen } = await gc(['--dry-run', '--trust-clock'], REPORT)
    assert.deepEqual(seen, [{ dryRun: true, trustClock: true }])
  })
})
