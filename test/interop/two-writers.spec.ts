import assert from 'node:assert/strict'
import { join } from 'node:path'
import { heliport, scratch } from '../cli/support.ts'
import { randomImage } from '../support/random-image.ts'
import { TestNode } from '../support/two-nodes.ts'

describe('two writers on one key', () => {
  it('are noticed: the first stops publishing and says so, loses nothing, and goes on when told to', async function () {
    this.timeout(60_000)
    await using place = await scratch()
    await using a = await TestNode.start()
    await using b = await TestNode.start({ mirrors: [a] })
    const first = randomImage()
    await a.client.pushImage('app', first, { tag: 'first' })
    await b.follows(a)

    await using c = await TestNode.start()
    await withKeyOf(a, c, place.path)
    await c.restart({ peers: [b] })
    assert.equal(c.name, a.name)
    const other = randomImage()
    await c.client.pushImage('app', other, { tag: 'other' })
    await b.follows(c)
    await c.until(({ ipns }) => ipns?.pending === false, 'nothing pending at the second writer')

    const met = await a.until(({ ipns }) => ipns?.error !== null, 'the first writer’s alarm')
    assert.match(met.ipns?.error ?? '', /another writer publishes under this key: sequence \d+ is/)
    await a.restart()
    const image = randomImage()
    await a.client.pushImage('app', image, { tag: 'kept' })
    await a.client.pullsExactly('app', 'kept', image)
    await a.client.pullsExactly('app', 'first', first)
    const { ipns } = await a.status()
    assert.match(ipns?.error ?? '', /another writer/, 'also after a restart')
    assert.equal(ipns?.pending, true)
    const ready = await a.client.expect(200, 'GET', '/readyz')
    assert.equal((ready.json() as { status: string }).status, 'degraded')

    await c.stop()
    const { code, stdout } = await heliport(['key', 'takeover', '--data', a.data])
    assert.equal(code, 0)
    assert.match(stdout, new RegExp(`^${a.name}\tpublished again, above sequence \\d+\n$`))
    await b.follows(a)
    await b.client.pullsExactly('app', 'kept', image)
    const after = await a.client.expect(200, 'GET', '/readyz')
    assert.deepEqual(after.json(), { status: 'ready' })
    const again = await heliport(['key', 'takeover', '--data', a.data])
    assert.deepEqual([again.code, /nothing to take over/.test(again.stderr)], [1, true])
  })

  /** Gives a node the key of another, as an operator does who restores it on a new machine. */
  async function withKeyOf(from: TestNode, to: TestNode, directory: string): Promise<void> {
    const file = join(directory, 'registry.key')
    const out = await heliport(['key', 'export', 'registry', '-o', file, '--data', from.data])
    assert.equal(out.code, 0, out.stderr)
    const put = ['key', 'import', 'registry', file, '--replace', '--data', to.data]
    const done = await heliport(put, { cwd: '/' })
    assert.equal(done.code, 0, done.stderr)
  }
})
