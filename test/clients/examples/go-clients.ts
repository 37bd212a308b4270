import assert from 'node:assert/strict'
import { mkdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { NO_WAY_OUT } from '../../e2e/support/no-way-out.ts'
import { assertImage, assertSame, clientOf, manifestAt } from '../support/content.ts'
import { lines } from '../support/engines.ts'
import { dockerArchive, idOf, plainImage, pushable } from '../support/images.ts'
import { filled } from './blocks.ts'
import { runShell } from './shell.ts'
import type { World } from '../client.ts'
import type { Examples } from './example.ts'

type Tool = 'crane' | 'regctl' | 'oras' | 'helm' | 'cosign'

const image = plainImage('hello from the examples of the clients in Go\n')
const NOTES = 'notes\n'

/** What is there before a reader begins, and what must be there afterwards. */
const STORIES: Record<Tool, { before(world: World): Promise<void>; after: typeof assertSaid }> = {
  crane: {
    before: writeArchive,
    async after(world, said) {
      const place = { host: world.host, name: 'team/crane-hello', reference: 'v1' }
      await assertImage(place, idOf(image))
      await assertSame({ ...place, host: world.other }, place)
      assert.ok((await readFile(join(world.directory, 'back.tar'))).length > 0)
      await assertSaid(world, said, 'v1')
    },
  },
  regctl: {
    before: writeArchive,
    async after(world, said) {
      const place = { host: world.host, name: 'team/regctl-hello', reference: 'v1' }
      await assertImage(place, idOf(image))
      await assertSame({ ...place, host: world.other }, place)
      await assertSaid(world, said, 'v1')
    },
  },
  oras: {
    async before({ directory }) {
      await writeFile(join(directory, 'notes.txt'), NOTES)
      await writeFile(join(directory, 'sbom.json'), '{}')
    },
    async after(world, said) {
      const place = { host: world.host, name: 'team/oras-notes', reference: 'v1' }
      const { digest } = await manifestAt(place)
      const { manifests } = await clientOf(place).referrers(place.name, digest)
      assert.deepEqual(
        manifests.map((each) => each.artifactType),
        ['application/vnd.example.sbom'],
      )
      assert.match(said, /application\/vnd\.example\.sbom/)
      await assertSame({ ...place, host: world.other }, place)
      assert.equal(await readFile(join(world.directory, 'back', 'notes.txt'), 'utf8'), NOTES)
    },
  },
  helm: {
    async before({ directory }) {
      await mkdir(join(directory, 'hello'))
      const chart = 'apiVersion: v2\nname: hello\nversion: 0.1.0\n'
      await writeFile(join(directory, 'hello', 'Chart.yaml'), chart)
    },
    async after(world) {
      const file = (...path: string[]) => readFile(join(world.directory, ...path))
      const archive = await file('hello-0.1.0.tgz')
      assert.match(await readFile(join(world.directory, 'back/hello/Chart.yaml'), 'utf8'), /hello/)
      const place = { host: world.host, name: 'charts/hello', reference: '0.1.0' }
      const { manifest } = await manifestAt(place)
      const stored = await clientOf(place).blob(place.name, manifest.layers?.[0]?.digest ?? '')
      assert.ok(stored.equals(archive))
    },
  },
  cosign: {
    async before(world) {
      await clientOf(world).pushImage('team/cosign-hello', pushable(image), { tag: 'v1' })
    },
    async after(world, said) {
      const { digest } = image.manifest
      const { manifests } = await clientOf(world).referrers('team/cosign-hello', digest)
      assert.equal(manifests.length, 1)
      assert.ok(said.includes(digest), said)
    },
  },
}

/** The clients in Go: none of them needs anything of the machine. */
export const goExamples: readonly Examples[] = Object.entries(STORIES).map(
  ([name, { before, after }]) => {
    const tool = name as Tool
    return {
      name: tool,
      needs: [tool],
      examples: [
        {
          name: 'push and pull',
          blocks: [`${tool} push`],
          async run(world: World, commands: string) {
            await before(world)
            const env = await homeOf(world)
            const said = await runShell(world, filled(commands, world), { tools: [tool], env })
            await after(world, said)
          },
        },
      ],
    }
  },
)

async function writeArchive({ directory }: World): Promise<void> {
  await writeFile(join(directory, 'hello.tar'), dockerArchive(image, 'hello:v1'))
}

/** One of the lines that came is this one. */
function assertSaid(_: World, said: string, line = ''): Promise<void> {
  assert.ok(lines(said).includes(line), said)
  return Promise.resolve()
}

/** What they keep, and what the documentation leaves to the reader. */
async function homeOf({ directory }: World): Promise<Record<string, string>> {
  const home = join(directory, 'home')
  await mkdir(home)
  return {
    ...NO_WAY_OUT,
    HOME: home,
    XDG_CONFIG_HOME: join(home, 'config'),
    XDG_CACHE_HOME: join(home, 'cache'),
    XDG_DATA_HOME: join(home, 'data'),
    DOCKER_CONFIG: join(home, 'docker'),
    COSIGN_PASSWORD: 'secret',
    DIGEST: image.manifest.digest,
  }
}
