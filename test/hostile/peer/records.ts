import { IPNSEntry } from '@helia/ipns'
import { decode, encode } from '@ipld/dag-cbor'
import { valueOf } from '../../../src/naming/root-value.ts'
import { OwnedName } from './names.ts'
import type { CID } from 'multiformats/cid'

/** What a hostile record is made from. */
export interface RecordScene {
  readonly owner: OwnedName
  /** The root that the good record named, which has to stay. */
  readonly good: CID
  /** The good record. */
  readonly record: Uint8Array
  /** Another root, with blocks and all. */
  readonly other: CID
}

/** A record that must not move the name. */
export interface RecordTrick {
  readonly name: string
  readonly row: string
  readonly make: (scene: RecordScene) => Promise<Uint8Array>
}

const YEAR = 365 * 24 * 3_600_000

/** What a record says; what is left out is as in a good one. */
interface Said {
  readonly value?: string
  readonly sequence?: bigint
  /** Milliseconds since the epoch. */
  readonly validUntil?: number
}

/** Records that were signed by the owner, and say what is not followed. */
const SAYING: Record<string, [row: string, (scene: RecordScene) => Said]> = {
  expired: ['C08', () => ({ validUntil: Date.now() - YEAR })],
  'valid for a hundred years': ['C12', () => ({ validUntil: Date.now() + 100 * YEAR })],
  'of an older sequence': ['C09', ({ owner }) => ({ sequence: owner.sequence - 1n })],
  'of sequence 0': ['C09', () => ({ sequence: 0n })],
  'of the same sequence, for another root': ['C10', ({ owner }) => ({ sequence: owner.sequence })],
  'for itself': ['C11', ({ owner }) => ({ value: `/ipns/${owner.name.text}` })],
  'for a domain': ['C11', () => ({ value: '/ipns/example.com' })],
  'for a domain, as some write it': ['C11', () => ({ value: '/ipns/dns/example.com' })],
  'for a path': ['C11', ({ other }) => ({ value: `${valueOf(other)}/docker` })],
  'for a path that leads up': ['C11', ({ other }) => ({ value: `${valueOf(other)}/../x` })],
  'for a raw block': [
    'C11',
    () => ({ value: '/ipfs/bafkreifzjut3te2nhyekklss27nh3k72ysco7y32koao5eei66wof36n5e' }),
  ],
  'for no CID': ['C11', () => ({ value: '/ipfs/not-a-cid' })],
  'for nothing': ['C11', () => ({ value: '' })],
  'for a CID alone': ['C11', ({ other }) => ({ value: other.toString() })],
  'for 4 KB of path': ['C11', ({ other }) => ({ value: `${valueOf(other)}/${'a'.repeat(4000)}` })],
  'for 9 KB that are no path': ['C11', () => ({ value: `/ipfs/${'b'.repeat(4500)}` })],
}

/** Records that are broken in themselves. */
const BROKEN: Record<string, (scene: RecordScene, good: IPNSEntry) => Promise<Partial<IPNSEntry>>> =
  {
    'with a bad signature': async (_, good) => ({
      ...good,
      signatureV2: flipped(good.signatureV2),
    }),
    'with a signature of the first kind alone': async (
      { owner: _ },
      { data: __, signatureV2: ___, ...good },
    ) => good,
    'whose fields contradict its signed data': async (_, good) => ({
      ...good,
      value: Buffer.from('/ipfs/bafyaa'),
    }),
    'whose sequence contradicts its signed data': async (_, good) => ({
      ...good,
      sequence: 10_000n,
    }),
    'signed by another key': async (scene) => {
      const other = await OwnedName.create()
      other.sequence = scene.owner.sequence + 1n
      return IPNSEntry.decode(await other.sign({ value: valueOf(scene.other) }))
    },
    'signed by another key, which it brings along': async (scene) => {
      const other = await OwnedName.create()
      other.sequence = scene.owner.sequence + 1n
      const publicKey = Uint8Array.from(other.key.publicKey.toProtobuf())
      return { ...IPNSEntry.decode(await other.sign({ value: valueOf(scene.other) })), publicKey }
    },
    'with an RSA key of 9 KB': async (_, good) => ({
      ...good,
      publicKey: rsaOf(9000),
      signatureV2: flipped(good.signatureV2),
    }),
    'without a validity': (scene, good) =>
      resigned(scene, good, ({ Validity: _, ...data }) => data),
    'whose validity is no time': (scene, good) =>
      resigned(scene, good, (data) => ({ ...data, Validity: Buffer.from('for ever') })),
    'of no known kind of validity': (scene, good) =>
      resigned(scene, good, (data) => ({ ...data, ValidityType: 7 })),
    'of a negative sequence': (scene, good) =>
      resigned(scene, good, (data) => ({ ...data, Sequence: -5 })),
    'whose data is no CBOR': async ({ owner }, good) =>
      signedData(owner, good, Buffer.from('nonsense')),
  }

const RAW: Record<string, (scene: RecordScene, good: IPNSEntry) => Promise<Uint8Array>> = {
  'of 11 KB': async (_, good) => IPNSEntry.encode({ ...good, publicKey: new Uint8Array(11_000) }),
  'of 200 KB': async (_, good) => IPNSEntry.encode({ ...good, publicKey: new Uint8Array(200_000) }),
  'that is empty': async () => new Uint8Array(),
  'that is garbage': async () => Buffer.alloc(300, 0xff),
}

export const RECORD_TRICKS: readonly RecordTrick[] = [
  ...Object.entries(SAYING).map(([what, [row, say]]): RecordTrick => ({
    name: `a record ${what}`,
    row,
    make: async (scene) => said(scene, await newer(scene), say(scene)),
  })),
  ...Object.entries(BROKEN).map(([what, change]): RecordTrick => ({
    name: `a record ${what}`,
    row: 'C08',
    make: async (scene) => IPNSEntry.encode(await change(scene, await newer(scene))),
  })),
  ...Object.entries(RAW).map(([what, make]): RecordTrick => ({
    name: `a record ${what}`,
    row: 'C08',
    make: async (scene) => make(scene, await newer(scene)),
  })),
]

/** What would be right, for another root. */
async function newer({ owner, other }: RecordScene): Promise<IPNSEntry> {
  return IPNSEntry.decode(
    await owner.sign({ value: valueOf(other), sequence: owner.sequence + 1n }),
  )
}

/** Signs what is said, in the data as well as in the fields beside it that old readers look at. */
async function said(
  { owner }: RecordScene,
  good: IPNSEntry,
  { value, sequence, validUntil }: Said,
): Promise<Uint8Array> {
  const data = decode<Record<string, unknown>>(good.data ?? new Uint8Array())
  const fields: Partial<IPNSEntry> = { ...good }
  if (value !== undefined) data['Value'] = fields.value = Buffer.from(value)
  if (sequence !== undefined) data['Sequence'] = fields.sequence = sequence
  if (validUntil !== undefined) {
    const text = new Date(validUntil).toISOString().replace('Z', '000000Z')
    data['Validity'] = fields.validity = Buffer.from(text)
  }
  return IPNSEntry.encode(signedData(owner, { ...good, ...fields }, encode(data)))
}

async function resigned(
  { owner }: RecordScene,
  good: IPNSEntry,
  change: (data: Record<string, unknown>) => Record<string, unknown>,
): Promise<Partial<IPNSEntry>> {
  const data = change(decode(good.data ?? new Uint8Array()))
  return signedData(owner, good, encode(data))
}

function signedData(owner: OwnedName, good: IPNSEntry, data: Uint8Array): Partial<IPNSEntry> {
  const signed = Buffer.concat([Buffer.from('ipns-signature:'), data])
  return {
    ...good,
    data: Uint8Array.from(data),
    signatureV2: Uint8Array.from(owner.signBytes(signed)),
  }
}

function flipped(bytes: Uint8Array = new Uint8Array(64)): Uint8Array<ArrayBuffer> {
  const copy = Uint8Array.from(bytes)
  copy[10]! ^= 1
  return copy
}

/** What says that it is an RSA key: type 0, and so many bytes of DER that are a sequence of a long number. */
function rsaOf(length: number): Uint8Array<ArrayBuffer> {
  const der = Buffer.concat([
    Buffer.from([0x30, 0x82, length >> 8, length & 255]),
    Buffer.alloc(length, 1),
  ])
  const head = Buffer.from([0x08, 0, 0x12, (der.length & 0x7f) | 0x80, der.length >> 7])
  return Uint8Array.from(Buffer.concat([head, der]))
}
