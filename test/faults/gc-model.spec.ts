import assert from 'node:assert/strict'
import { play } from './gc-model.ts'
import type { Without } from './gc-world.ts'

/** More of it: `GC_PLAYS=200 npx mocha test/faults/gc-model.spec.ts`; the same again: `GC_SEED=<the seed it printed>`. */
const PLAYS = Number(process.env['GC_PLAYS'] ?? 2)
const SEED = Number(process.env['GC_SEED'] ?? Date.now() % 2 ** 31)
/** So many tries has a world that lacks something to show it. */
const TRIES = 40

describe('garbage collection beside everything else (I9)', () => {
  it(`breaks no push and no pull, and takes what nobody needs (${PLAYS} plays, seed ${SEED})`, async function () {
    this.timeout(PLAYS * 60_000)
    for (let seed = SEED; seed < SEED + PLAYS; seed++) {
      const { collections, deleted } = await play(seed)
      assert.ok(collections > 2 && deleted > 0, `seed ${seed}: ${collections} and ${deleted}`)
    }
  })

  const parts: [Without, string][] = [
    ['barrier', 'what is put and read while a collection runs is not left alone'],
    ['holds', 'what is being uploaded is not left alone'],
    ['leases', 'what clients were told of is not left alone'],
  ]
  for (const [without, what] of parts) {
    it(`would be found out if ${what}`, async function () {
      this.timeout(TRIES * 60_000)
      for (let seed = SEED; seed < SEED + TRIES; seed++) {
        const failure = await play(seed, { without }).then(
          () => undefined,
          (error: unknown) => error,
        )
        if (failure !== undefined) return
      }
      assert.fail(`${TRIES} plays went well without`)
    })
  }
})
