import assert from 'node:assert/strict'
import { join } from 'node:path'
import { StateDb } from '../../src/blocks/state-db.ts'
import { loadConfig } from '../../src/config/load.ts'
import { startDaemon } from '../../src/daemon.ts'
import { digestOf } from '../../src/oci/digest.ts'
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
): Promise<T> {
  const env = {
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

describe('a daemon whose journal lost its newest entry (I6)', () => {
  const losses: [string, (value: Uint8Array) => Uint8Array | undefined][] = [
    ['because it is damaged', (value) => value.slice(0, -3)],
    ['without a trace', () => undefined],
  ]
  for (const [how, loss] of losses) {
    it(`${how}: serves the state before it read-only, and publishes nothing`, async () => {
      await using dir = await temporaryDirectory()
      const before = await life(dir.path, async (base, status) => {
        assert.equal((await push(base, 'v1')).status, 201)
        assert.equal((await push(base, 'v2')).status, 201)
        return published(status)
      })
      await spoil(dir.path, loss)
      await life(dir.path, async (base, status) => {
        assert.equal((await fetch(`${base}/v2/app/manifests/v1`)).status, 200)
        // Whatever is not in it may have been pushed since.
        for (const path of ['app/manifests/v2', 'other/tags/list'])
          assert.equal((await fetch(`${base}/v2/${path}`)).status, 503)
        assert.equal((await push(base, 'v3')).status, 503)
        assert.equal((await fetch(`${base}/readyz`)).status, 503)
        const after = await status()
        assert.equal(after.storage.writable, false)
        assert.match(after.storage.error ?? '', /journal/)
        assert.equal(after.ipns.sequence, before.ipns.sequence)
        assert.equal(after.ipns.publishedRoot, before.ipns.publishedRoot)
        assert.match(after.ipns.error ?? '', /not published/)
      })
    })
  }
})
