import assert from 'node:assert/strict'
import { rm } from 'node:fs/promises'
import { join } from 'node:path'
import { StateDb } from '../../src/blocks/state-db.ts'
import { loadConfig } from '../../src/config/load.ts'
import { startDaemon } from '../../src/daemon.ts'
import { forgetNewest } from '../../src/daemon/newest-note.ts'
import { openDatastore } from '../../src/ipfs/datastore.ts'
import { forgetMfsRoot } from '../../src/ipfs/mfs-pointer.ts'
import { Notes } from '../../src/ipfs/notes.ts'
import { digestOf } from '../../src/oci/digest.ts'
import { smallKey } from '../support/fsck-world.ts'
import { offlineCheck } from '../support/offline-check.ts'
import { temporaryDirectory } from '../support/temporary.ts'

interface Status {
  ipns: {
    root: string | null
    publishedRoot: string | null
    sequence: number
    error: string | null
  }
  storage: { root: string | null; writable: boolean; error: string | null }
}

/** One life of a daemon on a data directory. */
async function life<T>(
  path: string,
  work: (base: string, status: () => Promise<Status>) => Promise<T>,
  settings: Readonly<Record<string, string>> = {},
): Promise<T> {
  const env = {
    ...settings,
    REGISTRY_STORAGE_PATH: path,
    REGISTRY_HTTP_ADDR: '127.0.0.1:0',
    REGISTRY_NETWORK_MODE: 'offline',
  }
  const { config } = await loadConfig({ env, cwd: path })
  await using daemon = await startDaemon(config, { signal: new AbortController().signal })
  const base = `http://127.0.0.1:${daemon.httpAddress.port}`
  return await work(
    base,
    async () => (await (await fetch(`${base}/api/v1/status`)).json()) as Status,
  )
}

async function push(base: string, tag: string): Promise<Response> {
  const body = JSON.stringify({
    schemaVersion: 2,
    mediaType: 'application/vnd.oci.image.index.v1+json',
    manifests: [],
    annotations: { tag },
  })
  const headers = { 'content-type': 'application/vnd.oci.image.index.v1+json' }
  const response = await fetch(`${base}/v2/app/manifests/${tag}`, { method: 'PUT', headers, body })
  if (response.status === 201)
    assert.equal(response.headers.get('docker-content-digest'), digestOf(Buffer.from(body)))
  return response
}

async function published(status: () => Promise<Status>): Promise<Status> {
  for (;;) {
    const now = await status()
    if (now.ipns.root !== null && now.ipns.publishedRoot === now.ipns.root) return now
    await new Promise((resolve) => void setTimeout(resolve, 20))
  }
}

/** Does something to the newest entry of the journal. */
async function spoil(
  path: string,
  how: (value: Uint8Array) => Uint8Array | undefined,
): Promise<void> {
  const state = await StateDb.open(join(path, 'state'))
  for await (const [key, value] of state.entries(Buffer.from('j/'), { reverse: true, limit: 1 })) {
    await state.write([{ key, value: how(value) }])
  }
  await state.close()
}

/** What every start after a loss has to say, and to leave as it was. */
async function isStillLost(path: string, before: Status): Promise<void> {
  await life(path, async (base, status) => {
    assert.equal((await fetch(`${base}/v2/app/manifests/v1`)).status, 200)
    // Whatever is not in it may have been pushed since, and no list is known to be whole.
    const referrers = `app/referrers/sha256:${'0'.repeat(64)}`
    for (const at of [
      'app/manifests/v2',
      'app/tags/list',
      'other/tags/list',
      referrers,
      '_catalog',
    ])
      assert.equal((await fetch(`${base}/v2/${at}`)).status, 503, at)
    const root = before.ipns.root ?? assert.fail()
    assert.equal((await fetch(`${base}/v2/at/${root}/app/manifests/v2`)).status, 503)
    assert.equal((await push(base, 'v3')).status, 503)
    assert.equal((await fetch(`${base}/readyz`)).status, 503)
    const after = await status()
    assert.equal(after.storage.writable, false)
    assert.match(after.storage.error ?? '', /journal/)
    assert.equal(after.ipns.sequence, before.ipns.sequence)
    assert.equal(after.ipns.publishedRoot, before.ipns.publishedRoot)
    assert.match(after.ipns.error ?? '', /not published/)
  })
}

async function twoPushes(path: string): Promise<Status> {
  return life(path, async (base, status) => {
    assert.equal((await push(base, 'v1')).status, 201)
    assert.equal((await push(base, 'v2')).status, 201)
    return published(status)
  })
}

describe('a daemon whose journal lost its newest entry (I6)', () => {
  const losses: [string, (value: Uint8Array) => Uint8Array | undefined][] = [
    ['because it is damaged', (value) => value.slice(0, -3)],
    ['without a trace', () => undefined],
  ]
  for (const [how, loss] of losses) {
    it(`${how}: each start serves the state before it read-only, and publishes nothing`, async () => {
      await using dir = await temporaryDirectory()
      const before = await twoPushes(dir.path)
      await spoil(dir.path, loss)
      for (let start = 1; start <= 3; start++) await isStillLost(dir.path, before)
    })

    it(`${how}: fsck --repair brings it back, when all its blocks are here`, async () => {
      await using dir = await temporaryDirectory()
      const before = await twoPushes(dir.path)
      await spoil(dir.path, loss)
      await isStillLost(dir.path, before)
      assert.equal((await offlineCheck(dir.path)).damaged, 1)
      const { damaged, mended } = await offlineCheck(dir.path, { repair: true })
      assert.deepEqual([damaged, mended], [0, 1])
      await life(dir.path, async (base, status) => {
        for (const tag of ['v1', 'v2'])
          assert.equal((await fetch(`${base}/v2/app/manifests/${tag}`)).status, 200)
        assert.equal((await fetch(`${base}/readyz`)).status, 200)
        assert.equal((await status()).storage.root, before.storage.root)
        assert.equal((await push(base, 'v3')).status, 201)
        assert.ok((await published(status)).ipns.sequence > before.ipns.sequence)
      })
      assert.equal((await offlineCheck(dir.path)).damaged, 0)
    })

    it(`${how}: it goes on from the older state only when somebody says so`, async () => {
      await using dir = await temporaryDirectory()
      const before = await twoPushes(dir.path)
      await spoil(dir.path, loss)
      await loseRoot(dir.path, before)
      await isStillLost(dir.path, before)
      const { damaged, findings } = await offlineCheck(dir.path, { repair: true })
      assert.equal(damaged, 1)
      assert.match(findings[0]?.message ?? '', /cannot be brought back now: block .* is missing/)
      await isStillLost(dir.path, before)
      const accepted = await offlineCheck(dir.path, { repair: true, acceptLoss: true })
      assert.match(
        accepted.findings[0]?.message ?? '',
        /commit 1 of .* everything up to commit 2 of .* is lost/,
      )
      for (let start = 1; start <= 2; start++) {
        await life(dir.path, async (base, status) => {
          assert.equal((await fetch(`${base}/v2/app/manifests/v2`)).status, 404)
          assert.equal((await push(base, `v${start + 2}`)).status, 201)
          // Above whatever was used, though that is not known.
          assert.ok((await published(status)).ipns.sequence > before.ipns.sequence)
        })
      }
      assert.equal((await offlineCheck(dir.path)).damaged, 0)
    })
  }

  it('finds it also where other witnesses are gone', async () => {
    for (const gone of [['lost'], ['lost', 'note'], ['lost', 'note', 'mfs']]) {
      await using dir = await temporaryDirectory()
      const before = await twoPushes(dir.path)
      await spoil(dir.path, () => undefined)
      await isStillLost(dir.path, before)
      await forget(dir.path, gone)
      await isStillLost(dir.path, before)
    }
  })

  it('finds a lost change of what is not published', async () => {
    await using dir = await temporaryDirectory()
    const settings = { REGISTRY_REPOSITORIES: JSON.stringify([{ match: ['app'], publish: false }]) }
    await life(
      dir.path,
      async (base) => {
        for (const tag of ['v1', 'v2']) assert.equal((await push(base, tag)).status, 201)
      },
      settings,
    )
    await spoil(dir.path, () => undefined)
    for (let start = 1; start <= 2; start++) {
      await life(
        dir.path,
        async (base) => {
          assert.equal((await fetch(`${base}/v2/app/manifests/v2`)).status, 503)
          assert.equal((await fetch(`${base}/readyz`)).status, 503)
        },
        settings,
      )
    }
  })
})

/** Takes the block of the newest root away. */
async function loseRoot(path: string, { storage: { root } }: Status): Promise<void> {
  const state = await StateDb.open(join(path, 'state'))
  await state.write([{ key: smallKey(root ?? assert.fail()), value: undefined }])
  await state.close()
}

async function forget(path: string, gone: readonly string[]): Promise<void> {
  if (gone.includes('lost')) await rm(join(path, 'lost'))
  const datastore = await openDatastore(join(path, 'datastore'))
  if (gone.includes('note')) await forgetNewest(new Notes(datastore))
  if (gone.includes('mfs')) await forgetMfsRoot(datastore)
  await datastore.close()
}
