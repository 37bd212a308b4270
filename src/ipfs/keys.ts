import { ecdsaCrypto, ed25519Crypto, rsaCrypto } from '@ipshipyard/crypto'
import { keychain } from '@ipshipyard/keychain'
import { Key } from 'interface-datastore'
import { base36 } from 'multiformats/bases/base36'
import { openDatastore, syncDatastore } from './datastore.ts'
import { KeyError, StartError, isNamed } from './errors.ts'
import { FIRST_PASSWORD } from './password.ts'
import type { Crypto, PrivateKey } from '@ipshipyard/crypto'
import type { CryptoLoader, Keychain } from '@ipshipyard/keychain'
import type { LevelDatastore } from 'datastore-level'
import type { KeySecret } from './password.ts'

/** The key that is the node's own identity on the network. */
const SELF = 'self'

/** Where an import waits before it takes its name. */
const IMPORTING = '.importing'

/**
 * Key names we make: they are also names of options, so no spaces, no slashes. Of these the keychain refuses those that
 * no file of Windows may have.
 */
const KEY_NAME = /^[a-zA-Z0-9]([a-zA-Z0-9._-]{0,62}[a-zA-Z0-9_-])?$/
const RESERVED_NAME = /^(con|prn|aux|nul|com[0-9]|lpt[0-9])(\..*)?$/i

/** A key in the keychain, without its secret. */
interface KeyEntry {
  readonly name: string
  /** What the key publishes under: `k51…`. */
  readonly ipnsName: string
}

/** The node's private keys, encrypted in its datastore. Works without a running node. */
export interface Keys {
  /** For signing records, and for reading public keys out of them. */
  readonly keychain: Keychain
  list(): Promise<KeyEntry[]>
  /** The key as libp2p writes it: what Kubo calls `libp2p-protobuf-cleartext`. @throws KeyError */
  export(name: string): Promise<Uint8Array>
  /**
   * Takes a key that {@link export} or Kubo wrote.
   *
   * @throws KeyError when the bytes are no key, or the name is taken and `replace` is not set
   */
  import(name: string, bytes: Uint8Array, options?: { replace?: boolean }): Promise<KeyEntry>
  /** The key with that name, made (Ed25519) and safe on disk when there was none. @throws KeyError */
  getOrCreate(name: string): Promise<PrivateKey>
  /** The key the node's peer id comes from. */
  self(): Promise<PrivateKey>
}

/**
 * Opens the keys of a datastore.
 *
 * Helia would make a keychain of its own, but ignores the password it is given (facts S9), so this one is ours.
 *
 * @throws StartError when the password is not the one the keys were made with
 */
export async function openKeys(components: {
  datastore: LevelDatastore
  secret: KeySecret
}): Promise<Keys> {
  const { datastore, secret } = components
  const chain = keychain({ password: secret.password, salt: secret.salt })({ datastore, getCrypto })
  const keys = new DatastoreKeys(chain, datastore)
  await keys.check(secret.source)
  return keys
}

/** Opens the datastore and its keys for a command that runs without a node. Close it with `close()`. */
export async function openKeysAt(
  directory: string,
  secret: KeySecret,
): Promise<Keys & { close(): Promise<void> }> {
  const datastore = await openDatastore(directory)
  try {
    const keys = await openKeys({ datastore, secret })
    return Object.assign(keys, { close: () => datastore.close() })
  } catch (error) {
    await datastore.close()
    throw error
  }
}

class DatastoreKeys implements Keys {
  readonly keychain: Keychain
  readonly #datastore: LevelDatastore

  constructor(chain: Keychain, datastore: LevelDatastore) {
    this.keychain = chain
    this.#datastore = datastore
  }

  /** Tries the password on one key; any will do, they are all under the same. */
  async check(source: string): Promise<void> {
    for await (const { name } of this.keychain.listKeys()) {
      try {
        await this.keychain.exportKey(name)
        return
      } catch (error) {
        if (!isNamed(error, 'DecryptionFailedError')) throw error
        throw new StartError(
          `the password in ${source} is not the one this node's keys were made with: ${FIRST_PASSWORD}`,
          {
            cause: error,
          },
        )
      }
    }
  }

  async list(): Promise<KeyEntry[]> {
    const names: string[] = []
    for await (const { name } of this.keychain.listKeys()) {
      if (!name.endsWith(IMPORTING)) names.push(name)
    }
    const keys = await Promise.all(names.toSorted().map((name) => this.#load(name)))
    return names
      .toSorted()
      .map((name, i) => ({ name, ipnsName: ipnsNameOf(keys[i] as PrivateKey) }))
  }

  async export(name: string): Promise<Uint8Array> {
    const key = await this.#find(checkedName(name))
    if (key === undefined) throw new KeyError(`there is no key named ${name}`)
    return key.toProtobuf()
  }

  async import(
    name: string,
    bytes: Uint8Array,
    options: { replace?: boolean } = {},
  ): Promise<KeyEntry> {
    checkedName(name)
    if (name === SELF)
      throw new KeyError('the key named self is the identity of this node and is not replaced')
    const key = await parseKey(bytes)
    if (options.replace !== true && (await this.#find(name)) !== undefined) {
      throw new KeyError(`there is a key named ${name} already`)
    }
    await this.#put(name, key)
    return { name, ipnsName: ipnsNameOf(key) }
  }

  async getOrCreate(name: string): Promise<PrivateKey> {
    const existing = await this.#find(checkedName(name))
    if (existing !== undefined) return existing
    const key = await this.keychain.generateKey(name)
    await syncDatastore(this.#datastore)
    return key
  }

  self(): Promise<PrivateKey> {
    return this.getOrCreate(SELF)
  }

  /**
   * Stores a key under a name, taking the place of another in one atomic batch. The keychain can only remove and then
   * add: a crash in between would lose the name, and the next start would make a new key for it. So the key goes in
   * under a name of its own first, and its two records are then moved (`/pkcs8/` and `/info/`, see the keychain).
   */
  async #put(name: string, key: PrivateKey): Promise<void> {
    const waiting = name + IMPORTING
    if ((await this.#find(waiting)) !== undefined) await this.keychain.removeKey(waiting)
    await this.keychain.importKey(waiting, key)
    const secret = await this.#datastore.get(new Key(`/pkcs8/${waiting}`))
    const info: unknown = JSON.parse(
      Buffer.from(await this.#datastore.get(new Key(`/info/${waiting}`))).toString(),
    )
    const batch = this.#datastore.batch()
    batch.put(new Key(`/pkcs8/${name}`), secret)
    batch.put(new Key(`/info/${name}`), Buffer.from(JSON.stringify({ ...(info as object), name })))
    batch.delete(new Key(`/pkcs8/${waiting}`))
    batch.delete(new Key(`/info/${waiting}`))
    await batch.commit()
    await syncDatastore(this.#datastore)
  }

  async #find(name: string): Promise<PrivateKey | undefined> {
    try {
      return await this.#load(name)
    } catch (error) {
      if (isNamed(error, 'NotFoundError')) return undefined
      throw error
    }
  }

  #load(name: string): Promise<PrivateKey> {
    return this.keychain.exportKey(name)
  }
}

/** What a key publishes under: a CIDv1 with the libp2p-key codec in base36 (IPNS spec, "Names"). */
export function ipnsNameOf(key: Pick<PrivateKey, 'publicKey'>): string {
  return key.publicKey.toCID().toV1().toString(base36)
}

const cryptos: readonly Crypto[] = [ed25519Crypto(), ecdsaCrypto(), rsaCrypto()]

const getCrypto: CryptoLoader = (codeOrName) => {
  const crypto = cryptos.find(({ code, type }) => code === codeOrName || type === codeOrName)
  if (crypto === undefined) throw new KeyError(`keys of type ${codeOrName} are not supported`)
  return crypto
}

async function parseKey(bytes: Uint8Array): Promise<PrivateKey> {
  // A libp2p PrivateKey message begins with field 1 (`Type`), a varint below 128.
  const crypto = bytes[0] === 0x08 ? cryptos.find(({ code }) => code === bytes[1]) : undefined
  if (crypto === undefined) {
    throw new KeyError(
      'this is no private key: a file in libp2p-protobuf-cleartext format is needed',
    )
  }
  let key: PrivateKey
  let isWhole: boolean
  try {
    key = await crypto.privateKeyFromProtobuf(bytes)
    // Decoding alone takes some bytes for an RSA key that no library can use, and that is another key each time.
    isWhole = await key.publicKey.verify(PROBE, await key.sign(PROBE))
  } catch (error) {
    throw new KeyError('this private key is damaged', { cause: error })
  }
  if (!isWhole) throw new KeyError('this private key is damaged: its halves do not fit together')
  return key
}

/** Signed with a key that is to be imported, to see whether it can. */
const PROBE = new TextEncoder().encode('heliport')

function checkedName(name: string): string {
  if (!KEY_NAME.test(name) || name.endsWith(IMPORTING)) {
    throw new KeyError(
      `${JSON.stringify(name)} cannot name a key: use letters, digits and . _ -, at most 64, the first a letter or digit, the last no dot`,
    )
  }
  if (RESERVED_NAME.test(name))
    throw new KeyError(`${name} cannot name a key: it is the name of a device on Windows`)
  return name
}
