import assert from 'node:assert/strict'
import { readdir, stat, truncate } from 'node:fs/promises'
import { join } from 'node:path'
import { RegistryClient } from '../support/client.ts'
import { DaemonProcess } from '../support/daemon-process.ts'
import { offlineCheck } from '../support/offline-check.ts'
import { randomImage } from '../support/random-image.ts'

/** More than the last push wrote into the log, and less than all. */
const CUT = 14_000

/** A daemon with a push that is old and one that is new, killed; then LevelDB's log loses its end. */
async function lostEnd(daemon: DaemonProcess): Promise<{ sequence: number; root: string }> {
  const client = new RegistryClient(daemon.url)
  await client.pushImage('app', randomImage({ layers: [3000] }), { tag: 'old' })
  await client.pushImage('app', randomImage({ layers: [300_000] }), { tag: 'new' })
  const { ipns, storage } = await daemon.until(
    (status) => status.ipns?.publishedRoot === status.storage.root,
  )
  await daemon.kill()
  const state = join(daemon.data, 'state')
  const log = (await readdir(state))
    .filter((name) => name.endsWith('.log'))
    .toSorted()
    .at(-1)
  const file = join(state, log ?? assert.fail())
  await truncate(file, (await stat(file)).size - CUT)
  return { sequence: ipns?.sequence ?? assert.fail(), root: storage.root }
}

async function blocksOf({ data }: DaemonProcess): Promise<string[]> {
  const names = await readdir(join(data, 'blocks'), { recursive: true })
  return names.filter((name) => /^[0-9a-f]{2}\/[0-9a-f]{64}$/.test(name)).toSorted()
}

/** Starts it, and looks that it knows what it has lost. */
async function knowsIt(daemon: DaemonProcess, sequence: number): Promise<void> {
  await daemon.restartUnready()
  const client = new RegistryClient(daemon.url)
  assert.equal((await client.call('GET', '/readyz')).status, 503)
  assert.equal((await client.call('GET', '/v2/app/manifests/new')).status, 503)
  const { ipns, storage } = await daemon.status()
  assert.deepEqual([ipns?.sequence, storage.writable], [sequence, false])
}

describe('a daemon whose LevelDB lost the end of its log', () => {
  it('knows it in every start, however the one before ended, and collects nothing', async function () {
    this.timeout(180_000)
    await using daemon = await DaemonProcess.start({
      config: { retention: { lease: '1s' }, gc: { interval: '1s' } },
    })
    const { sequence } = await lostEnd(daemon)
    const blocks = await blocksOf(daemon)
    for (const end of ['kill', 'kill', 'stop', 'kill'] as const) {
      await knowsIt(daemon, sequence)
      await daemon.until(({ storage }) => JSON.stringify(storage).includes('no block was deleted'))
      await daemon[end]()
      assert.deepEqual(await blocksOf(daemon), blocks)
    }
    // What the operator says counts, also when it is said twice.
    for (const expected of [1, 0]) {
      const { damaged, mended } = await offlineCheck(daemon.data, {
        repair: true,
        acceptLoss: true,
      })
      assert.deepEqual([damaged, mended], [0, expected])
    }
    await daemon.restart()
    const client = new RegistryClient(daemon.url)
    assert.equal((await client.call('GET', '/v2/app/manifests/new')).status, 404)
    const { ipns } = await daemon.until(
      (status) => status.ipns?.publishedRoot === status.storage.root,
    )
    assert.ok((ipns?.sequence ?? 0) > sequence)
  })
})
