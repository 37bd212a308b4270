import assert from 'node:assert/strict'
import { run } from '../e2e/support/command.ts'
import { DockerEngine } from '../e2e/support/docker-engine.ts'
import { assertImage, assertPlatforms, assertSame, mirrored, written } from './support/content.ts'
import { engineUnavailable, lines } from './support/engines.ts'
import { dockerArchive, idOf, idsOf, platformIndex, wordsImage } from './support/images.ts'
import type { Client, World } from './client.ts'

const NAME = 'docker/hello'
const WORDS = 'hello from docker\n'
const LOCAL = 'hello:made'

let engine: DockerEngine | undefined
let id = ''
let digest = ''

/** Docker Engine, with the images in its own store (a "graph driver"), as it is by default. */
export const docker: Client = {
  name: 'docker',
  needs: ['dockerd', 'docker'],
  unavailable: engineUnavailable,
  version: async ({ tool, signal }) => {
    const client = await run(tool('docker'), ['--version'], { signal })
    const server = await run(tool('dockerd'), ['--version'], { signal })
    const [, of = '?'] = /version ([^,\s]+)/.exec(client) ?? []
    const [, on = '?'] = /version ([^,\s]+)/.exec(server) ?? []
    return of === on ? of : `${of}, engine ${on}`
  },
  async start(world) {
    engine = await startDocker(world)
    const image = await wordsImage(WORDS)
    id = idOf(image)
    await cli(world, ['load'], dockerArchive(image, LOCAL))
  },
  stop: async () => engine?.[Symbol.asyncDispose](),

  actions: {
    async push(world) {
      const place = { host: world.host, name: NAME, reference: 'v1' }
      await cli(world, ['tag', LOCAL, written(place)])
      const output = await cli(world, ['push', written(place)])
      digest = await assertImage(place, id)
      assert.match(output, new RegExp(`digest: ${digest} size: `))
    },

    'pull by tag': (world) => pullAndRun(world, `${world.host}/${NAME}:v1`),

    'pull by digest': (world) => pullAndRun(world, `${world.host}/${NAME}@${digest}`),

    async 'copy to another daemon'(world) {
      const there = { host: world.other, name: 'docker/copied', reference: 'v1' }
      await forgetAll(world)
      await cli(world, ['pull', `${world.host}/${NAME}:v1`])
      await cli(world, ['tag', `${world.host}/${NAME}:v1`, written(there)])
      await cli(world, ['push', written(there)])
      await assertImage(there, id)
    },

    async 'multi-platform index'(world) {
      const place = { host: world.host, name: 'docker/platforms', reference: 'v1' }
      const { images } = await platformIndex(NAME)
      const of = (architecture: string) => written({ ...place, reference: architecture })
      for (const [architecture, each] of Object.entries(images)) {
        await cli(world, ['load'], dockerArchive(each, of(architecture)))
        await cli(world, ['push', of(architecture)])
      }
      const all = Object.keys(images).map(of)
      await cli(world, ['manifest', 'create', '--insecure', written(place), ...all])
      await cli(world, ['manifest', 'push', '--insecure', written(place)])
      const ids = idsOf(images)
      await assertPlatforms(place, ids)
      for (const [architecture, wanted] of Object.entries(ids)) {
        await forgetAll(world)
        await cli(world, ['pull', `--platform=linux/${architecture}`, written(place)])
        assert.equal(await idAt(world, written(place)), wanted)
      }
    },

    async 'pull through a mirror'(world) {
      const place = await mirrored(world, NAME, 'v1')
      await pullAndRun(world, written(place))
      await pullAndRun(world, written({ ...place, reference: digest }))
      await assertSame(place, { ...place, host: world.host })
    },
  },

  cannot: {
    'list tags': 'no command for it',
    delete: 'no command for it: `docker rmi` is about the local image',
    'artifact with subject': 'no command for it',
  },
  cannotOverTls: {
    'multi-platform index':
      'on loopback `docker manifest push` speaks plain HTTP, whatever it is told',
  },
}

/** An engine whose files are the client's. */
export function startDocker(
  { directory: below, tool, signal }: World,
  config?: string,
): Promise<DockerEngine> {
  const options = { below, dockerd: tool('dockerd'), docker: tool('docker'), signal }
  return DockerEngine.start(config === undefined ? options : { ...options, config })
}

function cli({ tool, signal }: World, args: string[], input?: Uint8Array): Promise<string> {
  return run(tool('docker'), args, { env: engine?.env, signal, input })
}

/** Pulls into an engine that has nothing of it, and runs it. */
async function pullAndRun(world: World, reference: string): Promise<void> {
  await forgetAll(world)
  await cli(world, ['pull', reference])
  assert.equal(await idAt(world, reference), id)
  const container = ['run', '--rm', '--network=none', '--pull=never', reference]
  assert.equal(await cli(world, container), WORDS)
}

async function idAt(world: World, reference: string): Promise<string> {
  return (await cli(world, ['image', 'inspect', '--format={{.Id}}', reference])).trim()
}

async function forgetAll(world: World): Promise<void> {
  const ids = lines(await cli(world, ['images', '--quiet', '--no-trunc']))
  if (ids.length > 0) await cli(world, ['rmi', '--force', ...new Set(ids)])
}
