import assert from 'node:assert/strict'
import { run } from '../../e2e/support/command.ts'
import type { DockerEngine } from '../../e2e/support/docker-engine.ts'
import { startDocker } from '../docker.ts'
import { assertImage, assertPlatforms } from '../support/content.ts'
import { engineUnavailable } from '../support/engines.ts'
import { dockerArchive, idOf, idsOf, platformIndex, wordsImage } from '../support/images.ts'
import { filled } from './blocks.ts'
import { THROUGH, provide } from './demo.ts'
import { runShell } from './shell.ts'
import type { World } from '../client.ts'
import type { Examples } from './example.ts'

const WORDS = 'hello from the docker example\n'

/** Docker's images, and Docker Hub's names through Heliport. */
export const dockerExamples: Examples = {
  name: 'docker',
  needs: ['dockerd', 'docker'],
  unavailable: engineUnavailable,
  examples: [
    {
      name: 'push and pull',
      blocks: ['docker push', 'docker platforms'],
      async run(world: World, push: string, platforms: string) {
        const image = await wordsImage(WORDS)
        const { images } = await platformIndex('the docker example')
        await using engine = await startDocker(world)
        await load(world, engine, dockerArchive(image, 'hello:latest'))
        await shell(world, engine, filled(push, world))
        await assertImage({ host: world.host, name: 'team/hello', reference: 'v1' }, idOf(image))
        for (const [architecture, each] of Object.entries(images)) {
          const name = `${world.host}/team/hello:${architecture}`
          await load(world, engine, dockerArchive(each, name))
        }
        await shell(world, engine, filled(platforms, world))
        const place = { host: world.host, name: 'team/hello', reference: 'v2' }
        await assertPlatforms(place, idsOf(images))
      },
    },
    ...THROUGH.map(({ what, host }) => ({
      name: `registry-mirrors, ${what}`,
      blocks: ['docker daemon.json', 'docker mirror'],
      async run(world: World, config: string, pull: string) {
        const image = await wordsImage(WORDS)
        await provide(world, 'library/demo', image)
        await provide(world, 'team/app', image)
        const there = { host: host(world), other: world.other }
        await using engine = await startDocker(world, filled(config, there))
        await shell(world, engine, filled(pull, there))
        for (const name of ['demo:v1', 'team/app:v1']) {
          const args = ['image', 'inspect', '--format={{.Id}}', `docker.io/${name}`]
          assert.equal((await engine.docker(...args)).trim(), idOf(image))
          assert.equal(await engine.run(`docker.io/${name}`), WORDS)
        }
      },
    })),
  ],
}

async function load({ tool, signal }: World, { env }: DockerEngine, input: Uint8Array) {
  await run(tool('docker'), ['load'], { env, signal, input })
}

async function shell(world: World, { env }: DockerEngine, commands: string): Promise<void> {
  await runShell(world, commands, { tools: ['docker'], env })
}
