import { createPrivateKey, sign } from 'node:crypto'
import { ed25519Crypto } from '@ipshipyard/crypto'
import { base36 } from 'multiformats/bases/base36'
import { ipnsName } from '../../../src/naming/name.ts'
import { signRecord } from '../../../src/naming/record.ts'
import { valueOf } from '../../../src/naming/root-value.ts'
import type { JsonWebKeyInput } from 'node:crypto'
import type { PrivateKey } from '@ipshipyard/crypto'
import type { CID } from 'multiformats/cid'
import type { IpnsName } from '../../../src/naming/name.ts'
import type { RecordContent } from '../../../src/naming/record.ts'

const DAY = 24 * 3_600_000
const ed25519 = ed25519Crypto()

/** A name, and the key that signs for it. */
export class OwnedName {
  readonly key: PrivateKey
  readonly name: IpnsName
  sequence = 0n

  private constructor(key: PrivateKey) {
    this.key = key
    this.name = ipnsName(key.publicKey.toCID().toV1().toString(base36))
  }

  static async create(): Promise<OwnedName> {
    return new OwnedName(await ed25519.generatePrivateKey())
  }

  /** A record as it should be, for the next sequence. */
  next(root: CID): Promise<Uint8Array> {
    this.sequence++
    return this.sign({ value: valueOf(root) })
  }

  /** A record that says what it is told to, signed as it should be. */
  sign(content: Partial<RecordContent>): Promise<Uint8Array> {
    return signRecord(this.key, {
      value: '/ipfs/bafyaa',
      sequence: this.sequence,
      lifetime: 30 * DAY,
      ttl: 60_000,
      addresses: [],
      now: Date.now(),
      ...content,
    })
  }

  /** Signs any bytes. */
  signBytes(bytes: Uint8Array): Uint8Array {
    const key = createPrivateKey({ format: 'jwk', key: this.key.toJWK() as JsonWebKeyInput['key'] })
    return new Uint8Array(sign(null, bytes, key))
  }
}
