import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { digestOf } from '../../../src/oci/digest.ts'
import { RegistryClient } from '../../support/client.ts'
import { jsonPiece, randomImage } from '../../support/random-image.ts'
import type { DaemonProcess } from '../../support/daemon-process.ts'
import type { RandomManifest } from '../../support/random-image.ts'
import type { SeededRandom } from '../random.ts'

const NAME = 'rot/app'
const BLOBS = 24
const MANIFESTS = 6
const SIZE = { least: 17_000, most: 3_400_000 }

/** A file of the block store, and what is asked for to have it read. */
export interface Target {
  readonly file: string
  readonly path: string
  readonly bytes: Uint8Array
  /** Pushes what it belongs to again. */
  push(): Promise<unknown>
}

/** What a GET came to: a status, or an answer that was cut off. */
export type Outcome = number | 'cut'

/** A registry with known content, whose files are damaged. */
export class Owner {
  readonly daemon: DaemonProcess
  readonly #targets: Target[] = []

  private constructor(daemon: DaemonProcess) {
    this.daemon = daemon
  }

  static async fill(daemon: DaemonProcess, random: SeededRandom): Promise<Owner> {
    const owner = new Owner(daemon)
    for (let n = 0; n < BLOBS; n++)
      await owner.#pushBlob(randomBytes(random.between(SIZE.least, SIZE.most)))
    for (let n = 0; n < MANIFESTS; n++) await owner.#pushManifest(`v${n}`)
    return owner
  }

  get client(): RegistryClient {
    return new RegistryClient(this.daemon.url)
  }

  get targets(): readonly Target[] {
    return this.#targets
  }

  pick(random: SeededRandom): Target {
    return random.pick(this.#targets) ?? assert.fail()
  }

  /** Waits until a mirror has everything. */
  async waitFor(mirror: DaemonProcess): Promise<void> {
    const { root } = (await this.daemon.status()).storage
    await mirror.until(({ mirrors }) => mirrors[0]?.root === root)
    // What it pulls is what it keeps, also where it is not told to keep all.
    for (const { path } of this.#targets)
      await new RegistryClient(mirror.url).expect(200, 'GET', path)
  }

  /** @throws AssertionError when a whole answer has wrong bytes, or it is said not to be there */
  async ask({ path, bytes }: Pick<Target, 'path' | 'bytes'>): Promise<Outcome> {
    try {
      const { status, body } = await this.client.call('GET', path)
      if (status === 200) assert.ok(body.equals(bytes), 'a whole answer with other bytes')
      else assert.ok(status >= 500, `${path} is answered with ${status}`)
      return status
    } catch (error) {
      if (error instanceof TypeError) return 'cut'
      throw error
    }
  }

  /** Somebody else has it, so nobody notices. */
  async isServed(target: Target): Promise<void> {
    for (let times = 0; times < 2; times++) {
      const outcome = await this.ask(target)
      assert.equal(outcome, 200, `a mirror has a good copy, and the answer is ${outcome}`)
    }
  }

  /** Nobody else has it: it is refused until it is pushed again. */
  async isMended(target: Target): Promise<void> {
    const outcome = await this.ask(target)
    assert.notEqual(outcome, 200, 'damage was not noticed')
    await target.push()
    const after = await this.ask(target)
    assert.equal(after, 200, `it was pushed again, and the answer is ${after}`)
  }

  async #pushBlob(bytes: Uint8Array): Promise<void> {
    const push = (): Promise<unknown> => this.client.pushBlob(NAME, bytes)
    const path = `/v2/${NAME}/blobs/${digestOf(bytes)}`
    await this.#noteFiles({ path, bytes, push })
  }

  async #pushManifest(tag: string): Promise<void> {
    const image = largeManifest()
    for (const blob of image.blobs) await this.client.pushBlob(NAME, blob.bytes)
    const push = (): Promise<unknown> => this.client.putManifest(NAME, tag, image)
    const path = `/v2/${NAME}/manifests/${tag}`
    await this.#noteFiles({ path, bytes: image.bytes, push })
  }

  async #noteFiles(target: Omit<Target, 'file'>): Promise<void> {
    const before = await this.#files()
    await target.push()
    for (const file of await this.#files())
      if (!before.has(file)) this.#targets.push({ ...target, file })
  }

  async #files(): Promise<Set<string>> {
    const directory = join(this.daemon.data, 'blocks')
    const entries = await readdir(directory, { recursive: true, withFileTypes: true })
    const files = entries.filter((entry) => entry.isFile())
    return new Set(files.map((file) => join(file.parentPath, file.name)))
  }
}

/** A manifest of more than 16 KiB: a file of the block store. Its other parts are smaller. */
function largeManifest(): RandomManifest {
  const image = randomImage({ layers: [1000] })
  const body = JSON.parse(Buffer.from(image.bytes).toString()) as object
  const annotations = { filler: randomBytes(20_000).toString('hex') }
  return { ...image, ...jsonPiece({ ...body, annotations }, image.mediaType) }
}
