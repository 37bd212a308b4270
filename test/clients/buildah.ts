import assert from 'node:assert/strict'
import { cp, mkdir, readFile, symlink, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { run } from '../e2e/support/command.ts'
import { BUSYBOX } from '../e2e/support/needs.ts'
import { containersHome } from './support/containers-home.ts'
import { assertImage, assertPlatforms, mirrored, written } from './support/content.ts'
import { engineUnavailable } from './support/engines.ts'
import { PLATFORMS } from './support/images.ts'
import { plainHttp } from './support/transport.ts'
import type { Client, World } from './client.ts'
import type { Place } from './support/content.ts'

const NAME = 'buildah/hello'
const WORDS = 'hello from buildah\n'
const LOCAL = 'localhost/hello:made'

let env: Readonly<Record<string, string>> = {}
let id = ''
let digest = ''

export const buildah: Client = {
  name: 'buildah',
  needs: ['buildah'],
  unavailable: engineUnavailable,
  version: async ({ tool, signal }) => {
    const words = (await run(tool('buildah'), ['--version'], { signal })).split(' ')
    return words[2] ?? words.join(' ')
  },
  async start(world) {
    env = await containersHome(world.directory)
    await makeFiles(world)
    id = await build(world, ['--tag', LOCAL])
  },
  async stop(world) {
    await cli(world, 'rm', '--all')
    await cli(world, 'rmi', '--all', '--force')
  },

  actions: {
    async push(world) {
      const place = { host: world.host, name: NAME, reference: 'v1' }
      await cli(world, 'push', ...plain(world), LOCAL, `docker://${written(place)}`)
      digest = await assertImage(place, id)
    },

    'pull by tag': (world) => pullAndRun(world, { host: world.host, name: NAME, reference: 'v1' }),

    'pull by digest': (world) =>
      pullAndRun(world, { host: world.host, name: NAME, reference: digest }),

    async 'copy to another daemon'(world) {
      const here = { host: world.host, name: NAME, reference: 'v1' }
      const there = { host: world.other, name: 'buildah/copied', reference: 'v1' }
      await pullAndRun(world, here)
      await cli(world, 'push', ...plain(world), written(here), `docker://${written(there)}`)
      await assertImage(there, id)
    },

    async 'multi-platform index'(world) {
      const place = { host: world.host, name: 'buildah/platforms', reference: 'v1' }
      const list = 'platforms'
      const ids: Record<string, string> = {}
      for (const each of PLATFORMS)
        ids[each] = await build(world, ['--manifest', list, `--platform=linux/${each}`])
      const there = `docker://${written(place)}`
      await cli(world, 'manifest', 'push', '--all', ...plain(world), list, there)
      await assertPlatforms(place, ids)
      for (const [architecture, wanted] of Object.entries(ids)) {
        await forgetAll(world)
        const pulled = await pull(world, place, `--platform=linux/${architecture}`)
        assert.equal(pulled, wanted)
      }
    },

    async 'pull through a mirror'(world) {
      const place = await mirrored(world, NAME, 'v1')
      await pullAndRun(world, place)
      await pullAndRun(world, { ...place, reference: digest })
    },
  },

  cannot: {
    'list tags': 'no command for it',
    delete: 'no command for it: `buildah rmi` is about the local image',
    'artifact with subject':
      'no command for it before version 1.35, in which `buildah manifest add --artifact` makes one',
  },
}

function plain({ host }: World): readonly string[] {
  return plainHttp(host, '--tls-verify=false')
}

function cli({ tool, signal, directory }: World, ...args: string[]): Promise<string> {
  return run(tool('buildah'), args, { env, signal, cwd: directory })
}

/** What goes into the images, and how they are built. */
async function makeFiles({ directory }: World): Promise<void> {
  await mkdir(join(directory, 'files', 'bin'), { recursive: true })
  await cp(BUSYBOX, join(directory, 'files', 'bin', 'busybox'))
  await symlink('busybox', join(directory, 'files', 'bin', 'cat'))
  await writeFile(join(directory, 'files', 'words'), WORDS)
  const steps = ['FROM scratch', 'COPY bin /bin', 'COPY words /', 'CMD ["/bin/cat", "/words"]']
  await writeFile(join(directory, 'files', 'Containerfile'), steps.join('\n'))
}

/** Builds from the files. @returns the id of the image: the digest of its config */
async function build(world: World, options: string[]): Promise<string> {
  const file = join(world.directory, 'id')
  await cli(world, 'build', '--quiet', `--iidfile=${file}`, ...options, 'files')
  return (await readFile(file, 'utf8')).trim()
}

/** Pulls into a storage that has nothing of it. @returns the id of the image that came */
async function pull(world: World, place: Place, ...options: string[]): Promise<string> {
  await forgetAll(world)
  const pulled = await cli(world, 'pull', '--quiet', ...plain(world), ...options, written(place))
  return `sha256:${pulled.trim()}`
}

async function pullAndRun(world: World, place: Place): Promise<void> {
  assert.equal(await pull(world, place), id)
  const container = (await cli(world, 'from', '--pull-never', written(place))).trim()
  const command = ['run', '--isolation=chroot', container, '--', '/bin/cat', '/words']
  assert.equal(await cli(world, ...command), WORDS)
}

async function forgetAll(world: World): Promise<void> {
  await cli(world, 'rm', '--all')
  await cli(world, 'rmi', '--all', '--force')
}
