import { CommandError } from './io.ts'
import type { ControlClient } from './control-client.ts'
import type { KeyEntry, OfflineKeys } from './daemon-face.ts'

/** The keychain of a running daemon. */
export function remoteKeys(daemon: ControlClient): OfflineKeys {
  return {
    list: async () => {
      const { keys } = await daemon.get('/api/v1/keys')
      if (!Array.isArray(keys))
        throw new CommandError('the daemon sent no list of keys: is it of another version?')
      return keys.map(asKey)
    },
    export: (name) => daemon.post('/api/v1/keys/export', { name }),
    import: (name, key, { replace }) =>
      daemon.post('/api/v1/keys/import', {
        name,
        key: Buffer.from(key).toString('base64'),
        replace,
      }),
    [Symbol.asyncDispose]: () => Promise.resolve(),
  }
}

/** Has a running daemon publish above another writer of its key. @throws CommandError when it has met none */
export async function takeOverKey(daemon: ControlClient): Promise<{ id: string; above: string }> {
  const answer = await daemon.post('/api/v1/keys/takeover', {})
  const value: unknown = JSON.parse(Buffer.from(answer).toString('utf8'))
  if (typeof value === 'object' && value !== null && 'id' in value && 'above' in value)
    return { id: String(value.id), above: String(value.above) }
  throw new CommandError('the daemon sent something unexpected: is it of another version?')
}

function asKey(value: unknown): KeyEntry {
  if (typeof value === 'object' && value !== null && 'name' in value && 'id' in value) {
    return { name: String(value.name), id: String(value.id) }
  }
  throw new CommandError('the daemon sent a key without a name: is it of another version?')
}
