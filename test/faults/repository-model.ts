import assert from 'node:assert/strict'
import { digestOf } from '../../src/oci/digest.ts'
import type { PushMode, RegistryClient } from '../support/client.ts'
import type { RandomManifest } from '../support/random-image.ts'

/** Whether something is in the registry: `either` while the call that changes it has not been answered. */
type Presence = 'there' | 'gone' | 'either'

interface Known<T> {
  readonly it: T
  presence: Presence
}

type Settle = (known: Known<unknown>, status: number, what: string) => void

/**
 * One repository as its only writer knows it. Every call goes to the registry through here, and is noted before it is
 * sent and again when it was answered: after a crash, what was acknowledged must be so, and what was not may be either
 * way, but wholly.
 */
export class RepositoryModel {
  readonly name: string
  /** Calls that were acknowledged. */
  acknowledged = 0
  readonly #blobs = new Map<string, Known<Uint8Array>>()
  readonly #manifests = new Map<string, Known<RandomManifest>>()
  /** What each tag may point to; `undefined`: to nothing. */
  readonly #tags = new Map<string, ReadonlySet<string | undefined>>()

  constructor(name: string) {
    this.name = name
  }

  /** Manifests that are there for sure. */
  get manifests(): RandomManifest[] {
    return [...this.#manifests.values()]
      .filter(({ presence }) => presence === 'there')
      .map(({ it }) => it)
  }

  /** Blobs that are there for sure and that no manifest needs. */
  get loneBlobs(): string[] {
    const needed = new Set(
      [...this.#manifests.values()].flatMap(({ it }) =>
        it.blobs.map(({ digest }) => digest as string),
      ),
    )
    return [...this.#blobs]
      .filter(([digest, { presence }]) => presence === 'there' && !needed.has(digest))
      .map(([digest]) => digest)
  }

  async pushBlob(client: RegistryClient, bytes: Uint8Array, mode: PushMode): Promise<void> {
    const digest = digestOf(bytes)
    const known = this.#blobs.get(digest) ?? { it: bytes, presence: 'gone' }
    this.#blobs.set(digest, known)
    await this.#change([known], 'there', () => client.pushBlob(this.name, bytes, { mode }))
  }

  /** Content whose upload was acknowledged elsewhere. */
  notePushed(bytes: Uint8Array): void {
    this.#blobs.set(digestOf(bytes), { it: bytes, presence: 'there' })
    this.acknowledged++
  }

  async mountBlob(client: RegistryClient, bytes: Uint8Array, from: string): Promise<void> {
    const digest = digestOf(bytes)
    const known = this.#blobs.get(digest) ?? { it: bytes, presence: 'gone' }
    this.#blobs.set(digest, known)
    const path = `/v2/${this.name}/blobs/uploads/?mount=${digest}&from=${from}`
    await this.#change([known], 'there', () => client.expect(201, 'POST', path))
  }

  async deleteBlob(client: RegistryClient, digest: string): Promise<void> {
    const known = this.#blobs.get(digest) ?? assert.fail(`${digest} was never pushed`)
    const path = `/v2/${this.name}/blobs/${digest}`
    await this.#change([known], 'gone', () => client.expect(202, 'DELETE', path))
  }

  async pushImage(
    client: RegistryClient,
    image: RandomManifest,
    { tag, mode }: { tag: string; mode: PushMode },
  ): Promise<void> {
    for (const blob of image.blobs) await this.pushBlob(client, blob.bytes, mode)
    await this.setTag(client, image, tag)
  }

  async setTag(client: RegistryClient, image: RandomManifest, tag: string): Promise<void> {
    const known = this.#manifests.get(image.digest) ?? { it: image, presence: 'gone' }
    this.#manifests.set(image.digest, known)
    this.#tags.set(tag, new Set([...this.#possible(tag), image.digest]))
    await this.#change([known], 'there', () => client.putManifest(this.name, tag, image))
    this.#tags.set(tag, new Set([image.digest]))
  }

  /** Removes a tag, which must be there for sure. False when no tag is. */
  async deleteTag(client: RegistryClient, tag: string): Promise<boolean> {
    const possible = this.#possible(tag)
    if (possible.has(undefined)) return false
    this.#tags.set(tag, new Set([...possible, undefined]))
    const path = `/v2/${this.name}/manifests/${tag}`
    await this.#change([], 'gone', () => client.expect(202, 'DELETE', path))
    this.#tags.set(tag, new Set([undefined]))
    return true
  }

  async deleteManifest(client: RegistryClient, image: RandomManifest): Promise<void> {
    const known = this.#manifests.get(image.digest) ?? assert.fail('never pushed')
    const tags = [...this.#tags].filter(([, possible]) => possible.has(image.digest))
    for (const [tag, possible] of tags) this.#tags.set(tag, new Set([...possible, undefined]))
    const path = `/v2/${this.name}/manifests/${image.digest}`
    await this.#change([known], 'gone', () => client.expect(202, 'DELETE', path))
    // One that may have pointed elsewhere may still do so.
    for (const [tag, possible] of tags) {
      const others = [...possible].filter((digest) => digest !== image.digest)
      this.#tags.set(tag, new Set([...others, undefined]))
    }
  }

  /**
   * Pulls everything back. What could be either way is known again afterwards.
   *
   * @param options `isStopped`: the registry takes no changes, because a write failed. It does not know then whether that
   * is on the disk, and serves the state before; what could be either way can still be either way after a restart
   */
  async verify(client: RegistryClient, { isStopped = false } = {}): Promise<void> {
    const settle: Settle = (known, status, what) => settleOn(known, status, what, isStopped)
    for (const [digest, known] of this.#blobs) await this.#verifyBlob(client, digest, known, settle)
    for (const known of this.#manifests.values()) await this.#verifyManifest(client, known, settle)
    for (const tag of this.#tags.keys()) await this.#verifyTag(client, tag, isStopped)
    if (isStopped) return
    const listed = await client.call('GET', `/v2/${this.name}/tags/list`)
    const tags = listed.status === 404 ? [] : (listed.json() as { tags: string[] }).tags
    const expected = [...this.#tags].filter(([, possible]) => !possible.has(undefined))
    assert.deepEqual(tags, expected.map(([tag]) => tag).toSorted())
  }

  /** Notes a change before it is sent and after it was answered. */
  async #change(
    affected: Known<unknown>[],
    presence: 'there' | 'gone',
    call: () => Promise<unknown>,
  ): Promise<void> {
    for (const known of affected) if (known.presence !== presence) known.presence = 'either'
    await call()
    this.acknowledged++
    for (const known of affected) known.presence = presence
  }

  #possible(tag: string): ReadonlySet<string | undefined> {
    return this.#tags.get(tag) ?? new Set([undefined])
  }

  async #verifyBlob(
    client: RegistryClient,
    digest: string,
    known: Known<Uint8Array>,
    settle: Settle,
  ): Promise<void> {
    const what = `blob ${digest} of ${this.name}`
    const { status, body } = await client.call('GET', `/v2/${this.name}/blobs/${digest}`)
    if (status === 200) assert.ok(body.equals(known.it), `${what} has other bytes`)
    settle(known, status, what)
  }

  /** A manifest that is there is there with all its blobs. */
  async #verifyManifest(
    client: RegistryClient,
    known: Known<RandomManifest>,
    settle: Settle,
  ): Promise<void> {
    const { digest } = known.it
    const { status } = await client.call('HEAD', `/v2/${this.name}/manifests/${digest}`)
    if (status === 200) await client.pullsExactly(this.name, digest, known.it)
    settle(known, status, `manifest ${digest} of ${this.name}`)
  }

  async #verifyTag(client: RegistryClient, tag: string, isStopped: boolean): Promise<void> {
    const actual = await client.digestOf(this.name, tag)
    const possible = this.#possible(tag)
    assert.ok(
      possible.has(actual),
      `${this.name}:${tag} is ${actual}, and can only be ${[...possible].join(' or ')}`,
    )
    if (!isStopped) this.#tags.set(tag, new Set([actual]))
  }
}

function settleOn(known: Known<unknown>, status: number, what: string, isStopped: boolean): void {
  assert.ok(status === 200 || status === 404, `${what}: ${status}`)
  const actual = status === 200 ? 'there' : 'gone'
  if (known.presence !== 'either')
    assert.equal(
      actual,
      known.presence,
      `${what} was acknowledged as ${known.presence}, and is ${actual}`,
    )
  if (!isStopped) known.presence = actual
}
