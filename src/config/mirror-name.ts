import { domainToASCII } from 'node:url'
import { base36 } from 'multiformats/bases/base36'
import { base58btc } from 'multiformats/bases/base58'
import { CID } from 'multiformats/cid'
import { decode as decodeMultihash } from 'multiformats/hashes/digest'
import { isHostName } from './address.ts'
import { InvalidValue, quote } from './value.ts'

/** The multicodec `libp2p-key` (multicodec table). */
const LIBP2P_KEY = 0x72
/** Multihash codes a peer id may have (libp2p specs, peer-ids): the key itself, or its sha2-256. */
const IDENTITY = 0x00
const SHA2_256 = 0x12
/** An inlined key is at most this long (libp2p specs, peer-ids, "Peer Ids"). */
const LONGEST_INLINED_KEY = 42

/** The name of a registry to mirror. */
export type MirrorName =
  /** An IPNS name, always as the base36 CID `k51…` whatever way it was written. */
  | { readonly kind: 'key'; readonly text: string }
  /** A DNSLink domain, in lower-case ASCII. */
  | { readonly kind: 'dnslink'; readonly text: string }

/**
 * Reads the CID or the base58 multihash of a public key: `k51…`, `bafz…`, `12D3Koo…`, `Qm…`.
 *
 * @returns the CIDv1 in base36 (IPNS spec, "IPNS Name"); `undefined` when it is none
 */
export function canonicalKey(text: string): string | undefined {
  const cid = readKey(text)
  if (cid === undefined || cid.code !== LIBP2P_KEY) return undefined
  const { code, digest } = cid.multihash
  const fits = code === SHA2_256 ? digest.length === 32 : code === IDENTITY && inlined(digest)
  return fits ? cid.toString(base36) : undefined
}

/** A key in a peer id is a protobuf of a type and 32 or 33 bytes (Ed25519, secp256k1). */
function inlined(digest: Uint8Array): boolean {
  return digest.length >= 36 && digest.length <= LONGEST_INLINED_KEY && digest[0] === 0x08
}

function readKey(text: string): CID | undefined {
  try {
    if (/^(12D3|16Uiu2|Qm)/.test(text))
      return CID.createV1(LIBP2P_KEY, decodeMultihash(base58btc.baseDecode(text)))
    return text.startsWith('k') ? CID.parse(text, base36) : CID.parse(text)
  } catch (error) {
    // multiformats throws plain errors of several classes for text that is no CID; all of them mean "not a key".
    if (error instanceof Error) return undefined
    throw error
  }
}

/**
 * Reads an entry of `ipns.readOnlyKeys`: a key in any of its spellings, `/ipns/` and a key or domain, or a domain.
 *
 * @throws InvalidValue
 */
export function parseMirrorName(entry: string): MirrorName {
  const text = entry.replace(/^\/ipns\/|^ipns:\/\//, '')
  if (text.startsWith('/ipfs/') || text.startsWith('ipfs://')) {
    throw new InvalidValue(
      `is ${quote(entry)}, a fixed root: a mirror follows a name, like k51… or a DNSLink domain`,
    )
  }
  const key = canonicalKey(text)
  if (key !== undefined) return { kind: 'key', text: key }
  // domainToASCII reads URLs, too, and would make example.com of example.com/path.
  const domain = /[\s/?#@:\\%]/.test(text) ? '' : domainToASCII(text)
  if (domain.includes('.') && isHostName(domain)) return { kind: 'dnslink', text: domain }
  throw new InvalidValue(
    `is ${quote(entry)}: write an IPNS name (k51…, /ipns/k51…) or a DNSLink domain`,
  )
}
