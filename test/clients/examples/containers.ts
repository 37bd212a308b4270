import assert from 'node:assert/strict'
import { randomUUID } from 'node:crypto'
import { mkdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { run } from '../../e2e/support/command.ts'
import { writeLayout } from '../../e2e/support/oci-layout.ts'
import { containersHome } from '../support/containers-home.ts'
import { assertGone, assertImage, assertSame } from '../support/content.ts'
import { engineUnavailable } from '../support/engines.ts'
import { idOf, plainImage } from '../support/images.ts'
import { filled } from './blocks.ts'
import { THROUGH, provide } from './demo.ts'
import { runShell } from './shell.ts'
import type { World } from '../client.ts'
import type { Place } from '../support/content.ts'
import type { Example, Examples } from './example.ts'

/** One of the tools that read `registries.conf`. */
type Tool = 'podman' | 'buildah' | 'skopeo'

/** A directory with a home of its own in it, where a block is run. */
interface Desk {
  world: World
  env: Readonly<Record<string, string>>
}

const image = plainImage('hello from the containers examples\n')

/** What each is asked for through a mirror, and under which name Heliport is asked then. */
const MIRRORED = [
  { asked: 'docker.io/library/demo:v1', kept: 'library/demo' },
  { asked: 'quay.io/team/app:v1', kept: 'quay.io/team/app' },
] as const

/** How what was pulled is found by its name. @returns the id of the image */
const PULLED: Record<Tool, (desk: Desk, name: string) => Promise<string>> = {
  podman: (desk, name) => cli(desk, 'podman', ['image', 'inspect', '--format={{.Id}}', name]),
  buildah: (desk, name) =>
    cli(desk, 'buildah', ['inspect', '--type=image', '--format={{.FromImageID}}', name]),
  async skopeo({ world }, name) {
    // The block copies into a directory with the image's name.
    const directory = join(world.directory, /([^/]+):v1$/.exec(name)![1]!)
    const manifest = JSON.parse(await readFile(join(directory, 'manifest.json'), 'utf8')) as {
      config: { digest: string }
    }
    return manifest.config.digest.replace('sha256:', '')
  },
}

/** The examples of podman, buildah and skopeo, which share their configuration. */
export const containersExamples: readonly Examples[] = (
  ['podman', 'buildah', 'skopeo'] as const
).map((tool) => ({
  name: tool,
  needs: [tool],
  ...(tool === 'skopeo' ? {} : { unavailable: engineUnavailable }),
  examples: [pushes(tool), ...THROUGH.map(({ what, host }) => mirror(tool, what, host))],
}))

function pushes(tool: Tool): Example {
  return {
    name: 'push and pull',
    blocks: ['registries.conf plain HTTP', `${tool} push`],
    async run(outer, config: string, commands: string) {
      const desk = await sit(outer, filled(config, outer))
      const { world, env } = desk
      await writeLayout(join(world.directory, 'hello'), image)
      if (tool !== 'skopeo') {
        const id = await cli(desk, tool, ['pull', '--quiet', 'oci:hello:v1'])
        await cli(desk, tool, ['tag', id, 'localhost/hello'])
      }
      await runShell(world, filled(commands, world), { tools: [tool], env })
      const place: Place = { host: world.host, name: `team/${tool}-hello`, reference: 'v1' }
      await assertImage(place, idOf(image))
      if (tool !== 'skopeo') return
      await assertSame({ ...place, host: world.other }, place)
      await assertGone({ ...place, host: world.other, name: 'team/skopeo-old' })
    },
  }
}

function mirror(tool: Tool, what: string, host: (world: World) => string): Example {
  return {
    name: `registries.conf, ${what}`,
    blocks: ['registries.conf mirror', `${tool} mirror`],
    async run(outer, config: string, commands: string) {
      for (const { kept } of MIRRORED) await provide(outer, kept, image)
      const desk = await sit(outer, filled(config, { ...outer, host: host(outer) }))
      const { world, env } = desk
      await runShell(world, filled(commands, world), { tools: [tool], env })
      for (const { asked } of MIRRORED)
        assert.equal(`sha256:${await PULLED[tool](desk, asked)}`, idOf(image))
    },
  }
}

/** An empty directory with a home, so that no example finds what another has left. */
async function sit(world: World, registries: string): Promise<Desk> {
  const directory = join(world.directory, randomUUID())
  await mkdir(directory)
  const env = await containersHome(directory, registries)
  return { world: { ...world, directory }, env }
}

async function cli({ world, env }: Desk, tool: Tool, args: string[]): Promise<string> {
  const { signal, directory: cwd } = world
  return (await run(world.tool(tool), args, { env, signal, cwd })).trim()
}
