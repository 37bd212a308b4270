import assert from 'node:assert/strict'
import { algorithmOf, digestOf, parseDigest } from '../../src/oci/digest.ts'
import type { RandomManifest } from './random-image.ts'

/** How the bytes of a blob are sent (distribution-spec, "Pushing blobs"). */
export type PushMode =
  /** One POST with the digest and the bytes. */
  | 'post'
  /** POST, then PUT with the bytes. */
  | 'put'
  /** POST, one PATCH without a range, then an empty PUT: Docker's way. */
  | 'stream'
  /** POST, a PATCH with a range for each chunk, then an empty PUT. */
  | 'chunks'

export const PUSH_MODES: readonly PushMode[] = ['post', 'put', 'stream', 'chunks']

/** What came back, read to its end. */
export interface ClientAnswer {
  readonly status: number
  readonly headers: Headers
  readonly body: Buffer
  json(): unknown
  /** The code of the first error in the body. */
  code(): string | undefined
}

export interface Call {
  headers?: Record<string, string>
  body?: Uint8Array | ReadableStream<Uint8Array>
  signal?: AbortSignal
}

/** What `/v2/<name>/referrers/<digest>` answers, as far as tests look at it. */
export interface ReferrersList {
  mediaType: string
  manifests: { digest: string; mediaType: string; size: number; artifactType?: string }[]
}

/** A small registry client. What ends in another status than a good client expects rejects with the whole answer. */
export class RegistryClient {
  readonly url: string

  /** @param url where the registry is, `http://127.0.0.1:5000` */
  constructor(url: string) {
    this.url = url
  }

  /** One request, whatever it answers. */
  async call(method: string, path: string, { body, ...rest }: Call = {}): Promise<ClientAnswer> {
    const response = await fetch(new URL(path, this.url), {
      method,
      redirect: 'error',
      ...rest,
      ...(body === undefined
        ? {}
        : { body: body as NonNullable<RequestInit['body']>, duplex: 'half' }),
    })
    const bytes = Buffer.from(await response.arrayBuffer())
    const json = (): unknown => JSON.parse(bytes.toString('utf8'))
    const code = (): string | undefined =>
      bytes.length === 0 ? undefined : (json() as { errors?: { code: string }[] }).errors?.[0]?.code
    return { status: response.status, headers: response.headers, body: bytes, json, code }
  }

  /** One request that has to answer `status`. @throws with method, path, status and body when it does not */
  async expect(
    status: number,
    method: string,
    path: string,
    call: Call = {},
  ): Promise<ClientAnswer> {
    const answer = await this.call(method, path, call)
    if (answer.status === status) return answer
    const body = answer.body.subarray(0, 500).toString()
    throw new UnexpectedAnswer(answer, `${method} ${path}: ${answer.status} ${body}`)
  }

  /** Opens an upload session. Returns its path. */
  async startUpload(name: string): Promise<string> {
    const { headers } = await this.expect(202, 'POST', `/v2/${name}/blobs/uploads/`)
    return headers.get('location') ?? assert.fail('a 202 without Location')
  }

  /** Adds bytes to an upload; with `offset` they are a chunk with a range. Returns the path to go on with. */
  async patch(upload: string, bytes: Uint8Array, offset?: number): Promise<string> {
    const headers: Record<string, string> = { 'Content-Type': 'application/octet-stream' }
    if (offset !== undefined) headers['Content-Range'] = `${offset}-${offset + bytes.length - 1}`
    const answer = await this.expect(202, 'PATCH', upload, { headers, body: bytes })
    return answer.headers.get('location') ?? assert.fail('a 202 without Location')
  }

  /** Ends an upload, with its last bytes if there are any left to send. */
  async finish(upload: string, digest: string, bytes?: Uint8Array): Promise<ClientAnswer> {
    return this.expect(201, 'PUT', `${upload}?digest=${digest}`, {
      ...(bytes === undefined ? {} : { body: bytes }),
    })
  }

  /** Pushes a blob. @returns its digest */
  async pushBlob(
    name: string,
    bytes: Uint8Array,
    { mode = 'put', chunk = 300_000 }: { mode?: PushMode; chunk?: number } = {},
  ): Promise<string> {
    const digest = digestOf(bytes)
    if (mode === 'post') {
      await this.expect(201, 'POST', `/v2/${name}/blobs/uploads/?digest=${digest}`, { body: bytes })
      return digest
    }
    let upload = await this.startUpload(name)
    if (mode === 'stream') upload = await this.patch(upload, bytes)
    if (mode === 'chunks') {
      for (let at = 0; at < bytes.length; at += chunk)
        upload = await this.patch(upload, bytes.subarray(at, at + chunk), at)
    }
    await this.finish(upload, digest, mode === 'put' ? bytes : undefined)
    return digest
  }

  /** Pushes a manifest whose parts are there already. */
  putManifest(
    name: string,
    reference: string,
    { bytes, mediaType }: Pick<RandomManifest, 'bytes' | 'mediaType'>,
  ): Promise<ClientAnswer> {
    const headers = { 'Content-Type': mediaType }
    return this.expect(201, 'PUT', `/v2/${name}/manifests/${reference}`, { headers, body: bytes })
  }

  /** Pushes an image with its blobs, under a tag or, without one, by its digest. */
  async pushImage(
    name: string,
    image: RandomManifest,
    { tag, mode = 'put' }: { tag?: string; mode?: PushMode } = {},
  ): Promise<void> {
    for (const blob of image.blobs) await this.pushBlob(name, blob.bytes, { mode })
    await this.putManifest(name, tag ?? image.digest, image)
  }

  /** A manifest, which must be there and be what its own digest says. */
  async manifest(name: string, reference: string): Promise<{ digest: string; bytes: Buffer }> {
    const { headers, body } = await this.expect(200, 'GET', `/v2/${name}/manifests/${reference}`)
    const digest = headers.get('docker-content-digest') ?? assert.fail('no Docker-Content-Digest')
    assert.equal(digestOf(body, algorithmOf(parseDigest(digest))), digest)
    return { digest, bytes: body }
  }

  /** A blob, which must be there and be what its digest says. */
  async blob(name: string, digest: string): Promise<Buffer> {
    const { headers, body } = await this.expect(200, 'GET', `/v2/${name}/blobs/${digest}`)
    assert.equal(headers.get('docker-content-digest'), digest)
    assert.equal(digestOf(body, algorithmOf(parseDigest(digest))), digest)
    return body
  }

  /** Pulls an image as a client does, by a tag or its digest, and compares every byte. */
  async pullsExactly(name: string, reference: string, image: RandomManifest): Promise<void> {
    const { digest, bytes } = await this.manifest(name, reference)
    assert.equal(digest, image.digest)
    assert.ok(bytes.equals(image.bytes))
    for (const blob of image.blobs)
      assert.ok((await this.blob(name, blob.digest)).equals(blob.bytes))
  }

  /** The digest a tag has; `undefined` when the registry says that there is none. */
  async digestOf(name: string, tag: string): Promise<string | undefined> {
    const { status, headers } = await this.call('HEAD', `/v2/${name}/manifests/${tag}`)
    if (status === 404) return undefined
    assert.equal(status, 200, `HEAD of ${name}:${tag}`)
    return headers.get('docker-content-digest') ?? assert.fail('no Docker-Content-Digest')
  }

  async tags(name: string): Promise<string[]> {
    const answer = await this.expect(200, 'GET', `/v2/${name}/tags/list`)
    return (answer.json() as { tags: string[] }).tags
  }

  async catalog(): Promise<string[]> {
    const answer = await this.expect(200, 'GET', '/v2/_catalog')
    return (answer.json() as { repositories: string[] }).repositories
  }

  async referrers(name: string, subject: string): Promise<ReferrersList> {
    const answer = await this.expect(200, 'GET', `/v2/${name}/referrers/${subject}`)
    return answer.json() as ReferrersList
  }
}

/** The registry answered otherwise than a client that did all right may expect. */
export class UnexpectedAnswer extends Error {
  static override readonly name = 'UnexpectedAnswer'
  override readonly name = 'UnexpectedAnswer'
  readonly answer: ClientAnswer

  constructor(answer: ClientAnswer, message: string) {
    super(message)
    this.answer = answer
  }
}
