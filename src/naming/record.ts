import { createHash } from 'node:crypto'
import {
  IPNSEntry,
  createIPNSRecord,
  ipnsValidator,
  multihashFromIPNSRoutingKey,
} from '@helia/ipns'
import { decode } from '@ipld/dag-cbor'
import { MINUTE } from './clock.ts'
import type { PrivateKey } from '@ipshipyard/crypto'
import type { Keychain } from '@ipshipyard/keychain'
import type { IpnsName } from './name.ts'

/** Largest record (IPNS spec, "Record size limit"). */
const MAX_RECORD_BYTES = 10 * 1024
/** A publisher cannot keep us from asking again for longer than this. Milliseconds. */
const MAX_TTL = 5 * MINUTE
/** Addresses of the publisher that a record may carry. */
const MAX_ADDRESSES = 8
const MAX_ADDRESS_LENGTH = 256
/** The multihash of a name that is the hash of a key, not the key itself (RSA). */
const SHA2_256 = 0x12

/** A record whose signature is right. Its time may have passed, and what it says may be nonsense. */
export interface IpnsRecord {
  /** As it travels. */
  readonly bytes: Uint8Array
  /** Where the name points, as signed: `/ipfs/…`. */
  readonly value: string
  readonly sequence: bigint
  /** Milliseconds since the epoch. */
  readonly validUntil: number
  /** For how long it need not be asked for again, at most {@link MAX_TTL}. Milliseconds. */
  readonly ttl: number
  /** Where the publisher can be reached (`_addrs`, our extension). Claims, to be checked against the scope. */
  readonly addresses: readonly string[]
}

/** A record that is not the name's: damaged, forged, or too large. */
export class InvalidRecordError extends Error {
  static override readonly name = 'InvalidRecordError'
  override readonly name = 'InvalidRecordError'
}

/**
 * Reads a record and proves that the name's key signed it (IPNS spec, "Record verification"). One that has expired is
 * read too: it still tells which sequence was used, and by whose clock it has expired is for the reader to say.
 *
 * @throws InvalidRecordError
 */
export async function readRecord(
  name: IpnsName,
  bytes: Uint8Array,
  keychain: Keychain,
): Promise<IpnsRecord> {
  if (bytes.length > MAX_RECORD_BYTES)
    throw new InvalidRecordError(`${bytes.length} bytes are too many`)
  try {
    const entry = await verify(name, bytes, keychain)
    checkEmbeddedKey(name, entry)
    return recordOf(bytes, decode<unknown>(entry.data ?? new Uint8Array(0)))
  } catch (error) {
    // Somebody else's bytes go through three decoders with error classes of their own; all of them mean this.
    if (error instanceof InvalidRecordError || !(error instanceof Error)) throw error
    throw new InvalidRecordError(error.message, { cause: error })
  }
}

/** The same for a record of ours, from the disk: one that cannot be read any longer is none. */
export async function tryReadRecord(
  name: IpnsName,
  bytes: Uint8Array,
  keychain: Keychain,
): Promise<IpnsRecord | undefined> {
  try {
    return await readRecord(name, bytes, keychain)
  } catch (error) {
    if (error instanceof InvalidRecordError) return undefined
    throw error
  }
}

/** The stock validator looks at the machine's clock after it has proved the signature. */
async function verify(name: IpnsName, bytes: Uint8Array, keychain: Keychain): Promise<IPNSEntry> {
  try {
    return await ipnsValidator(name.routingKey, bytes, keychain)
  } catch (error) {
    if (error instanceof Error && error.name === 'RecordExpiredError')
      return IPNSEntry.decode(bytes)
    throw error
  }
}

/** Whether a record counts no longer, by this time in ms since the epoch. */
export function hasExpired({ validUntil }: { readonly validUntil: number }, now: number): boolean {
  return validUntil <= now
}

/** What a record is signed with. */
export interface RecordContent {
  readonly value: string
  readonly sequence: bigint
  /** How long it is valid. Milliseconds. */
  readonly lifetime: number
  /** Milliseconds. */
  readonly ttl: number
  readonly addresses: readonly string[]
  /** Milliseconds since the epoch. */
  readonly now: number
}

/** Makes a record with both signatures (V1 and V2), so that old readers take it too. */
export async function signRecord(key: PrivateKey, content: RecordContent): Promise<Uint8Array> {
  const { value, sequence, lifetime, ttl, addresses, now } = content
  const data = { _addrs: fitting(addresses) }
  const ttlNs = BigInt(ttl) * 1_000_000n
  return IPNSEntry.encode(
    await createIPNSRecord(key, value, sequence, lifetime, { data, ttlNs, now }),
  )
}

/**
 * A name that is a hash does not hold its key, so the record brings it along; that it is the key with this hash is
 * ours to check: @helia/ipns 10.1.0 verifies the signature with whatever key the record brings.
 */
function checkEmbeddedKey(name: IpnsName, entry: IPNSEntry): void {
  const { code, digest } = multihashFromIPNSRoutingKey(name.routingKey)
  if (code !== SHA2_256) return
  const hash = createHash('sha256')
    .update(entry.publicKey ?? new Uint8Array(0))
    .digest()
  if (!hash.equals(digest)) throw new InvalidRecordError('it was signed with another key')
}

function recordOf(bytes: Uint8Array, data: unknown): IpnsRecord {
  const fields = (data ?? {}) as Record<string, unknown>
  const validUntil = Date.parse(textOf(fields['Validity']))
  const sequence = integerOf(fields['Sequence'])
  if (Number.isNaN(validUntil) || sequence === undefined)
    throw new InvalidRecordError('a field is missing')
  const ttl = integerOf(fields['TTL']) ?? 0n
  return {
    bytes,
    sequence,
    validUntil,
    value: textOf(fields['Value']),
    ttl: Number(ttl / 1_000_000n > BigInt(MAX_TTL) ? BigInt(MAX_TTL) : ttl / 1_000_000n),
    addresses: addressesOf(fields['_addrs']),
  }
}

function textOf(value: unknown): string {
  return value instanceof Uint8Array ? Buffer.from(value).toString('utf8') : ''
}

/** CBOR has small integers as numbers and large ones as bigints. */
function integerOf(value: unknown): bigint | undefined {
  if (typeof value === 'number' && Number.isSafeInteger(value) && value >= 0) return BigInt(value)
  return typeof value === 'bigint' && value >= 0n ? value : undefined
}

function addressesOf(value: unknown): string[] {
  if (!Array.isArray(value)) return []
  const texts = value.filter((item): item is string => typeof item === 'string')
  return fitting(texts)
}

/** Those addresses that a record may hold: not too long, and not too many. */
export function fitting(addresses: readonly string[]): string[] {
  return addresses.filter(({ length }) => length <= MAX_ADDRESS_LENGTH).slice(0, MAX_ADDRESSES)
}
