import { layout } from '../../../src/tree/layout.ts'
import { TYPE, putNode, putRaw } from '../trees/blocks.ts'
import { putShard, slotPrefix } from '../trees/folders.ts'
import { folderAt, pickFolder, pickTag } from './scene.ts'
import type { Blocks, Link, Made } from '../trees/blocks.ts'
import type { FolderDraft } from '../trees/draft.ts'
import type { Dice } from '../trees/dice.ts'
import type { Mutation, Scene } from './scene.ts'

/** Puts something in the place of a folder; `made` is how it would have been. */
type Shape = (blocks: Blocks, made: Made) => Made

/** Every slot leads to the same node. */
function everySlot(blocks: Blocks, to: Made, name = ''): Made {
  const links = Array.from({ length: 256 }, (_, slot): Link => ({
    name: slotPrefix(slot, 256) + name,
    cid: to.cid,
    tsize: to.tsize,
  }))
  return putShard(blocks, links, 256)
}

function levels(blocks: Blocks, count: number, bottom: Made): Made {
  let made = bottom
  for (let level = 0; level < count; level++) made = everySlot(blocks, made)
  return made
}

/** Levels below those where every name leads on: nobody should come to them. */
function oneSlot(blocks: Blocks, count: number, bottom: Made): Made {
  let made = bottom
  for (let level = 0; level < count; level++)
    made = putShard(blocks, [{ name: '00', cid: made.cid, tsize: made.tsize }], 256)
  return made
}

/** A HAMT of that fanout which has the honest folder at some slot. */
function fanoutOf(fanout: number | bigint): Shape {
  return (blocks, { cid, tsize }) => putShard(blocks, [{ name: '00docker', cid, tsize }], fanout)
}

const SHAPES: Record<string, Shape> = {
  'a HAMT of fanout 0': fanoutOf(0),
  'a HAMT of fanout 1': fanoutOf(1),
  'a HAMT of fanout 3': fanoutOf(3),
  'a HAMT of fanout 2^40': fanoutOf(2n ** 40n),
  'a HAMT without a fanout': (blocks, { cid, tsize }) =>
    putNode(blocks, [{ name: '00x', cid, tsize }], { type: TYPE.shard, hashType: 0x22 }),
  'a HAMT of 3,000 levels': (blocks, made) => levels(blocks, 20, oneSlot(blocks, 2980, made)),
  'a HAMT of 8 levels in which all slots are full': (blocks) =>
    levels(blocks, 7, everySlot(blocks, putRaw(blocks, Buffer.from('x')), 'name')),
  'a HAMT of 65,536 equal names': (blocks, made) =>
    levels(blocks, 1, everySlot(blocks, made, 'name')),
  'a HAMT whose links have no slot': (blocks, { cid, tsize }) =>
    putShard(blocks, [{ name: 'x', cid, tsize }], 256),
  'a HAMT with slots in lower case': (blocks, { cid, tsize }) =>
    putShard(blocks, [{ name: 'abx', cid, tsize }], 256),
  'a HAMT whose fanout changes': (blocks, made) =>
    everySlot(blocks, putShard(blocks, [{ name: '0x', cid: made.cid }], 16)),
  'a folder that is its only entry, 20,000 deep': (blocks, made) =>
    nested(blocks, made, 20_000, 'a'),
  'a folder of 30,000 links': (blocks, { cid, tsize }) =>
    flat(
      blocks,
      Array.from({ length: 30_000 }, (_, n): Link => ({ name: `n${n}`, cid, tsize })),
    ),
  'a folder of 9,000 links': (blocks, { cid, tsize }) =>
    flat(
      blocks,
      Array.from({ length: 9_000 }, (_, n): Link => ({ name: `n${n}`, cid, tsize })),
    ),
  'thirty names for one folder, sixty levels deep': (blocks, made) => {
    let folder = made
    for (let level = 0; level < 60; level++) {
      const { cid, tsize } = folder
      folder = flat(
        blocks,
        Array.from({ length: 30 }, (_, n) => ({
          name: `n${n}`,
          cid,
          tsize: level > 5 ? 1 : tsize,
        })),
      )
    }
    return folder
  },
}

function flat(blocks: Blocks, links: readonly Link[]): Made {
  return putNode(blocks, links, { type: TYPE.directory })
}

function nested(blocks: Blocks, made: Made, depth: number, name: string): Made {
  let folder = made
  for (let level = 0; level < depth; level++)
    folder = flat(blocks, [{ name, cid: folder.cid, tsize: folder.tsize }])
  return folder
}

/** Rather a folder that is listed, or one on the way to everything. */
function pickPlace(scene: Scene, dice: Dice): FolderDraft {
  const { repository } = pickTag(scene, dice)
  const places = [
    layout.tags(repository),
    layout.repositories,
    layout.repository(repository),
    ['docker'],
    [],
  ]
  const path = dice.pick([...places, undefined])
  return path === undefined ? pickFolder(scene, dice) : folderAt(scene, path)
}

export const FOLDERS: readonly Mutation[] = [
  ...Object.entries(SHAPES).map(([what, shape]): Mutation => ({
    name: `a folder is ${what}`,
    row: 'C04',
    apply(scene, dice) {
      const folder = pickPlace(scene, dice)
      folder.draw = async (blocks, honest) => shape(blocks, await honest())
    },
  })),
  {
    name: 'a folder is a HAMT whose slots lie',
    row: 'C04',
    apply(scene, dice) {
      const folder = pickPlace(scene, dice)
      const shift = 1 + dice.nat(254)
      folder.draw = async (blocks, honest) => {
        await honest()
        const links = [...folder.entries.keys()].map((name, n): Link => {
          const { cid } = putRaw(blocks, Buffer.from(name))
          return { name: slotPrefix((n + shift) % 256, 256) + name, cid, tsize: name.length }
        })
        return putShard(blocks, links, 256)
      }
    },
  },
]
