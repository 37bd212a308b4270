import { digestOf } from '../../../src/oci/digest.ts'
import { OCI_IMAGE_MANIFEST } from '../../../src/oci/media-type.ts'
import type { Image } from './image.ts'

/** The two fields of a manifest that lead to its blobs. */
interface Links {
  config: { digest: string }
  layers: { digest: string }[]
}

/** What a pull brought. */
export interface Pulled {
  /** Of the manifest. */
  digest: string
  /** Bytes in all. */
  size: number
}

/** A small client of the distribution-spec that trusts nothing: whatever it pulls it hashes. */
export class RegistryClient {
  readonly #url: string

  /** @param url of the registry, without `/v2/` */
  constructor(url: string) {
    this.#url = url
  }

  /** Pushes the blobs that are not there, then the manifest under a tag. */
  async push(repository: string, tag: string, { blobs, manifest }: Image): Promise<void> {
    for (const blob of blobs) await this.#pushBlob(repository, blob)
    await this.#ask(201, `/v2/${repository}/manifests/${tag}`, {
      method: 'PUT',
      headers: { 'Content-Type': manifest.mediaType },
      body: Uint8Array.from(manifest.bytes),
    })
  }

  /**
   * Pulls the manifest and everything it names.
   *
   * @throws when a byte is not what its digest says
   */
  async pull(repository: string, reference: string): Promise<Pulled> {
    const headers = { Accept: OCI_IMAGE_MANIFEST }
    const response = await this.#ask(200, `/v2/${repository}/manifests/${reference}`, { headers })
    const digest = response.headers.get('Docker-Content-Digest') ?? ''
    const manifest = await verified(response, digest)
    const { config, layers } = JSON.parse(Buffer.from(manifest).toString()) as Links
    let size = manifest.length
    for (const blob of [config, ...layers]) {
      const found = await this.#ask(200, `/v2/${repository}/blobs/${blob.digest}`)
      size += (await verified(found, blob.digest)).length
    }
    return { digest, size }
  }

  async tags(repository: string): Promise<string[]> {
    const response = await this.#ask(200, `/v2/${repository}/tags/list`)
    return ((await response.json()) as { tags: string[] }).tags
  }

  async #pushBlob(repository: string, { digest, bytes }: Image['blobs'][number]): Promise<void> {
    const head = await fetch(`${this.#url}/v2/${repository}/blobs/${digest}`, { method: 'HEAD' })
    if (head.ok) return
    const started = await this.#ask(202, `/v2/${repository}/blobs/uploads/`, { method: 'POST' })
    const location = new URL(started.headers.get('Location') ?? '', this.#url)
    location.searchParams.set('digest', digest)
    const body = Uint8Array.from(bytes)
    await this.#ask(201, location.pathname + location.search, { method: 'PUT', body })
  }

  async #ask(status: number, path: string, init: RequestInit = {}): Promise<Response> {
    const response = await fetch(this.#url + path, init)
    if (response.status === status) return response
    const asked = `${init.method ?? 'GET'} ${path}`
    throw new Error(`${asked} was answered ${response.status}: ${await response.text()}`)
  }
}

async function verified(response: Response, digest: string): Promise<Uint8Array> {
  const bytes = new Uint8Array(await response.arrayBuffer())
  const found = digestOf(bytes)
  if (found !== digest) throw new Error(`${response.url} brought ${found}`)
  return bytes
}
