import { ACCEPT_ALL } from '../learn.ts'
import { pushBlob } from '../arbitrary-blobs.ts'
import type { ManifestStep, Put, Start, Step } from '../step.ts'

/* Parts of the examples. */

export const BY_SHA256 = { blob: 'layer', algorithm: 'sha256' } as const
export const BY_SHA512 = { blob: 'layer', algorithm: 'sha512' } as const

export const START: Start = { do: 'start', repository: 'a', blob: 'layer' }
export const PUSH: readonly Step[] = pushBlob('a', 'layer', 'sha256', 0)
export const PUSH_BY_SHA512: readonly Step[] = pushBlob('a', 'layer', 'sha512', 0)

/** What the manifest `image` refers to. */
export const PARTS: readonly Step[] = [
  ...PUSH,
  ...pushBlob('a', 'config', 'sha256', 0),
  ...pushBlob('a', 'byte', 'sha256', 0),
]

export const IMAGE: Put = {
  do: 'put',
  repository: 'a',
  manifest: 'image',
  to: { tag: 'v1' },
  type: 'right',
}

/** A manifest that needs nothing. */
export const INDEX: Put = { ...IMAGE, manifest: 'empty index' }

export const GET_INDEX: ManifestStep = {
  do: 'manifest',
  method: 'GET',
  repository: 'a',
  to: { digest: { manifest: 'empty index' } },
  accept: ACCEPT_ALL,
}
