import { createWriteStream } from 'node:fs'
import { join } from 'node:path'
import { pipeline } from 'node:stream/promises'
import { noise } from '../../e2e/support/transfer.ts'
import { heliport } from '../../network/cold-pull/heliport.ts'
import { kubo } from '../../network/cold-pull/kubo.ts'
import { MIB } from '../../network/support/figures.ts'
import { howToGet } from '../../tools/catalog.ts'
import { findTool } from '../../tools/find.ts'
import { FigureBook } from '../figures.ts'
import { speed } from './push.ts'
import type { Scenario } from '../scenario.ts'

/** Cold pull: what `npm run network -- cold-pull` measures beside more, here beside Kubo alone. */
export const COLD_PULL: Scenario = {
  id: 'cold-pull',
  title: 'Cold pull of 1 GiB through a mirror',
  how: 'From a Heliport, through another one that mirrors it and has nothing, to an HTTP client; beside `ipfs get` between two Kubo nodes. All on loopback; receivers are new in each round. The mirror checks every block and the digest.',
  goals: { speed: [{ ratio: 1, than: ['kubo'] }] },
  disk: ({ quick }) => 6 * (quick ? 8 : 1024) * MIB,
  missing: async () =>
    (await findTool('ipfs')) === undefined ? `ipfs: ${howToGet('ipfs')}` : undefined,
  async run({ quick, rounds, directory, signal, say }) {
    const bytes = (quick ? 8 : 1024) * MIB
    const load = { file: join(directory, 'cold-pull'), bytes, directory }
    await pipeline(noise(bytes), createWriteStream(load.file))
    await using stack = new AsyncDisposableStack()
    const book = new FigureBook()
    const ends = [
      ['heliport', stack.use(await heliport(load))],
      ['kubo', stack.use(await kubo(load))],
    ] as const
    for (let round = 1; round <= rounds; round++) {
      for (const [id, end] of ends) {
        signal.throwIfAborted()
        if (end === undefined) continue
        const { ms } = await end.pull()
        book.note(id, [speed(bytes, ms)])
        say(`round ${round} of ${rounds}: ${id}: ${speed(bytes, ms).value.toFixed(0)} MiB/s`)
      }
    }
    return { figures: book.figures() }
  },
}
