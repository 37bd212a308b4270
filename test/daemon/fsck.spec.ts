import assert from 'node:assert/strict'
import { readdir, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { heliport } from '../cli/support.ts'
import { checkOffline } from '../../src/daemon/check-offline.ts'
import { offlineCheck } from '../support/offline-check.ts'
import { randomImage } from '../support/random-image.ts'
import { TestNode, twoNodes } from '../support/two-nodes.ts'
import type { CheckModule } from '../../src/cli/daemon-face.ts'
import type { FsckReport } from '../../src/daemon/fsck-report.ts'

/** `heliport fsck`, with the code of a daemon at hand. */
async function fsck(
  data: string,
  argv: readonly string[] = [],
  signal = new AbortController().signal,
): Promise<{ code: number; report: FsckReport; stderr: string }> {
  const world = { daemon: { checkOffline }, env: { REGISTRY_NETWORK_MODE: 'offline' }, signal }
  const { code, stdout, stderr } = await heliport(
    ['fsck', '--json', '--data', data, ...argv],
    world,
  )
  return { code, stderr, report: (stdout === '' ? {} : JSON.parse(stdout)) as FsckReport }
}

async function blockFiles(node: TestNode): Promise<string[]> {
  const directory = join(node.data, 'blocks')
  const names = await readdir(directory, { recursive: true })
  const files = names.filter((name) => /^[0-9a-f]{2}\/[0-9a-f]{64}$/.test(name))
  return files.toSorted((a, b) => (a < b ? -1 : 1)).map((name) => join(directory, name))
}

/** A check that is interrupted as soon as it has begun. */
function interruptedCheck(stop: AbortController): CheckModule {
  return {
    checkOffline: (...args) => {
      const lines = checkOffline(...args)
      setImmediate(() => stop.abort(new DOMException('stopped by SIGINT', 'AbortError')))
      return lines
    },
  }
}

/** What does not depend on when and where it was checked. */
function timeless({ checked, damaged, mended, findings }: FsckReport): object {
  const told = findings.map(({ advice, ...finding }) => ({ ...finding, advised: advice !== '' }))
  return { checked, damaged, mended, findings: told }
}

describe('heliport fsck on a real registry', () => {
  it('says the same with a daemon and without', async () => {
    await using node = await TestNode.start({ env: { REGISTRY_SCRUB_INTERVAL: '' } })
    const image = randomImage({ layers: [20_000, 1_500_000] })
    await node.client.pushImage('team/app', image, { tag: 'v1' })
    const online = await fsck(node.data)
    assert.deepEqual([online.code, online.report.damaged], [0, 0])
    const [first = '', second = ''] = await blockFiles(node)
    await writeFile(first, 'rot')
    await rm(second)
    const damaged = await fsck(node.data)
    assert.deepEqual([damaged.code, damaged.report.damaged], [1, 2])
    assert.ok(
      damaged.report.findings.every(({ concerns }) => concerns.some(({ tag }) => tag === 'v1')),
    )
    await node.stop()
    const offline = await fsck(node.data)
    assert.deepEqual(timeless(offline.report), timeless(damaged.report))
    assert.deepEqual(
      [offline.code, timeless(await offlineCheck(node.data))],
      [1, timeless(damaged.report)],
    )
  })

  it('brings damaged and missing blocks back from a mirror', async () => {
    await using nodes = await twoNodes()
    const { a, b } = nodes
    const image = randomImage({ layers: [20_000, 2_500_000] })
    await a.client.pushImage('app', image, { tag: 'v1' })
    await b.follows(a)
    await b.client.pullsExactly('app', 'v1', image)
    for (const [n, file] of (await blockFiles(a)).entries())
      await (n % 2 === 0 ? rm(file) : writeFile(file, 'rot'))
    const { length } = await readdir(join(a.data, 'blocks'), { recursive: true })
    const { code, report } = await fsck(a.data, ['--repair'])
    assert.deepEqual([code, report.damaged], [0, 0], JSON.stringify(report.findings))
    assert.ok(report.mended >= 3 && length > 0)
    await b.stop()
    assert.equal((await fsck(a.data)).report.mended, 0)
    await a.client.pullsExactly('app', 'v1', image)
  })

  it('goes on beside pushes, deletes and collections, and finds nothing in what is well', async () => {
    const env = { REGISTRY_RETENTION_HISTORY: '0s', REGISTRY_RETENTION_LEASE: '1s' }
    await using node = await TestNode.start({ env })
    let isOver = false
    const push = async (name: string): Promise<void> => {
      for (let n = 0; n < 12; n++) {
        const image = randomImage({ layers: [30_000, 500] })
        await node.client.pushImage(name, image, { tag: `v${n % 3}` })
        await node.client.pullsExactly(name, `v${n % 3}`, image)
        if (n % 2 === 1)
          await node.client.expect(202, 'DELETE', `/v2/${name}/manifests/${image.digest}`)
      }
    }
    const pushes = Promise.all([push('one'), push('team/two')]).finally(() => (isOver = true))
    const collect = async (): Promise<void> => {
      while (!isOver) assert.equal((await heliport(['gc', '--data', node.data])).code, 0)
    }
    const check = async (): Promise<void> => {
      for (let n = 0; !isOver; n++) {
        const { code, report, stderr } = await fsck(node.data, n % 2 === 0 ? [] : ['--repair'])
        assert.deepEqual([code, report.findings], [0, []], stderr)
      }
    }
    await Promise.all([pushes, collect(), check()])
  })

  it('ends when it is interrupted, and can be begun again; one runs at a time', async () => {
    await using node = await TestNode.start()
    const layers = Array.from({ length: 12 }, () => 2_000_000)
    await node.client.pushImage('app', randomImage({ layers }), { tag: 'v1' })
    const stop = new AbortController()
    let isOver = false
    const first = fsck(node.data, [], stop.signal).finally(() => (isOver = true))
    // Until the second is refused, the first has not begun; once it is over, the second never is.
    let second = await fsck(node.data)
    while (second.code === 0 && !isOver) second = await fsck(node.data)
    const refused = second.code === 0 ? await first : second
    if (refused.code !== 0) assert.match(refused.stderr, /a check runs already/)
    stop.abort(new DOMException('stopped by SIGINT', 'AbortError'))
    const { code } = await first
    assert.ok(code === 69 || code === 0, `${code}`)
    let third = await fsck(node.data)
    while (third.stderr.includes('runs already')) third = await fsck(node.data)
    assert.deepEqual([third.code, third.report.damaged], [0, 0])
  })

  it('ends at once without a daemon too, changes nothing, and lets go of the directory', async () => {
    await using node = await TestNode.start()
    await node.client.pushImage('app', randomImage({ layers: [2_000_000, 2_000_000] }), {
      tag: 'v1',
    })
    await node.stop()
    const stop = new AbortController()
    const daemon = interruptedCheck(stop)
    const env = { REGISTRY_NETWORK_MODE: 'offline' }
    const world = { daemon, env, signal: stop.signal }
    const { code, stderr } = await heliport(['fsck', '--data', node.data], world)
    assert.deepEqual(
      [code, stderr],
      [69, 'heliport: interrupted; nothing damaged was found until then\n'],
    )
    assert.equal((await fsck(node.data)).report.damaged, 0)
  })

  it('fails in one line where there is no registry, or another process has it', async () => {
    const nowhere = await fsck('/tmp/no-registry-here')
    assert.equal(nowhere.code, 69)
    assert.match(nowhere.stderr, /there is no registry in/)
  })
})

describe('the status of a daemon', () => {
  it('tells how far the scrub is', async () => {
    await using node = await TestNode.start()
    const { storage } = await node.status()
    const { scrub } = storage as unknown as { scrub: Record<string, unknown> }
    assert.deepEqual(
      [scrub['state'], scrub['part'], scrub['blocks'], scrub['last'], scrub['error']],
      ['waiting', 0, 0, null, null],
    )
    assert.match(String(scrub['startedAt']), /^\d{4}-/)
    await node.restart({ env: { REGISTRY_SCRUB_INTERVAL: '' } })
    const off = (await node.status()).storage as unknown as { scrub: Record<string, unknown> }
    assert.deepEqual([off.scrub['state'], off.scrub['startedAt']], ['off', null])
  })
})
