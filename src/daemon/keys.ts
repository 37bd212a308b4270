import { syncDirectory } from '../blocks/files.ts'
import { openDatastore } from '../ipfs/datastore.ts'
import { openKeys } from '../ipfs/keys.ts'
import { loadSecret } from '../ipfs/password.ts'
import type { LevelDatastore } from 'datastore-level'
import type { Config } from '../config/schema.ts'
import type { Keys } from '../ipfs/keys.ts'
import type { DataDirectory } from './data-directory.ts'

/** libp2p's store and the keys in it. */
export interface OpenKeys extends AsyncDisposable {
  readonly datastore: LevelDatastore
  readonly keys: Keys
}

/** Opens the keychain with the password that the configuration names, or the generated one. */
export async function openKeychain(config: Config, directory: DataDirectory): Promise<OpenKeys> {
  const secret = await loadSecret({
    dataDir: directory.path,
    passwordFile: config.keys.passwordFile,
    password: config.keys.password,
  })
  await using stack = new AsyncDisposableStack()
  const datastore = await openDatastore(directory.datastore)
  stack.defer(() => datastore.close())
  await syncDirectory(directory.path) // its directory may be new, and the keys are to outlive a power cut
  const keys = await openKeys({ datastore, secret })
  const opened = stack.move()
  return { datastore, keys, [Symbol.asyncDispose]: () => opened.disposeAsync() }
}

/** The IPNS name of our write key; `undefined` on a read-only node, and before the key is made at first start. */
export async function ownName({ ipns }: Config, { keys }: OpenKeys): Promise<string | undefined> {
  return (await keys.list()).find(({ name }) => name === ipns.writeKey)?.ipnsName
}
