import assert from 'node:assert/strict'
import { RAW, cidFromHash, sha256 } from '../../src/blocks/cids.ts'
import { encodeLink } from '../../src/tree/layout.ts'
import { heliport } from '../cli/support.ts'
import { randomImage } from '../support/random-image.ts'
import { TestNode, eventually } from '../support/two-nodes.ts'
import { EVERYTHING, NOTHING, Stranger } from './stranger.ts'
import type { CID } from 'multiformats/cid'
import type { RandomManifest } from '../support/random-image.ts'

/*
 * What a stranger gets of an image, by bitswap (whether we have it, and the block), by our own transfer (the same two)
 * and by the fetch protocol: nothing, or everything. The rows are one story, told to one registry.
 */

const HIDDEN = JSON.stringify([{ match: ['secret/**'], publish: false }])
const OPEN = '[]'
const settings = (rules: string) => ({
  REGISTRY_REPOSITORIES: rules,
  REGISTRY_RETENTION_LEASE: '1s',
  REGISTRY_GC_INTERVAL: '',
})

const image = randomImage({ layers: [20_000, 10] })
/** First under the same tag. */
const earlier = randomImage()
const base = randomImage()

/** Its manifest and blobs, each of which is one block here. */
function contentOf(of: RandomManifest): CID[] {
  return [of, ...of.blobs].map(({ bytes }) => cidFromHash(RAW, sha256(bytes)))
}

/** The links to them. */
function linksOf(of: RandomManifest): CID[] {
  return [of, ...of.blobs].map(({ digest }) => cidFromHash(RAW, sha256(encodeLink(digest))))
}

const blocksOf = (of: RandomManifest): CID[] => [...contentOf(of), ...linksOf(of)]

let node: TestNode

const push = (name: string, pushed: RandomManifest) => () =>
  node.client.pushImage(name, pushed, { tag: 'v1' })
const pull = (name: string, pulled: RandomManifest) => () =>
  node.client.pullsExactly(name, 'v1', pulled)
const restart = (rules?: string) => () =>
  node.restart(rules === undefined ? {} : { env: settings(rules) })

async function remove(name: string): Promise<void> {
  await node.client.expect(202, 'DELETE', `/v2/${name}/_heliport/repository`)
}

/** Only the history still has what was there before. */
async function replace(): Promise<void> {
  await remove('secret/app')
  await push('secret/app', image)()
}

async function command(...words: string[]): Promise<string> {
  const { code, stdout, stderr } = await heliport([...words, '--data', node.data])
  assert.equal(code, 0, stderr)
  return stdout
}

/** Also until what was announced last is what is published now. */
async function collect(): Promise<void> {
  await node.until(
    ({ ipns, storage }) => ipns?.pending === false && ipns.publishedRoot === storage.root,
    'it is announced',
  )
  // A while after a start it leaves the tree alone.
  const isDone = async () => !/"leasedFor": [1-9]/.test(await command('gc', '--json'))
  await eventually(isDone, 'a collection that tidies up')
}

async function newest(): Promise<number> {
  const [last = ''] = (await command('log', '--json')).split('\n')
  return (JSON.parse(last) as { sequence: number }).sequence
}

let published = 0

/** All but the end of a layer has come, and is on the disk. */
async function beginUpload(): Promise<void> {
  const layer = image.blobs[1]?.bytes ?? assert.fail('an image without layers')
  const upload = await node.client.startUpload('secret/app')
  await node.client.patch(upload, layer)
}

type Row = [when: string, of: CID[], gets: 'nothing' | 'everything', ...Step[]]
type Step = () => Promise<unknown>

const ROWS: Row[] = [
  ['while it is uploaded', blocksOf(image), 'nothing', beginUpload],
  ['after it was pushed', blocksOf(image), 'nothing', push('secret/app', image)],
  ['after clients pulled it', blocksOf(image), 'nothing', pull('secret/app', image)],
  ['after a collection', blocksOf(image), 'nothing', push('team/other', base), collect],
  ['after a restart', blocksOf(image), 'nothing', restart()],
  [
    'when it is in a published repository too',
    blocksOf(image),
    'everything',
    push('team/app', image),
  ],
  [
    'once that one is deleted, until a collection',
    blocksOf(image),
    'everything',
    () => remove('team/app'),
  ],
  ['and after the collection', blocksOf(image), 'nothing', collect, pull('secret/app', image)],
  ['when the rules publish it', blocksOf(image), 'everything', restart(OPEN)],
  [
    'when they take it back',
    blocksOf(image),
    'nothing',
    restart(HIDDEN),
    pull('secret/app', image),
  ],
  [
    'when it is published while it is there twice',
    blocksOf(earlier),
    'everything',
    push('secret/app', earlier),
    push('team/app', earlier),
    restart(OPEN),
    async () => (published = await newest()),
  ],
  [
    'after it was deleted in both',
    blocksOf(earlier),
    'everything',
    () => remove('team/app'),
    replace,
  ],
  ['when the rules take back where it was', linksOf(earlier), 'nothing', restart(HIDDEN)],
  ['but for the bytes, as of all that was deleted', contentOf(earlier), 'everything'],
  ['the same, of what is there now', blocksOf(image), 'nothing', pull('secret/app', image)],
  ['and of what was deleted after a collection', blocksOf(earlier), 'nothing', collect],
  [
    'after a rollback to when it was published',
    blocksOf(earlier),
    'everything', // it is in team/app again
    () => command('rollback', String(published)),
    pull('secret/app', earlier),
    pull('team/app', earlier),
  ],
  ['the same, of what was in no other', blocksOf(image), 'nothing'],
  ['without that other', blocksOf(earlier), 'nothing', () => remove('team/app'), collect],
  ['after it was deleted', blocksOf(earlier), 'nothing', () => remove('secret/app'), collect],
  ['when it was published first', blocksOf(base), 'everything', push('secret/base', base)],
  ['and is private alone', blocksOf(base), 'nothing', () => remove('team/other'), collect],
  ['and after a restart', blocksOf(base), 'nothing', restart(), pull('secret/base', base)],
]

describe('what a stranger gets of an image in a repository that is not published', () => {
  before(async () => {
    node = await TestNode.start({ env: settings(HIDDEN) })
  })
  after(() => node[Symbol.asyncDispose]())

  for (const [when, of, gets, ...steps] of ROWS) {
    it(`${when}: ${gets}`, async () => {
      for (const step of steps) await step()
      await using stranger = await Stranger.meet(node.address)
      const expected = gets === 'nothing' ? NOTHING : EVERYTHING
      for (const cid of of) assert.deepEqual(await stranger.hear(cid), expected, cid.toString())
    })
  }
})
