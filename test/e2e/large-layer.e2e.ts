import assert from 'node:assert/strict'
import { statfs } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { DaemonProcess } from '../support/daemon-process.ts'
import { peakMemory, resetPeak } from './support/memory.ts'
import { pullBlob, pushNoise, readSlowly } from './support/transfer.ts'
import type { Digest } from '../../src/oci/digest.ts'

const MIB = 1024 * 1024
const GIB = 1024 * MIB
const LAYER = 2 * GIB
const READERS = 20
const RATE = 300 * 1024
/** What the daemon may have in RAM at any time (promise I8). */
const MEMORY_LIMIT = 450e6

describe('one layer of 2 GiB is pushed and pulled, with 20 slow readers beside it', function () {
  this.timeout(300_000)

  it('and the daemon never holds more than 450 MB in memory', async () => {
    const { bavail, bsize } = await statfs(tmpdir())
    assert.ok(bavail * bsize > 3 * LAYER, `less than 6 GiB are free in ${tmpdir()}`)
    await using daemon = await DaemonProcess.start({ config: { log: { level: 'warn' } } })
    const { url, pid } = daemon
    console.log(`      memory at its start: ${inMB(await peakMemory(pid))}`)
    /** Runs a phase; what it cost in time and memory. */
    const phase = async (what: string, work: () => Promise<void>): Promise<void> => {
      await resetPeak(pid)
      const began = performance.now()
      await work()
      const seconds = (performance.now() - began) / 1000
      const peak = await peakMemory(pid)
      console.log(
        `      ${what}: ${Math.round(LAYER / MIB / seconds)} MiB/s, memory at most ${inMB(peak)}`,
      )
      assert.ok(peak < MEMORY_LIMIT, `the daemon had ${inMB(peak)} in memory`)
    }

    const small = await pushNoise(url, 'large', 256 * MIB)
    let layer = small
    const endFirst = readers(url, small, 256 * MIB)
    await phase(`push beside ${READERS} slow readers`, async () => {
      layer = await pushNoise(url, 'large', LAYER)
    })
    await endFirst()
    const endSecond = readers(url, layer, LAYER)
    await phase(`pull beside ${READERS} slow readers`, () => pullBlob(url, 'large', layer))
    await endSecond()
    await phase('pull alone', () => pullBlob(url, 'large', layer))
  })
})

/** Starts the slow readers, spread over the blob; the function that comes back ends them. */
function readers(url: string, digest: Digest, size: number): () => Promise<void> {
  const stop = new AbortController()
  const reads = Array.from({ length: READERS }, (_, index) =>
    readSlowly(url, `/v2/large/blobs/${digest}`, {
      offset: Math.floor((size / 2 / READERS) * index),
      rate: RATE,
      signal: stop.signal,
    }),
  )
  const all = Promise.all(reads)
  all.catch(() => undefined) // told to whoever ends them
  return async () => {
    stop.abort()
    for (const { bytes, time } of await all) {
      // Slow by choice, but served all the time.
      assert.ok(bytes / time > (RATE / 1000) * 0.5, `a reader got ${bytes} bytes in ${time} ms`)
    }
  }
}

function inMB(bytes: number): string {
  return `${Math.round(bytes / 1e6)} MB`
}
