import assert from 'node:assert/strict'
import { randomUUID } from 'node:crypto'
import { run } from '../e2e/support/command.ts'
import { ContainerdEngine, ctrFlags } from './support/containerd-engine.ts'
import { assertHolds, clientOf, mirrored, written } from './support/content.ts'
import { engineUnavailable, lines } from './support/engines.ts'
import { artifactAbout, layoutArchive, platformIndex, wordsImage } from './support/images.ts'
import type { Image } from '../e2e/support/image.ts'
import type { Client, World } from './client.ts'
import type { Place } from './support/content.ts'

const NAME = 'containerd/hello'
const WORDS = 'hello from containerd\n'
const ARTIFACT_TYPE = 'application/vnd.example.note'

let engine: ContainerdEngine | undefined
let image: Image

/** containerd, spoken to with its own `ctr`: it keeps manifests and blobs byte for byte, as Kubernetes' nodes do. */
export const containerd: Client = {
  name: 'containerd',
  needs: ['containerd', 'ctr'],
  unavailable: engineUnavailable,
  version: async ({ tool, signal }) => {
    const words = (await run(tool('containerd'), ['--version'], { signal })).trim().split(' ')
    return words[2] ?? words.join(' ')
  },
  async start(world) {
    engine = await ContainerdEngine.start(world)
    image = await wordsImage(WORDS)
  },
  stop: async () => engine?.[Symbol.asyncDispose](),

  actions: {
    push: (world) => importAndPush(world, image, { host: world.host, name: NAME, reference: 'v1' }),

    'pull by tag': (world) => pullAndRun(world, { host: world.host, name: NAME, reference: 'v1' }),

    'pull by digest': (world) =>
      pullAndRun(world, { host: world.host, name: NAME, reference: image.manifest.digest }),

    async 'copy to another daemon'(world) {
      const here = { host: world.host, name: NAME, reference: 'v1' }
      const there = { host: world.other, name: 'containerd/copied', reference: 'v1' }
      await pull(world, here)
      await ctr(world, ['images', 'tag', written(here), written(there)])
      await ctr(world, ['images', 'push', ...(await ctrFlags(world, there.host)), written(there)])
      await assertHolds(there, [image.manifest, ...image.blobs])
    },

    async 'multi-platform index'(world) {
      const index = await platformIndex(NAME)
      const place = { host: world.host, name: 'containerd/platforms', reference: 'v1' }
      await importAndPush(world, index, place)
      await pull(world, place, '--all-platforms')
      await assertKept(world, index)
    },

    async 'artifact with subject'(world) {
      const artifact = artifactAbout(image.manifest, ARTIFACT_TYPE, NAME)
      const { digest } = artifact.manifest
      await importAndPush(world, artifact, { host: world.host, name: NAME, reference: 'note' })
      const subject = image.manifest.digest
      const { manifests } = await clientOf(world).referrers(NAME, subject)
      assert.deepEqual(
        manifests.map((each) => [each.digest, each.artifactType]),
        [[digest, ARTIFACT_TYPE]],
      )
    },

    async 'pull through a mirror'(world) {
      const place = await mirrored(world, NAME, 'v1')
      await pullAndRun(world, place)
      await pullAndRun(world, { ...place, reference: image.manifest.digest })
    },
  },

  cannot: {
    'list tags': 'no command for it',
    delete: 'no command for it: `ctr images rm` is about the local image',
  },
}

function ctr({ tool, signal }: World, args: string[], input?: Uint8Array): Promise<string> {
  return run(tool('ctr'), args, { env: engine?.env, signal, input })
}

/** Brings an image in from a file, pushes it, and sees that the registry has these very bytes. */
async function importAndPush(world: World, made: Image, place: Place): Promise<void> {
  await forgetAll(world)
  const archive = layoutArchive(made, written(place))
  await ctr(world, ['images', 'import', '--no-unpack', '--all-platforms', '-'], archive)
  await ctr(world, ['images', 'push', ...(await ctrFlags(world, place.host)), written(place)])
  await assertHolds(place, [made.manifest, ...made.blobs])
}

/** Pulls into an engine that has nothing of it. */
async function pull(world: World, place: Place, ...options: string[]): Promise<void> {
  await forgetAll(world)
  await ctr(world, [
    'images',
    'pull',
    ...(await ctrFlags(world, place.host)),
    ...options,
    written(place),
  ])
}

async function pullAndRun(world: World, place: Place): Promise<void> {
  await pull(world, place)
  await assertKept(world, image)
  const container = `hello-${randomUUID()}`
  assert.equal(await ctr(world, ['run', '--rm', written(place), container]), WORDS)
}

/** The engine's content store has all of it, under the digests that it has verified. */
async function assertKept(world: World, { manifest, blobs }: Image): Promise<void> {
  const stored = lines(await ctr(world, ['content', 'ls', '--quiet']))
  const wanted = new Set([manifest, ...blobs].map(({ digest }) => digest as string))
  assert.deepEqual(stored.toSorted(), [...wanted].toSorted())
  const kept = await ctr(world, ['content', 'get', manifest.digest])
  assert.equal(kept, Buffer.from(manifest.bytes).toString())
}

async function forgetAll(world: World): Promise<void> {
  const names = lines(await ctr(world, ['images', 'ls', '--quiet']))
  if (names.length > 0) await ctr(world, ['images', 'rm', '--sync', ...names])
  assert.deepEqual(lines(await ctr(world, ['content', 'ls', '--quiet'])), [])
}
