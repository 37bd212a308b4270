import { join } from 'node:path'
import { digestOf } from '../../src/oci/digest.ts'
import { contentDigest } from './content.ts'
import { SECRET } from './names.ts'
import { basicOf } from './users.ts'
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
  /** The digests of what nobody of the generator's users may see, where there are users. */
  secrets: ReadonlySet<string>
}

/** What is around it. */
export interface Surroundings {
  readonly kept: Kept
  /** The tree's root when the fuzzing began. */
  readonly root: string
  /** A directory in which exports may be written. */
  readonly scratch: string
}

const UUID = '8f14e45f-ceea-467f-8a9b-0c1d2e3f4a5b'
const NOWHERE = `sha256:${'0'.repeat(64)}`
/** Roots and tokens that are remembered, of each the newest. */
const MAX_KNOWN = 50
/** Longest upload whose bytes are remembered. */
const MAX_REMEMBERED = 8 * 1024 * 1024

/**
 * What one client knows from the answers it was given, so that its later requests go deep: the uploads it has open and
 * what they hold, and the manifests it pushed.
 */
export class World {
  readonly #around: Surroundings
  /** Newest first. */
  readonly uploads: OwnUpload[] = []
  /** Newest first. */
  readonly #manifests: KnownManifest[] = []
  /** Roots that the registry has or had: the first is as old as the fuzzing, and then the newest. */
  #roots: readonly string[]
  /** Newest first. */
  #tokens: readonly string[] = []
  #etag = '"none"'

  constructor(around: Surroundings) {
    this.#around = around
    this.#roots = [around.root]
  }

  /** Whether it was given a token. */
  get hasToken(): boolean {
    return this.#tokens.length > 0
  }

  /** Manifests that an index may list: its own before those that were there. */
  get manifests(): readonly KnownManifest[] {
    return [...this.#manifests, ...this.#around.kept.manifests]
  }

  /** Fills the holes of a text. `own` is the body that is sent along. */
  fill(text: string, { own, type }: { own?: Buffer; type?: string } = {}): string {
    if (!text.includes('⟦')) return text
    return text.replace(
      /⟦([a-z0-9]+)(?::([a-z0-9]+))?⟧/g,
      (hole, name: string, digits?: string) => {
        const number = Number(digits ?? 0)
        switch (name) {
          case 'repo':
            return `fuzz/r${number}`
          case 'hidden':
            return at([...this.#around.kept.secrets], number) ?? NOWHERE
          case 'kept':
            return digits === undefined ? this.#around.kept.repository : this.#keptDigest(number)
          case 'secret':
            return SECRET
          case 'root':
            return at(this.#roots, number) ?? this.#around.root
          case 'token':
            return this.#tokens[0] ?? ''
          case 'tokens':
            return this.#tokens.at(-1) ?? ''
          case 'login':
            return basicOf(digits ?? '')
          case 'scratch':
            return join(this.#around.scratch, String(number))
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
      },
    )
  }

  /** Takes in what an answer says. */
  learn(method: string, target: string, body: Buffer, type: string, answer: WireAnswer): void {
    const location = headerOf(answer, 'location') ?? ''
    const [path = ''] = target.split('?')
    this.#etag = headerOf(answer, 'etag') ?? this.#etag
    if (answer.status === 200) this.#hear(path, answer)
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

  /** What is told in a body: a token, and roots. */
  #hear(path: string, { body }: WireAnswer): void {
    if (body.length === 0) return
    if (path === '/v2/token') {
      const { token } = JSON.parse(body.toString()) as { token: string }
      this.#tokens = [token, ...this.#tokens].slice(0, MAX_KNOWN)
    } else if (path === '/api/v1/log') {
      const { commits } = JSON.parse(body.toString()) as { commits: { root: string }[] }
      const roots = commits.map(({ root }) => root)
      this.#roots = [this.#around.root, ...roots].slice(0, MAX_KNOWN)
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
    const { manifests, blobs } = this.#around.kept
    return at([...manifests.map(({ digest }) => digest), ...blobs], number) ?? NOWHERE
  }
}

function at<T>(list: readonly T[], number: number): T | undefined {
  return list[number % Math.max(1, list.length)]
}
