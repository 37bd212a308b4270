import { ownName } from './keys.ts'
import { StartError } from '../ipfs/errors.ts'
import type { Logger } from 'pino'
import type { Config } from '../config/schema.ts'
import type { DurableMap } from '../registry/ports.ts'
import type { OpenKeys } from './keys.ts'
import type { Storage } from './storage.ts'

type State = Pick<Storage, 'state'>

/** The IPNS name of each key that this registry ever published with, by the key's name. */
function book({ state }: State): DurableMap {
  return state.map('own-names')
}

/** The IPNS name of our write key, as {@link ownName}. @throws StartError as {@link checkWriteKey} */
export async function checkedName(
  config: Config,
  keychain: OpenKeys,
  storage: State,
): Promise<string | undefined> {
  await checkWriteKey(config, keychain, storage)
  return await ownName(config, keychain)
}

/**
 * The keys are in another database than the registry. Whoever loses them would get a new key under the old one's name, and
 * so a new IPNS name, while everybody goes on to follow the old one: that has to be said, and not done in silence.
 *
 * @throws StartError when the write key is not there, though this registry published with it
 */
async function checkWriteKey(
  { ipns, storage: { path } }: Config,
  { keys }: OpenKeys,
  storage: State,
): Promise<void> {
  const { writeKey } = ipns
  if (writeKey === null) return
  const there = await keys.list()
  if (there.some(({ name }) => name === writeKey)) return
  const names = new Set(there.map(({ ipnsName }) => ipnsName))
  const known = await remembered(writeKey, names, storage)
  if (known === undefined) return
  throw new StartError(
    `ipns.writeKey ${writeKey} was the key of ${known}, and the keychain (datastore in ${path}) does not have it any more: ` +
      `a new key would publish under a new name, and whoever follows this registry would hear nothing of it. ` +
      `Restore datastore from a backup, or the key from its export: heliport key import ${writeKey} FILE. ` +
      `To begin a new name on purpose, name another key in ipns.writeKey.`,
  )
}

async function remembered(
  writeKey: string,
  there: ReadonlySet<string>,
  storage: State,
): Promise<string | undefined> {
  const map = book(storage)
  const noted = await map.get(writeKey)
  if (noted !== undefined) return Buffer.from(noted).toString('utf8')
  for await (const _ of map.entries()) return undefined // it is another key than before, on purpose
  // A data directory from before names were noted: what was published is known all the same.
  for await (const [name] of storage.state.map('publisher').entries()) {
    if (there.has(name)) continue
    await map.put(writeKey, Buffer.from(name))
    return name
  }
  return undefined
}

/** Notes the name that a key publishes under, before it does. Another one than before is told. */
export async function noteWriteKey(
  writeKey: string,
  name: string,
  { storage, log }: { storage: State; log: Logger },
): Promise<void> {
  const map = book(storage)
  const noted = await map.get(writeKey)
  const before = noted && Buffer.from(noted).toString('utf8')
  if (before === name) return
  if (before !== undefined)
    log.warn({ ipns: name, before }, 'the key was replaced: this registry has another name now')
  await map.put(writeKey, Buffer.from(name))
}
