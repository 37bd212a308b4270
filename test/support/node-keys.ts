import { loadConfig } from '../../src/config/load.ts'
import { openKeysOffline } from '../../src/daemon.ts'
import type { OfflineKeys } from '../../src/cli/daemon-face.ts'
import type { TestNode } from './two-nodes.ts'

async function keysOf(node: TestNode): Promise<OfflineKeys> {
  const env = { REGISTRY_STORAGE_PATH: node.data }
  const { config } = await loadConfig({ env, cwd: node.data })
  return openKeysOffline(config)
}

/** `heliport key export` on a node that is stopped. */
export async function exportKey(node: TestNode, name = 'registry'): Promise<Uint8Array> {
  await using keys = await keysOf(node)
  return await keys.export(name)
}

/** `heliport key import` on a node that is stopped. */
export async function importKey(node: TestNode, name: string, key: Uint8Array): Promise<void> {
  await using keys = await keysOf(node)
  await keys.import(name, key, { replace: false })
}
