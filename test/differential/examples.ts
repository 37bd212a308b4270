import { INTENDED } from './intended.ts'
import { play } from './play.ts'
import type { Intended } from './intended.ts'
import type { Pair } from './pair.ts'

/**
 * Plays the example of every entry of the list.
 *
 * @returns those that explain nothing in it any more, and have to go
 * @throws Unexplained when an example shows something else as well
 */
export async function deadEntries({ wires }: Pair): Promise<Intended[]> {
  const dead: Intended[] = []
  for (const [number, entry] of INTENDED.entries()) {
    let fired = false
    await play(entry.example, {
      wires,
      prefix: `example${String(number).padStart(2, '0')}`,
      onExchange: (_, explained) => void (fired ||= explained.includes(entry)),
    })
    if (!fired) dead.push(entry)
  }
  return dead
}
