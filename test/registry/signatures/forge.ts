import { generateKeyPairSync, sign } from 'node:crypto'
import { algorithmOf, digestOf, hexOf } from '../../../src/oci/digest.ts'
import { preAuthEncoding } from '../../../src/registry/signatures/dsse.ts'
import { KeySet } from '../../../src/registry/signatures/key-set.ts'
import { PublicKey } from '../../../src/registry/signatures/public-key.ts'
import { descriptorOf, jsonPiece, piece } from '../../support/random-image.ts'
import type { Digest } from '../../../src/oci/digest.ts'
import type { Descriptor } from '../../../src/oci/manifest.ts'
import type { Piece, RandomManifest } from '../../support/random-image.ts'

/** A signer of our own, for signatures that cosign would not make. */
export class Signer {
  readonly keys: KeySet
  readonly pem: string
  readonly #sign: (bytes: Uint8Array) => string

  constructor() {
    const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve: 'prime256v1' })
    this.pem = publicKey.export({ type: 'spki', format: 'pem' }).toString()
    this.keys = new KeySet([PublicKey.parse(this.pem)])
    this.#sign = (bytes) => sign('sha256', bytes, privateKey).toString('base64')
  }

  /** The layer of a signature under a tag: a payload, and how it is signed. */
  payload(payload: object | string, signature?: string): SignedLayer {
    const bytes = Buffer.from(typeof payload === 'string' ? payload : JSON.stringify(payload))
    const layer = piece(bytes, 'application/vnd.dev.cosign.simplesigning.v1+json')
    const annotations = {
      'dev.cosignproject.cosign/signature': signature ?? this.#sign(bytes),
    }
    return { ...layer, annotations }
  }

  /** A bundle with a signed envelope. */
  bundle(statement: object | string, more: object = {}): SignedLayer {
    const text = typeof statement === 'string' ? statement : JSON.stringify(statement)
    const payloadType = 'application/vnd.in-toto+json'
    const sig = this.#sign(preAuthEncoding(payloadType, Buffer.from(text)))
    const payload = Buffer.from(text).toString('base64')
    return bundleOf({ dsseEnvelope: { payload, payloadType, signatures: [{ sig }], ...more } })
  }
}

/** A layer that may have annotations. */
export type SignedLayer = Piece & { annotations?: Record<string, string> }

export function bundleOf(content: object): SignedLayer {
  const mediaType = 'application/vnd.dev.sigstore.bundle.v0.3+json'
  return jsonPiece({ mediaType, ...content }, mediaType)
}

/** What cosign's older payload says. */
export function claim(digest: Digest): { critical: Record<string, unknown>; optional: null } {
  return {
    critical: {
      identity: { 'docker-reference': 'registry.example/team/app' },
      image: { 'docker-manifest-digest': digest },
      type: 'cosign container image signature',
    },
    optional: null,
  }
}

/** What cosign states in a bundle. */
export function statement(digest: Digest): Record<string, unknown> {
  return {
    _type: 'https://in-toto.io/Statement/v1',
    subject: [{ digest: { [algorithmOf(digest)]: hexOf(digest) } }],
    predicateType: 'https://sigstore.dev/cosign/sign/v1',
    predicate: {},
  }
}

/** The manifest of signatures, as a referrer when there is a subject. */
export function signatureManifest(
  layers: readonly SignedLayer[],
  subject?: Descriptor,
): RandomManifest {
  const config = piece(Buffer.from('{}'), 'application/vnd.oci.empty.v1+json')
  const body = {
    schemaVersion: 2,
    mediaType: 'application/vnd.oci.image.manifest.v1+json',
    config: descriptorOf(config),
    layers: layers.map(({ annotations, ...layer }) => ({
      ...descriptorOf(layer),
      ...(annotations === undefined ? {} : { annotations }),
    })),
    ...(subject === undefined ? {} : { subject: descriptorOf(subject) }),
  }
  const manifest = jsonPiece(body, body.mediaType)
  return { ...manifest, blobs: [config, ...layers], subject: subject?.digest }
}

/** The tag under which cosign 1 and 2 look for signatures. */
export function signatureTag(digest: Digest): string {
  return `${algorithmOf(digest)}-${hexOf(digest)}.sig`
}

/** Another digest than any that is used. */
export const OTHER_DIGEST = digestOf(Buffer.from('another image'))
