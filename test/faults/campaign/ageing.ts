import assert from 'node:assert/strict'
import { RegistryClient } from '../../support/client.ts'
import { call } from '../../support/http.ts'
import { randomImage } from '../../support/random-image.ts'
import { collectOnce } from '../collect-once.ts'
import type { DaemonProcess } from '../../support/daemon-process.ts'
import type { RandomManifest } from '../../support/random-image.ts'

const NAME = 'clock/ageing'
const TAGS = ['nightly-1', 'nightly-2', 'v1']

/** A configuration under which things become too old in a few days, or months. */
export const AGEING = {
  retention: { untagged: '30d', tags: [{ tags: ['nightly-*'], keep: 1, olderThan: '90d' }] },
} as const

/** What would go if it were old: a tag, a manifest without a tag, and the first commit. */
export class Ageing {
  readonly #loose: RandomManifest
  #collections = 0

  private constructor(loose: RandomManifest) {
    this.#loose = loose
  }

  static async begin(daemon: DaemonProcess): Promise<Ageing> {
    const client = new RegistryClient(daemon.url)
    for (const tag of TAGS) await client.pushImage(NAME, randomImage(), { tag })
    const loose = randomImage()
    await client.pushImage(NAME, loose, { tag: 'loose' })
    await client.expect(202, 'DELETE', `/v2/${NAME}/manifests/loose`)
    const ageing = new Ageing(loose)
    await ageing.collect(daemon) // notes since when it has no tag
    return ageing
  }

  get collections(): number {
    return this.#collections
  }

  /** Collects, and looks whether all of it is there. @throws AssertionError */
  async collect(daemon: DaemonProcess): Promise<void> {
    const socket = (await daemon.lock())?.socket ?? assert.fail('the daemon does not run')
    const { status, text, report } = await collectOnce(socket)
    assert.ok(status === 200 && report !== undefined, text)
    this.#collections++
    const client = new RegistryClient(daemon.url)
    assert.deepEqual(await client.tags(NAME), TAGS, 'a tag was taken for old')
    const { status: loose } = await client.call(
      'HEAD',
      `/v2/${NAME}/manifests/${this.#loose.digest}`,
    )
    assert.equal(loose, 200, 'a manifest without a tag was taken for old')
    const log = await call({ socketPath: socket }, 'GET', '/api/v1/log?limit=1&before=2')
    const { commits } = log.json() as { commits: unknown[] }
    assert.equal(commits.length, 1, 'the first commit was taken for old')
  }
}
