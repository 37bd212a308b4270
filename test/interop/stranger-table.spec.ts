import assert from 'node:assert/strict'
import { RAW, cidFromHash, sha256 } from '../../src/blocks/cids.ts'
import { encodeLink } from '../../src/tree/layout.ts'
import { heliport } from '../cli/support.ts'
import { randomImage } from '../support/random-image.ts'
import { TestNode } from '../support/two-nodes.ts'
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

async function command(...words: string[]): Promise<string> {
  const { code, stdout, stderr } = await heliport([...words, '--data', node.data])
  assert.equal(code, 0, stderr)
  return stdout
}

/** Also until what was announced last is what is published now. */
async function collect(): Promise<void> {
  await node.until(({ ipns, storage }) => ipns?.publishedRoot === storage.root, 'it is announced')
  await command('gc')
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

type Row = [when: string, of: RandomManifest, gets: 'nothing' | 'everything', ...Step[]]
type Step = () => Promise<unknown>

const ROWS: Row[] = [
  ['while it is uploaded', image, 'nothing', beginUpload],
  ['after it was pushed', image, 'nothing', push('secret/app', image)],
  ['after clients pulled it', image, 'nothing', pull('secret/app', image)],
  ['after a collection', image, 'nothing', push('team/other', base), collect],
  ['after a restart', image, 'nothing', restart()],
  ['when it is in a published repository too', image, 'everything', push('team/app', image)],
  ['once that one is deleted, until a collection', image, 'everything', () => remove('team/app')],
  ['and after the collection', image, 'nothing', collect, pull('secret/app', image)],
  ['when the rules publish it', image, 'everything', restart(OPEN)],
  ['when they take it back', image, 'nothing', restart(HIDDEN), pull('secret/app', image)],
  [
    'when it is published while it is there twice',
    earlier,
    'everything',
    push('secret/app', earlier),
    push('team/app', earlier),
    restart(OPEN),
    async () => (published = await newest()),
  ],
  ['after its tag went on to another', earlier, 'everything', push('secret/app', image)],
  ['and its other copy is deleted', earlier, 'everything', () => remove('team/app')],
  ['when the rules take back what was', earlier, 'nothing', restart(HIDDEN)],
  ['and what is', image, 'nothing', pull('secret/app', image)],
  [
    'after a rollback to when it was published',
    earlier,
    'everything', // it is in team/app again
    () => command('rollback', String(published)),
    pull('secret/app', earlier),
    pull('team/app', earlier),
  ],
  ['the same, of what was in no other', image, 'nothing'],
  ['without that other', earlier, 'nothing', () => remove('team/app'), collect],
  ['after it was deleted', earlier, 'nothing', () => remove('secret/app'), collect],
  ['when it was published first', base, 'everything', push('secret/base', base)],
  ['and is private alone', base, 'nothing', () => remove('team/other'), collect],
  ['and after a restart', base, 'nothing', restart(), pull('secret/base', base)],
]

/** All that is one block here: its manifest, its blobs, and the links to them. */
function blocksOf(of: RandomManifest): CID[] {
  const pieces = [of, ...of.blobs]
  const files = [
    ...pieces.map(({ bytes }) => bytes),
    ...pieces.map((each) => encodeLink(each.digest)),
  ]
  return files.map((bytes) => cidFromHash(RAW, sha256(bytes)))
}

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
      for (const cid of blocksOf(of))
        assert.deepEqual(await stranger.hear(cid), expected, cid.toString())
    })
  }
})
