import { CID } from 'multiformats/cid'
import { create } from 'multiformats/hashes/digest'
import { DAG_PB, RAW } from '../../../src/blocks/cids.ts'
import { TYPE, putNode, putRaw } from '../trees/blocks.ts'
import { pickData, pickFolder, pickLink } from './scene.ts'
import type { Blocks, Made } from '../trees/blocks.ts'
import type { Drawing, TreeDraft } from '../trees/draft.ts'
import type { Dice } from '../trees/dice.ts'
import type { Mutation, Scene } from './scene.ts'

/** Puts something else in the place of a node. */
type Kind = (blocks: Blocks, made: Made) => Made

const KINDS: Record<string, Kind> = {
  'a symlink': (blocks) =>
    putNode(blocks, [], { type: TYPE.symlink, data: Buffer.from('/etc/passwd') }),
  metadata: (blocks, { cid }) =>
    putNode(blocks, [{ name: '', cid }], { type: TYPE.metadata, data: Buffer.from('a/b') }),
  'of a type that UnixFS does not have': (blocks) => putNode(blocks, [], { type: 77 }),
  'a node without UnixFS': (blocks, { cid }) => ({
    cid: blocks.put(
      DAG_PB,
      Buffer.concat([Buffer.from([0x12, cid.bytes.length + 2, 0x0a, cid.bytes.length]), cid.bytes]),
    ),
    tsize: 1,
    size: 1,
  }),
  'no protobuf': (blocks) => ({
    cid: blocks.put(DAG_PB, Buffer.from('no such thing')),
    tsize: 13,
    size: 13,
  }),
  'an empty block': (blocks) => ({ cid: blocks.put(DAG_PB, new Uint8Array()), tsize: 0, size: 0 }),
  'an empty folder': (blocks) => putNode(blocks, [], { type: TYPE.directory }),
  'an empty file': (blocks) => putRaw(blocks, new Uint8Array()),
  'of the other codec': (_, made) => ({
    ...made,
    cid: CID.createV1(made.cid.code === RAW ? DAG_PB : RAW, made.cid.multihash),
  }),
  'of codec dag-cbor': (_, made) => ({ ...made, cid: CID.createV1(0x71, made.cid.multihash) }),
  'of codec libp2p-key': (_, made) => ({ ...made, cid: CID.createV1(0x72, made.cid.multihash) }),
  'of codec git-raw': (_, made) => ({ ...made, cid: CID.createV1(0x78, made.cid.multihash) }),
  'hashed by sha1': (_, made) => hashed(made, 0x11, 20),
  'hashed by sha2-512': (_, made) => hashed(made, 0x13, 64),
  'hashed by murmur3': (_, made) => hashed(made, 0x22, 8),
  'hashed by blake2b': (_, made) => hashed(made, 0xb220, 32),
  'hashed by what nobody knows': (_, made) => hashed(made, 0x3fff, 32),
  'hashed by sha2-256, cut to 4 bytes': (_, made) => hashed(made, 0x12, 4),
  'hashed by sha2-256 with 33 bytes': (_, made) => hashed(made, 0x12, 33),
  'by identity, of 4 bytes': (_, made) => hashed(made, 0x00, 4),
  'by identity, of 4 KiB': (_, made) => hashed(made, 0x00, 4096),
}

function hashed(made: Made, code: number, length: number): Made {
  const digest = Buffer.alloc(length, made.cid.multihash.digest)
  return { ...made, cid: CID.createV1(made.cid.code, create(code, digest)) }
}

/** Any node: a folder, a content's data, a link. */
function pickNode(scene: Scene, dice: Dice): TreeDraft {
  return dice.pick([pickFolder, pickData, pickData, pickLink])(scene, dice)
}

function inPlace(kind: Kind): Drawing {
  return async (blocks, honest) => kind(blocks, await honest())
}

export const KINDS_OF_NODES: readonly Mutation[] = [
  ...Object.entries(KINDS).map(([what, kind]): Mutation => ({
    name: `a node is ${what}`,
    row: /^(of codec|hashed|by identity)/.test(what) ? 'C06' : 'C05',
    apply(scene, dice) {
      pickNode(scene, dice).draw = inPlace(kind)
    },
  })),
  {
    name: 'a file stands where a folder should',
    row: 'C05',
    apply(scene, dice) {
      pickFolder(scene, dice).draw = (blocks) => putRaw(blocks, Buffer.from('docker'))
    },
  },
  {
    name: 'a folder stands where a file should',
    row: 'C05',
    apply(scene, dice) {
      const file = dice.pick([pickData, pickLink])(scene, dice)
      file.draw = inPlace((blocks, { cid, tsize }) =>
        putNode(blocks, [{ name: 'data', cid, tsize }], { type: TYPE.directory }),
      )
    },
  },
]
