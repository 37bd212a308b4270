import { createReadStream } from 'node:fs'
import { peakMemory, resetPeak } from '../../e2e/support/memory.ts'
import { drainBlob, pullBlob, pushStream } from '../../e2e/support/transfer.ts'
import { DaemonProcess } from '../../support/daemon-process.ts'
import type { Contender, Load, Pull } from './contender.ts'

const NAME = 'bench/blob'

/** A blob in one daemon, pulled by an HTTP client from another that mirrors it, which checks every leaf and the digest. */
export async function heliport({ file, bytes }: Load): Promise<Contender> {
  const source = await DaemonProcess.start({ config: { log: { level: 'warn' } } })
  try {
    const digest = await pushStream(source.url, NAME, createReadStream(file), bytes)
    return {
      pull: async (): Promise<Pull> => {
        await using mirror = await DaemonProcess.start({
          mirrors: [source.ipnsName],
          peers: [source.peerAddress],
          config: { log: { level: 'warn' } },
        })
        const { storage } = await source.status()
        await mirror.until(({ mirrors }) => mirrors[0]?.root === storage.root)
        for (const { pid } of [source, mirror]) await resetPeak(pid)
        const began = performance.now()
        const pulled = await drainBlob(mirror.url, NAME, digest)
        const ms = performance.now() - began
        if (pulled !== bytes) throw new Error(`the mirror gave ${pulled} bytes`)
        const [ofSource, ofMirror] = [await peakMemory(source.pid), await peakMemory(mirror.pid)]
        // Now from its disk: no other peer here looks at the bytes it throws away while it is timed.
        await pullBlob(mirror.url, NAME, digest)
        return { ms, peaks: { source: ofSource, receiver: ofMirror } }
      },
      [Symbol.asyncDispose]: () => source.remove(),
    }
  } catch (error) {
    await source.remove()
    throw error
  }
}
