import assert from 'node:assert/strict'
import { sha256 } from '../../../src/blocks/cids.ts'
import { MUTATIONS } from '../mutations/all.ts'
import type { Id } from './rules.ts'
import type { Row } from './row.ts'

/** Every change of the generator, one by one, with an honest mirror behind. */
const CHANGES: readonly Row[] = [...MUTATIONS.values()].map(({ name, row }): Row => [
  row as Id,
  name,
  async (arena) => void (await arena.play({ changes: [{ name, dice: 1 }] })),
])

/** What a story is about: the one blob that is always the first to be changed. */
const FIRST = 1

export const TREES: readonly Row[] = [
  ...CHANGES,
  [
    'C01',
    'nobody else has it: the client is cut off, or told that there is none',
    async (arena) => {
      const name = 'a blob is other bytes of the same size'
      await arena.play({ changes: [{ name, dice: FIRST }], isAlone: true })
      const bad = arena.answers.filter(({ got }) => !got.isComplete || got.status === 404)
      assert.ok(bad.length > 0, 'nobody was cut off')
    },
  ],
  [
    'C02',
    'nobody else has it: the tag is unknown',
    async (arena) => {
      const names = ['a manifest is no manifest', 'a tag points to a document of an unknown type']
      for (const name of names) {
        arena.answers.splice(0)
        await arena.play({ changes: [{ name, dice: FIRST }], isAlone: true })
        assert.ok(
          arena.answers.some(
            ({ question, got }) => question.path.includes('/manifests/') && got.status === 404,
          ),
          name,
        )
      }
    },
  ],
  [
    'C03',
    'of a petabyte no leaf is fetched, though a client asks for its first and its last bytes',
    async (arena) => {
      const { hostile } = arena.lane.sources
      await arena.play({ changes: [{ name: 'a file is a petabyte in 197 KB', dice: FIRST }] })
      const leaf = Buffer.from(sha256(Buffer.alloc(1024))).toString('base64')
      assert.equal(hostile.wanted.get(leaf), undefined)
    },
  ],
]
