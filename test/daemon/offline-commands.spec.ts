import assert from 'node:assert/strict'
import { readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { loadConfig } from '../../src/config/load.ts'
import { exportOffline, openKeysOffline } from '../../src/daemon.ts'
import { temporaryDirectory } from '../support/temporary.ts'
import type { Config } from '../../src/config/schema.ts'

async function configOf(path: string): Promise<Config> {
  const env = { REGISTRY_STORAGE_PATH: join(path, 'data'), REGISTRY_NETWORK_MODE: 'offline' }
  return (await loadConfig({ env, cwd: path })).config
}

describe('a command on a data directory that is not there', () => {
  const options = { signal: new AbortController().signal, onProgress: () => undefined }

  it('fails, and makes nothing: the path was mistyped', async () => {
    await using directory = await temporaryDirectory()
    const config = await configOf(directory.path)
    const missing = { name: 'StartError', message: /there is no registry in .*data/ }
    await assert.rejects(exportOffline(config, join(directory.path, 'out'), options), missing)
    await using keys = await openKeysOffline(config)
    await assert.rejects(keys.list(), missing)
    await assert.rejects(keys.export('registry'), missing)
    assert.deepEqual(await readdir(directory.path), [])
  })

  it('imports a key, which is how one is restored before the first start', async () => {
    await using first = await temporaryDirectory()
    await using second = await temporaryDirectory()
    let exported: Uint8Array
    let id: string | undefined
    {
      await using keys = await openKeysOffline(await configOf(first.path))
      await keys.import('registry', await anyKey(), { replace: false })
      exported = await keys.export('registry')
      id = (await keys.list()).find(({ name }) => name === 'registry')?.id
    }
    await using keys = await openKeysOffline(await configOf(second.path))
    await keys.import('restored', exported, { replace: false })
    assert.equal((await keys.list()).find(({ name }) => name === 'restored')?.id, id)
    assert.match(id ?? '', /^k51/)
  })
})

/** A new Ed25519 key as libp2p writes it: type 1, then 64 bytes of seed and public key. */
async function anyKey(): Promise<Uint8Array> {
  const { ed25519Crypto } = await import('@ipshipyard/crypto')
  const crypto = ed25519Crypto()
  const key = await crypto.generatePrivateKey()
  return key.toProtobuf()
}
