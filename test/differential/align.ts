import { digestOf } from '../../src/oci/digest.ts'
import { tryParseTag } from '../../src/oci/name.ts'
import { ACCEPT_ALL, forgetManifest, locationOf, tagsOf } from './learn.ts'
import { pushed } from './request.ts'
import { BLOBS, blobDigest, contentOf } from './universe.ts'
import { SIDES, digestText } from './world.ts'
import type { Exchange } from './exchange.ts'
import type { DigestPlan, Put } from './step.ts'
import type { BlobId, Repository } from './universe.ts'
import type { Answer, Sender } from './wire.ts'
import type { Both, Upload, World } from './world.ts'

/**
 * After a difference that is intended the two registries may hold different things, and everything later would differ
 * for that reason alone. So the reference registry is given what Heliport has acknowledged, by requests that both
 * understand; what it refuses goes from both. Heliport itself is not asked: whether it keeps what it has acknowledged
 * is for the steps that follow to find out.
 */
export async function align(exchange: Exchange, wires: Both<Sender>): Promise<void> {
  const { step, world, upload } = exchange
  const aligner = new Aligner(world, wires)
  switch (step.do) {
    case 'single':
      return aligner.blobs(step.repository, blobsOf(step.digest, step.blob))
    case 'mount':
      return aligner.blobs(step.repository, blobsOf(step.digest))
    case 'finish':
      return aligner.blobs(repositoryOf(upload), upload === undefined ? [] : [upload.blob])
    case 'blob':
      return aligner.blobs(step.repository, blobsOf(step.digest))
    case 'append':
    case 'status':
      return aligner.endUpload(world.upload(step.upload))
    case 'put':
      return aligner.manifest(step)
    default: // changes nothing
  }
}

function repositoryOf(upload: Upload | undefined): Repository {
  if (upload === undefined) throw new Error('an unknown upload changed something')
  return upload.repository
}

function blobsOf(digest: DigestPlan, ...more: BlobId[]): BlobId[] {
  const text = digestText(digest)
  const named = BLOBS.filter(
    (blob) => blobDigest(blob) === text || blobDigest(blob, 'sha512') === text,
  )
  return [...new Set([...named, ...more])]
}

class Aligner {
  readonly #world: World
  readonly #wires: Both<Sender>

  constructor(world: World, wires: Both<Sender>) {
    this.#world = world
    this.#wires = wires
  }

  async blobs(repository: Repository, blobs: readonly BlobId[]): Promise<void> {
    for (const blob of blobs) {
      // The reference links what is pushed by sha512 by its sha256 as well, so this is the order.
      for (const algorithm of ['sha512', 'sha256'] as const)
        await this.#blob(repository, blob, blobDigest(blob, algorithm))
    }
  }

  async #blob(repository: Repository, blob: BlobId, digest: string): Promise<void> {
    const path = `/v2/${this.#world.name(repository)}/blobs/${digest}`
    const isWanted = this.#world.in(repository).blobs.has(digest)
    const { status } = await this.#wires.reference.send({ method: 'HEAD', path, headers: {} })
    if (isWanted && status !== 200) await this.#pushBlob(repository, contentOf(blob), digest)
    if (!isWanted && status === 200) await this.#reference('DELETE', path, 202)
  }

  async #pushBlob(repository: Repository, body: Buffer, digest: string): Promise<void> {
    const path = `/v2/${this.#world.name(repository)}/blobs/uploads/`
    const begun = await this.#reference('POST', path, 202)
    await this.#reference('PUT', `${locationOf(begun)}&digest=${digest}`, 201, body)
  }

  /** An upload that is not the same any more in both. Where it stands is asked first: its address may have changed. */
  async endUpload(upload: Upload | undefined): Promise<void> {
    if (upload === undefined) return
    for (const side of SIDES) {
      const wire = this.#wires[side]
      const path = upload.locations[side]
      const answer = await wire.send({ method: 'GET', path, headers: {} })
      if (answer.status !== 204) continue
      await wire.send({ method: 'DELETE', path: locationOf(answer), headers: {} })
    }
    upload.open = false
  }

  async manifest(step: Put): Promise<void> {
    const { repository } = step
    const { bytes } = pushed(step)
    for (const algorithm of ['sha512', 'sha256'] as const) {
      const digest = digestOf(bytes, algorithm)
      if (!(await this.#manifest(repository, digest, digest))) await this.#drop(repository, digest)
    }
    const { tags } = this.#world.in(repository)
    for (const tag of tagsOf(step).filter((each) => tryParseTag(each) !== undefined)) {
      if (await this.#manifest(repository, tag, tags.get(tag))) continue
      await this.#drop(repository, tag)
      await this.#manifest(repository, tag, undefined)
    }
  }

  /**
   * Has the reference hold a manifest under a tag or a digest.
   *
   * @param digest of the manifest; `undefined`: nothing
   * @returns false when it refuses to
   */
  async #manifest(
    repository: Repository,
    reference: string,
    digest: string | undefined,
  ): Promise<boolean> {
    const path = this.#pathOf(repository, reference)
    const wanted =
      digest === undefined ? undefined : this.#world.in(repository).manifests.get(digest)
    const headers = { Accept: ACCEPT_ALL }
    const { status, body } = await this.#wires.reference.send({ method: 'GET', path, headers })
    if (wanted === undefined) {
      if (status === 200) await this.#reference('DELETE', path, 202)
      return true
    }
    if (status === 200 && body.equals(wanted.bytes)) return true
    const type = { 'Content-Type': wanted.mediaType }
    const put = { method: 'PUT', path, headers: type, body: wanted.bytes }
    return (await this.#wires.reference.send(put)).status === 201
  }

  /** Has Heliport forget what the reference will not have. */
  async #drop(repository: Repository, reference: string): Promise<void> {
    const path = this.#pathOf(repository, reference)
    const { status } = await this.#wires.heliport.send({ method: 'DELETE', path, headers: {} })
    if (status !== 202) throw new Error(`DELETE ${path}: Heliport answers ${status} to be aligned`)
    forgetManifest(this.#world, repository, reference)
    this.#world.in(repository).tags.delete(reference)
  }

  #pathOf(repository: Repository, reference: string): string {
    return `/v2/${this.#world.name(repository)}/manifests/${reference}`
  }

  async #reference(method: string, path: string, status: number, body?: Buffer): Promise<Answer> {
    const sent = body ?? (method === 'POST' ? Buffer.alloc(0) : undefined)
    const answer = await this.#wires.reference.send({ method, path, headers: {}, body: sent })
    if (answer.status === status) return answer
    throw new Error(`${method} ${path}: the reference answers ${answer.status} to be aligned`)
  }
}
