import assert from 'node:assert/strict'
import { rm } from 'node:fs/promises'
import { join } from 'node:path'
import { StateDb } from '../../src/blocks/state-db.ts'
import { loadConfig } from '../../src/config/load.ts'
import { openKeysOffline, startDaemon } from '../../src/daemon.ts'
import { temporaryDirectory } from '../support/temporary.ts'

async function configOf(path: string, env: Record<string, string> = {}) {
  const { config } = await loadConfig({
    env: {
      REGISTRY_STORAGE_PATH: path,
      REGISTRY_HTTP_ADDR: '127.0.0.1:0',
      REGISTRY_NETWORK_MODE: 'offline',
      ...env,
    },
    cwd: path,
  })
  return config
}

/** One life of a daemon. @returns its IPNS name */
async function life(path: string, env?: Record<string, string>): Promise<string | undefined> {
  const config = await configOf(path, env)
  await using daemon = await startDaemon(config, { signal: new AbortController().signal })
  return daemon.ipnsName
}

const loseKeys = (path: string) => rm(join(path, 'datastore'), { recursive: true })

describe('a registry whose keys are lost', () => {
  it('does not start with a new name, until it has its key again', async () => {
    await using directory = await temporaryDirectory()
    const { path } = directory
    const name = await life(path)
    const config = await configOf(path)
    const saved = await (async () => {
      await using keys = await openKeysOffline(config)
      return await keys.export('registry')
    })()
    await loseKeys(path)
    for (let start = 0; start < 2; start++)
      await assert.rejects(life(path), (error: Error) => {
        assert.match(error.message, new RegExp(`registry was the key of ${name}`))
        assert.match(error.message, /heliport key import registry FILE/)
        return true
      })
    {
      await using keys = await openKeysOffline(config)
      await keys.import('registry', saved, { replace: false })
    }
    assert.equal(await life(path), name)
  })

  it('begins a new name when another key is named', async () => {
    await using directory = await temporaryDirectory()
    const name = await life(directory.path)
    await loseKeys(directory.path)
    const other = await life(directory.path, { REGISTRY_IPNS_WRITEKEY: 'second' })
    assert.ok(other !== undefined && other !== name)
    await assert.rejects(life(directory.path), /registry was the key of/)
  })

  it('knows what it published before names were noted', async () => {
    await using directory = await temporaryDirectory()
    const { path } = directory
    const name = 'k51qzi5uqu5dlvj2baxnqndepeb86cbk3ng7n3i46uzyxzyqj2xjonzllnv0v8'
    await life(path)
    const state = await StateDb.open(join(path, 'state'))
    await state.map('own-names').delete('registry')
    await state.map('publisher').put(name, Buffer.from('{}'))
    await state.close()
    await loseKeys(path)
    await assert.rejects(life(path), /registry was the key of k51/)
  })
})
