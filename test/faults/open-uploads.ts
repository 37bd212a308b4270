import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { digestOf } from '../../src/oci/digest.ts'
import { UnexpectedAnswer } from '../support/client.ts'
import type { RegistryClient } from '../support/client.ts'
import type { SeededRandom } from './random.ts'

/** Bytes of an upload, and of a chunk: some leaves, and parts of them. */
const SIZE = { least: 200_000, most: 3_500_000 }
const CHUNK = { least: 1, most: 900_000 }

interface OpenUpload {
  path: string
  readonly bytes: Uint8Array
  /** Bytes that a 202 has confirmed. */
  confirmed: number
  /** Its last request was sent, and never answered: it may be over. */
  isEnding: boolean
  /** A request failed, so it may stand further on than was confirmed. */
  isDoubtful: boolean
}

/** Uploads in chunks that go on after the registry went down: one at a time, in one repository. */
export class OpenUploads {
  readonly #name: string
  #upload: OpenUpload | undefined

  constructor(name: string) {
    this.#name = name
  }

  /**
   * Begins an upload, or sends one more chunk of it, or ends it.
   *
   * @returns the content, when this was the end
   */
  async step(client: RegistryClient, random: SeededRandom): Promise<Uint8Array | undefined> {
    const upload = this.#upload
    if (upload === undefined) {
      const bytes = randomBytes(random.between(SIZE.least, SIZE.most))
      const path = await client.startUpload(this.#name)
      this.#upload = { path, bytes, confirmed: 0, isEnding: false, isDoubtful: false }
      return undefined
    }
    if (upload.isDoubtful) {
      await this.verify(client)
      return undefined
    }
    upload.isDoubtful = true
    const content = await this.#goOn(client, random, upload)
    upload.isDoubtful = false
    return content
  }

  async #goOn(
    client: RegistryClient,
    random: SeededRandom,
    upload: OpenUpload,
  ): Promise<Uint8Array | undefined> {
    const { bytes, confirmed } = upload
    if (confirmed < bytes.length) {
      const chunk = bytes.subarray(confirmed, confirmed + random.between(CHUNK.least, CHUNK.most))
      upload.path = await client.patch(upload.path, chunk, confirmed)
      upload.confirmed += chunk.length
      return undefined
    }
    upload.isEnding = true
    await client.finish(upload.path, digestOf(bytes))
    this.#upload = undefined
    return bytes
  }

  /** After a crash: what was confirmed is there, and the upload is taken up where it stands. */
  async verify(client: RegistryClient): Promise<void> {
    const upload = this.#upload
    if (upload === undefined) return
    const answer = await client.call('GET', upload.path)
    const { status, headers } = answer
    if (status === 404 && upload.isEnding) {
      // The 201 was on its way, so it is all there.
      const content = await client.blob(this.#name, digestOf(upload.bytes))
      assert.ok(content.equals(upload.bytes))
      this.#upload = undefined
      return
    }
    if (status !== 204) {
      const what = `an upload of ${this.#name} with ${upload.confirmed} bytes: ${status}`
      throw new UnexpectedAnswer(answer, what)
    }
    const last = Number(/^0-(\d+)$/.exec(headers.get('range') ?? '')?.[1])
    const size = last === 0 ? Math.min(upload.confirmed, 1) : last + 1 // none and one byte look alike
    assert.ok(
      size >= upload.confirmed,
      `${upload.confirmed} bytes were confirmed, ${size} are there`,
    )
    assert.ok(size <= upload.bytes.length)
    upload.confirmed = size
    upload.isEnding = false
    upload.isDoubtful = false
  }
}
