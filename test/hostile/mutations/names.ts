import { layout } from '../../../src/tree/layout.ts'
import { draw, fileDraft } from '../trees/draft.ts'
import { folderAt, pickFolder, pickTag } from './scene.ts'
import type { TreeDraft } from '../trees/draft.ts'
import type { Mutation } from './scene.ts'

/** Names that nobody should have, and what they might do. */
const NAMES: Record<string, string | Uint8Array> = {
  '"..", the folder above': '..',
  '".", the folder itself': '.',
  '"/"': '/',
  'a path': '../../etc/passwd',
  'a path inside': 'tags/v0',
  nothing: '',
  'a NUL inside': 'v0\0',
  'control characters': '\u001b[2J\r\nv0',
  'a line end': 'v0\nX-Evil: 1',
  '300 characters': 'a'.repeat(300),
  '100,000 characters': 'a'.repeat(100_000),
  'bytes that are no UTF-8': Buffer.from([0xff, 0xfe, 0xc0, 0x80]),
  'half a surrogate': Buffer.from([0xed, 0xa0, 0x80]),
  __proto__: '__proto__',
  constructor: 'constructor',
  'the same name as another, in capitals': 'V0',
  markup: '<script>alert(1)</script>',
}

export const HOSTILE_NAMES: readonly Mutation[] = [
  ...Object.entries(NAMES).map(([what, name]): Mutation => ({
    name: `an entry is called ${what}`,
    row: 'C04',
    apply(scene, dice) {
      const { repository } = pickTag(scene, dice)
      const path = dice.pick([
        layout.tags(repository),
        layout.repositories,
        layout.manifests(repository),
      ])
      const folder = dice.nat(4) === 0 ? pickFolder(scene, dice) : folderAt(scene, path)
      const like: TreeDraft = folder.entries.values().next().value ?? fileDraft(Buffer.from('x'))
      folder.draw = async (blocks, honest) => {
        // What stands under the bad name is as good as its neighbour.
        const { cid, tsize } = await draw(blocks, like)
        folder.more.push({ name, cid, tsize })
        return honest()
      }
    },
  })),
  {
    name: 'two entries have one name',
    row: 'C04',
    apply(scene, dice) {
      const folder = pickFolder(scene, dice)
      const [first, second] = [...folder.entries.keys()]
      if (first === undefined) return
      folder.draw = async (blocks, honest) => {
        const { cid, tsize } = await draw(blocks, folder.entries.get(second ?? first)!)
        folder.more.push({ name: first, cid, tsize })
        return honest()
      }
    },
  },
]
