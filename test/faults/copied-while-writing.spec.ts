import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { join } from 'node:path'
import { RegistryClient, UnexpectedAnswer } from '../support/client.ts'
import { DaemonProcess } from '../support/daemon-process.ts'
import { randomImage } from '../support/random-image.ts'
import { temporaryDirectory } from '../support/temporary.ts'
import { eventually } from '../support/two-nodes.ts'
import { MixedLoad } from './mixed-load.ts'
import type { RandomManifest } from '../support/random-image.ts'

const COPIES = 3
const NAME = 'copied/app'

describe('F20: a copy of the data directory that was taken while the registry was written to', () => {
  it('has what was acknowledged before, or says that it may not: never 404, never other bytes', async function () {
    this.timeout(180_000)
    await using directory = await temporaryDirectory()
    await using daemon = await DaemonProcess.start()
    const client = new RegistryClient(daemon.url)
    const images = Array.from({ length: 4 }, () => randomImage({ layers: [1_200_000, 300] }))
    for (const [n, image] of images.entries()) await client.pushImage(NAME, image, { tag: `v${n}` })

    const load = new MixedLoad(4, Date.now() % 2 ** 31)
    const enough = new AbortController()
    const writing = load.run(client, { until: enough.signal })
    writing.catch(() => undefined) // awaited below
    const copies: string[] = []
    for (let n = 0; n < COPIES; n++) {
      const before = load.acknowledged
      await eventually(() => load.acknowledged > before, 'a write')
      copies.push(join(directory.path, `copy-${n}`))
      await copy(daemon.data, join(directory.path, `copy-${n}`))
    }
    enough.abort()
    await writing
    await daemon.stop()
    for (const data of copies) await isHonest(data, images)
  })
})

/** As somebody would who knows nothing of it. What is gone by the time it is copied is left out. */
async function copy(from: string, to: string): Promise<void> {
  const { promise, resolve, reject } = Promise.withResolvers<void>()
  execFile('cp', ['-a', from, to], (error) => {
    if (error === null || /cannot stat|cannot open|cannot access/.test(error.message)) resolve()
    else reject(error)
  })
  await promise
}

/** It serves, serves read-only, or refuses to start and says why. */
async function isHonest(data: string, images: readonly RandomManifest[]): Promise<void> {
  let restored: DaemonProcess
  try {
    restored = await DaemonProcess.start({ data })
  } catch (error) {
    assert.ok(error instanceof Error && error.cause instanceof Error)
    const why = error.cause.message
    assert.match(why, /^not ready: .*takes no changes|the daemon ended with \d/)
    if (why.startsWith('the daemon ended')) assert.match(error.message, /^heliport: .*\S/m)
    return
  }
  await using daemon = restored
  const client = new RegistryClient(daemon.url)
  for (const [n, image] of images.entries()) {
    try {
      await client.pullsExactly(NAME, `v${n}`, image)
    } catch (error) {
      if (!(error instanceof UnexpectedAnswer)) throw error
      assert.equal(error.answer.status, 503, error.message)
    }
  }
}
