import { randomBytes } from 'node:crypto'
import { digestOf } from '../../../src/oci/digest.ts'
import { descriptorOf, randomImage } from '../../support/random-image.ts'

/** What the registry holds before the first row: this image in `app`, under these tags. */
export const image = randomImage({ layers: [1_200_000, 3000] })
export const tags = ['a', 'b', 'c', 'd', 'e']
/** One for rows that push, like no other. */
export const small = randomImage()

/** The manifest of the first as an object, and its first layer. */
export const manifest = JSON.parse(Buffer.from(image.bytes).toString()) as Record<string, unknown>
export const layer = descriptorOf(image.blobs[1]!)
export const layerBytes = image.blobs[1]!.bytes

/** A request with that manifest. */
export const IMAGE = { headers: { 'Content-Type': image.mediaType }, body: image.bytes }

/** The content of the uploads that rows work on, which hold the first part of it. */
export const UPLOADED = randomBytes(5000)
export const UPLOADED_DIGEST = digestOf(UPLOADED)
export const UPLOADED_PART = 1000

/** A digest of nothing that is here. */
export const ABSENT = digestOf(randomBytes(9))
/** Of the form of a digest's end. */
export const HEX = 'a'.repeat(64)
