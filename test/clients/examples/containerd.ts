import assert from 'node:assert/strict'
import { randomUUID } from 'node:crypto'
import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { parse } from 'yaml'
import { run } from '../../e2e/support/command.ts'
import { ContainerdEngine } from '../support/containerd-engine.ts'
import { assertHolds } from '../support/content.ts'
import { pullByCri } from '../support/cri.ts'
import { engineUnavailable, lines } from '../support/engines.ts'
import { idOf, layoutArchive, wordsImage } from '../support/images.ts'
import { filled } from './blocks.ts'
import { THROUGH, provide } from './demo.ts'
import { NAMESPACED, inNamespaces } from './namespaces.ts'
import { runShell } from './shell.ts'
import type { Image } from '../../e2e/support/image.ts'
import type { World } from '../client.ts'
import type { Examples } from './example.ts'

const WORDS = 'hello from the containerd example\n'
const DEMO = 'docker.io/library/demo:v1'
/** Where containerd looks for mirrors on a real machine. */
const HOSTS = '/etc/containerd/certs.d'

/** containerd's images, and other registries' names through Heliport: for `ctr`, and for Kubernetes. */
export const containerdExamples: Examples = {
  name: 'containerd',
  needs: ['containerd', 'ctr'],
  unavailable: engineUnavailable,
  examples: [
    {
      name: 'push and pull',
      blocks: ['containerd push'],
      async run(world, push: string) {
        const image = await wordsImage(WORDS)
        await using engine = await ContainerdEngine.start(world)
        const archive = layoutArchive(image, 'docker.io/library/hello:v1')
        await ctr(world, engine, ['images', 'import', '-'], archive)
        await shell(world, engine, filled(push, world))
        const place = { host: world.host, name: 'team/containerd-hello', reference: 'v1' }
        await assertHolds(place, [image.manifest, ...image.blobs])
      },
    },
    ...THROUGH.map(({ what, host }) => ({
      name: `hosts.toml, ${what}`,
      blocks: ['containerd hosts.toml', 'containerd mirror'],
      async run(world: World, hosts: string, pull: string) {
        const image = await wordsImage(WORDS)
        await provide(world, 'library/demo', image)
        await using engine = await ContainerdEngine.start(world)
        const at = await configured(
          world,
          'docker.io',
          filled(hosts, { ...world, host: host(world) }),
        )
        await shell(world, engine, filled(pull, world, { [HOSTS]: at }))
        await assertRuns(world, engine, image)
      },
    })),
    ...NAMESPACED.map(({ what, start }) => ({
      name: `all registries by ns, ${what}`,
      blocks: ['heliport namespaces', 'containerd default hosts.toml', 'containerd namespaces'],
      async run(world: World, config: string, hosts: string, pull: string) {
        await using daemon = await start(world, parse(config) as Record<string, unknown>)
        await using engine = await ContainerdEngine.start(world)
        const there = { host: daemon.host, other: world.other }
        const at = await configured(world, '_default', filled(hosts, there))
        await shell(world, engine, filled(pull, world, { [HOSTS]: at }))
        const wanted = Object.entries(inNamespaces()).map(
          ([name, { manifest }]) => `${name}:v1 ${manifest.digest}`,
        )
        const [, ...list] = lines(await ctr(world, engine, ['images', 'ls']))
        const found = list.map((line) => line.replace(/^(\S+) +\S+ +(\S+).*$/, '$1 $2'))
        assert.deepEqual(found.toSorted(), wanted.toSorted())
      },
    })),
    ...THROUGH.map(({ what, host }) => ({
      name: `Kubernetes with hosts.toml, ${what}`,
      blocks: ['containerd config.toml', 'containerd hosts.toml'],
      async run(world: World, config: string, hosts: string) {
        const image = await wordsImage(WORDS)
        await provide(world, 'library/demo', image)
        const at = await configured(
          world,
          'docker.io',
          filled(hosts, { ...world, host: host(world) }),
        )
        const settings = filled(config, world, { [HOSTS]: at })
        await using engine = await ContainerdEngine.start(world, settings)
        assert.equal(await pullByCri(engine.socket, DEMO, world), idOf(image))
      },
    })),
  ],
}

/** Writes a hosts.toml. @returns the directory that stands for {@link HOSTS} */
async function configured(world: World, registry: string, hosts: string): Promise<string> {
  const at = join(world.directory, randomUUID())
  await mkdir(join(at, registry), { recursive: true })
  await writeFile(join(at, registry, 'hosts.toml'), hosts)
  return at
}

async function assertRuns(world: World, engine: ContainerdEngine, image: Image): Promise<void> {
  const stored = lines(await ctr(world, engine, ['content', 'ls', '--quiet']))
  for (const { digest } of [image.manifest, ...image.blobs]) assert.ok(stored.includes(digest))
  const container = ['run', '--rm', DEMO, `example-${randomUUID()}`]
  assert.equal(await ctr(world, engine, container), WORDS)
}

function ctr(
  { tool, signal }: World,
  { env }: ContainerdEngine,
  args: string[],
  input?: Uint8Array,
): Promise<string> {
  return run(tool('ctr'), args, { env, signal, input })
}

async function shell(world: World, { env }: ContainerdEngine, commands: string): Promise<void> {
  await runShell(world, commands, { tools: ['ctr'], env })
}
