import { digestOf } from '../../src/oci/digest.ts'
import { contentDigest } from './content.ts'
import { headerOf } from './wire-answer.ts'
import type { KnownManifest } from './manifest-plan.ts'
import type { WireAnswer } from './wire-answer.ts'

/** An upload that this client began: where it is, and what it has sent so far. */
interface OwnUpload {
  path: string
  bytes: Buffer
}

/** What was pushed before the fuzzing began, and must be there at its end. */
export interface Kept {
  repository: string
  manifests: readonly KnownManifest[]
  blobs: readonly string[]
}

const UUID = '8f14e45f-ceea-467f-8a9b-0c1d2e3f4a5b'
const NOWHERE = `sha256:${'0'.repeat(64)}`
/** Longest upload whose bytes are remembered. */
const MAX_REMEMBERED = 8 * 1024 * 1024

/**
 * What one client knows from the answers it was given, so that its later requests go deep: the uploads it has open and
 * what they hold, and the manifests it pushed.
 */
export class World {
  readonly #kept: Kept
  /** Newest first. */
  readonly uploads: OwnUpload[] = []
  /** Newest first. */
  readonly #manifests: KnownManifest[] = []
  #etag = '"none"'

  constructor(kept: Kept) {
    this.#kept = kept
  }

  /** Manifests that an index may list: its own before those that were there. */
  get manifests(): readonly KnownManifest[] {
    return [...this.#manifests, ...this.#kept.manifests]
  }

  /** Fills the holes of a text. `own` is the body that is sent along. */
  fill(text: string, { own, type }: { own?: Buffer; type?: string } = {}): string {
    if (!text.includes('⟦')) return text
    return text.replace(/⟦([a-z0-9]+)(?::(\d+))?⟧/g, (hole, name: string, digits?: string) => {
      const number = Number(digits ?? 0)
      switch (name) {
        case 'repo':
          return `fuzz/r${number}`
        case 'kept':
          return digits === undefined ? this.#kept.repository : this.#keptDigest(number)
        case 'sha256':
        case 'sha512':
          return contentDigest(number, name)
        case 'manifest':
          return at(this.manifests, number)?.digest ?? NOWHERE
        case 'fallback':
          return (at(this.manifests, number)?.digest ?? NOWHERE).replace(':', '-').slice(0, 71)
        case 'upload':
          return at(this.uploads, number)?.path ?? `/v2/fuzz/r0/blobs/uploads/${UUID}`
        case 'id':
          return at(this.uploads, number)?.path.split('/').at(-1) ?? UUID
        case 'uploaded':
          return digestOf(
            Buffer.concat([
              at(this.uploads, number)?.bytes ?? Buffer.alloc(0),
              own ?? Buffer.alloc(0),
            ]),
          )
        case 'chunk':
          return this.#chunk(number, own?.length ?? 0)
        case 'own':
          return digestOf(own ?? Buffer.alloc(0))
        case 'own512':
          return digestOf(own ?? Buffer.alloc(0), 'sha512')
        case 'type':
          return type ?? 'application/octet-stream'
        case 'etag':
          return this.#etag
        default:
          return hole
      }
    })
  }

  /** Takes in what an answer says. */
  learn(method: string, target: string, body: Buffer, type: string, answer: WireAnswer): void {
    const location = headerOf(answer, 'location') ?? ''
    const [path = ''] = target.split('?')
    this.#etag = headerOf(answer, 'etag') ?? this.#etag
    if (method === 'POST' && answer.status === 202) {
      this.uploads.unshift({ path: location, bytes: Buffer.alloc(0) })
    } else if (method === 'PATCH' && answer.status < 500) {
      this.#extend(path, body, Number(/^0-(\d+)$/.exec(headerOf(answer, 'range') ?? '')?.[1]))
    } else if (method === 'PUT' && answer.status === 201 && path.includes('/manifests/')) {
      const digest = headerOf(answer, 'docker-content-digest') ?? ''
      this.#manifests.unshift({ digest, size: body.length, mediaType: type })
    } else if (['PUT', 'DELETE'].includes(method) && [201, 204].includes(answer.status)) {
      this.forget(path)
    }
  }

  /** An upload that is over. */
  forget(path: string): void {
    const index = this.uploads.findIndex((upload) => upload.path === path)
    if (index !== -1) this.uploads.splice(index, 1)
  }

  /** What the server kept of a chunk is known by where the upload stands now. */
  #extend(path: string, body: Buffer, last: number): void {
    const upload = this.uploads.find((each) => each.path === path)
    if (upload === undefined || Number.isNaN(last)) return
    const grown = last + 1 - upload.bytes.length
    if (grown <= 0 || grown > body.length || last > MAX_REMEMBERED) return
    upload.bytes = Buffer.concat([upload.bytes, body.subarray(0, grown)])
  }

  #chunk(number: number, length: number): string {
    const start = at(this.uploads, number)?.bytes.length ?? 0
    return `${start}-${start + Math.max(1, length) - 1}`
  }

  #keptDigest(number: number): string {
    const { manifests, blobs } = this.#kept
    return at([...manifests.map(({ digest }) => digest), ...blobs], number) ?? NOWHERE
  }
}

function at<T>(list: readonly T[], number: number): T | undefined {
  return list[number % Math.max(1, list.length)]
}
