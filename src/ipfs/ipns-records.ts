import { createHash } from 'node:crypto'
import { IPNSEntry, ipnsSelector, ipnsValidator, multihashFromIPNSRoutingKey } from '@helia/ipns'
import type { Keychain } from '@ipshipyard/keychain'

const SHA2_256 = 0x12

/** What the DHT must know about IPNS records to keep and to choose them. */
export interface RecordRules {
  /** @throws when the record is not one of that key, or has expired */
  readonly validate: (key: Uint8Array, record: Uint8Array) => Promise<void>
  /** Which of the records is the newest. */
  readonly select: (key: Uint8Array, records: Uint8Array[]) => number
}

/** The rules of the IPNS specification ("Record verification", "Record selection"). */
export function ipnsRecords(keychain: Keychain): RecordRules {
  return {
    async validate(key, record) {
      const { publicKey } = await ipnsValidator(key, record, keychain)
      checkEmbeddedKey(key, publicKey)
    },
    select: (key, records) =>
      ipnsSelector(
        key,
        records.map((record) => IPNSEntry.decode(record)),
      ),
  }
}

/** A name that is a hash is proved by the key with that hash; the stock validator takes any key the record brings. */
function checkEmbeddedKey(key: Uint8Array, publicKey: Uint8Array | undefined): void {
  const { code, digest } = multihashFromIPNSRoutingKey(key)
  if (code !== SHA2_256) return
  const hash = createHash('sha256')
    .update(publicKey ?? new Uint8Array(0))
    .digest()
  if (!hash.equals(digest)) throw new Error('an IPNS record was signed with another key')
}
