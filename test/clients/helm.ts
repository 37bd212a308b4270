import assert from 'node:assert/strict'
import { randomUUID } from 'node:crypto'
import { mkdir, readFile, readdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { OCI_IMAGE_MANIFEST } from '../../src/oci/media-type.ts'
import { indexOf, piece } from '../support/random-image.ts'
import { client, refused } from './support/go-client.ts'
import { clientOf, contentAt, manifestAt, mirrored } from './support/content.ts'
import { plainHttp } from './support/transport.ts'
import type { Client, World } from './client.ts'
import type { Place } from './support/content.ts'

const APP = 'helm/app'
/** A tag cannot hold a plus sign; helm writes an underscore for it, and turns it back. */
const NEXT = '2.0.0-rc.1+build.7'
const VERSIONS = ['1.2.3', '1.10.0', NEXT]
const TAGS = ['1.10.0', '1.2.3', '2.0.0-rc.1_build.7']
/** Lies beside the first version's archive, and is pushed with it. */
const PROVENANCE = 'what says who made it\n'

const CHART = `
apiVersion: v2
name: app
version: 0.0.0
description: ${randomUUID()}
`
const TEMPLATE = `
apiVersion: v1
kind: ConfigMap
metadata:
  name: {{ .Release.Name }}
data:
  words: {{ .Values.words | quote }}
  version: {{ .Chart.Version | quote }}
`

/** Charts, in the way that helm keeps them in registries (`oci://`). */
export const helm: Client = {
  name: 'helm',
  needs: ['helm'],
  version: async (world) => (await run(world, 'version', '--template={{.Version}}')).trim(),

  async start(world) {
    const chart = join(world.directory, 'app')
    await mkdir(join(chart, 'templates'), { recursive: true })
    await writeFile(join(chart, 'Chart.yaml'), CHART)
    await writeFile(join(chart, 'values.yaml'), 'words: from helm\n')
    await writeFile(join(chart, 'templates', 'words.yaml'), TEMPLATE)
    for (const version of VERSIONS) await run(world, 'package', 'app', '--version', version)
    await writeFile(`${archive(world, '1.2.3')}.prov`, PROVENANCE)
  },

  actions: {
    async push(world) {
      for (const version of VERSIONS) await pushes(world, world.host, version)
      const place = { host: world.host, name: APP, reference: '1.2.3' }
      const { headers } = await clientOf(world).call('HEAD', `/v2/${APP}/manifests/1.2.3`)
      const { manifest } = await manifestAt(place)
      // Its manifests do not say what they are.
      assert.equal(manifest.mediaType, undefined)
      assert.equal(headers.get('content-type'), OCI_IMAGE_MANIFEST)
      const provenance = Buffer.from(PROVENANCE)
      const all = [...(await contentAt(place)).values()]
      assert.ok(all.some((bytes) => bytes.equals(provenance)))
    },

    async 'pull by tag'(world) {
      for (const version of VERSIONS) await pulls(world, `${world.host}/${APP}`, version)
      await pullsProvenance(world, world.host)
      await reads(world, world.host)
      await chooses(world, world.host)
    },

    async 'pull by digest'(world) {
      const { digest } = await manifestAt({ ...world, name: APP, reference: '1.10.0' })
      await pulls(world, `${world.host}/${APP}@${digest}`, '1.10.0', [])
      const shown = await shows(world, 'chart', `${world.host}/${APP}@${digest}`)
      assert.match(shown, /^version: 1\.10\.0$/m)
      await pullsFromIndex(world)
    },

    async 'copy to another daemon'(world) {
      const from = await pulls(world, `${world.host}/${APP}`, NEXT)
      await pushes(world, world.other, NEXT, from)
      await pulls(world, `${world.other}/${APP}`, NEXT)
    },

    async 'pull through a mirror'(world) {
      const { host } = await mirrored(world, APP, TAGS[2]!)
      for (const version of VERSIONS) await pulls(world, `${host}/${APP}`, version)
      const { digest } = await manifestAt({ host, name: APP, reference: '1.2.3' })
      await pulls(world, `${host}/${APP}@${digest}`, '1.2.3', [])
      await pullsProvenance(world, host)
      await reads(world, host)
      await chooses(world, host)
      await depends(world, host)
    },
  },

  cannot: {
    'list tags':
      'no command for it; it chooses from the tags when it is asked for a range of versions',
    'multi-platform index': 'it makes none: charts are of no platform',
    delete: 'no command for it: `helm uninstall` is about the cluster',
    'artifact with subject': 'no command for it: provenance is a layer of the chart itself',
  },
}

/** Runs helm with caches that are empty: what it prints and writes came from the registry. */
async function run(world: World, ...args: string[]): Promise<string> {
  const at = (what: string) => join(world.directory, `helm-${what}-${randomUUID()}`)
  const env = {
    HELM_CACHE_HOME: at('cache'),
    HELM_CONFIG_HOME: at('config'),
    HELM_DATA_HOME: at('data'),
    KUBECONFIG: join(world.directory, 'no-cluster'),
  }
  return client(world, 'helm', args, { env })
}

function archive(world: World, version: string): string {
  return join(world.directory, `app-${version}.tgz`)
}

/** Pushes an archive; the registry has its bytes, under the tag of the version. */
async function pushes(
  world: World,
  host: string,
  version: string,
  path = archive(world, version),
): Promise<void> {
  await run(world, 'push', ...plainHttp(world.host, '--plain-http'), path, `oci://${host}/helm`)
  const place: Place = { host, name: APP, reference: version.replace('+', '_') }
  const { manifest } = await manifestAt(place)
  const layer = manifest.layers?.find(({ mediaType }) => /helm\.chart\.content/.test(mediaType))
  const stored = await clientOf(place).blob(APP, layer?.digest ?? '')
  assert.ok(stored.equals(await readFile(archive(world, version))), `the archive of ${version}`)
}

/** Pulls a chart, whose archive must be the one that was packed. @returns where it is */
async function pulls(
  world: World,
  from: string,
  version: string,
  which = ['--version', version],
): Promise<string> {
  const to = join(world.directory, `pulled-${randomUUID()}`)
  await mkdir(to)
  await run(
    world,
    'pull',
    ...plainHttp(world.host, '--plain-http'),
    `oci://${from}`,
    '--destination',
    to,
    ...which,
  )
  const [name, ...rest] = await readdir(to)
  assert.deepEqual(rest, [])
  const pulled = join(to, name ?? '')
  const wanted = await readFile(archive(world, version))
  assert.ok((await readFile(pulled)).equals(wanted), `${version} from ${from}`)
  return pulled
}

async function pullsProvenance(world: World, host: string): Promise<void> {
  const to = join(world.directory, `pulled-${randomUUID()}`)
  await mkdir(to)
  const which = ['--version', '1.2.3', '--destination', to]
  await run(
    world,
    'pull',
    ...plainHttp(world.host, '--plain-http'),
    '--prov',
    `oci://${host}/${APP}`,
    ...which,
  )
  assert.equal(await readFile(join(to, 'app-1.2.3.tgz.prov'), 'utf8'), PROVENANCE)
}

function shows(world: World, what: string, from: string, ...which: string[]): Promise<string> {
  return run(
    world,
    'show',
    what,
    ...plainHttp(world.host, '--plain-http'),
    `oci://${from}`,
    ...which,
  )
}

/** What needs no archive on disk, and no cluster. */
async function reads(world: World, host: string): Promise<void> {
  const from = `${host}/${APP}`
  const which = ['--version', NEXT]
  assert.match(await shows(world, 'chart', from, ...which), /^version: 2\.0\.0-rc\.1\+build\.7$/m)
  assert.match(await shows(world, 'values', from, ...which), /^words: from helm$/m)
  const release = [
    'release',
    `oci://${from}`,
    ...plainHttp(world.host, '--plain-http'),
    ...which,
    '--set',
    'words=mine',
  ]
  for (const command of [['template'], ['install', '--dry-run=client']]) {
    const made = await run(world, ...command, ...release)
    assert.match(made, /^ {2}words: "mine"\n {2}version: "2\.0\.0-rc\.1\+build\.7"$/m)
  }
}

/** There is no command that prints the tags, but ranges of versions are chosen from them. */
async function chooses(world: World, host: string): Promise<void> {
  assert.deepEqual(await clientOf({ host }).tags(APP), TAGS)
  const versions: [range: string[], chosen: string][] = [
    [[], '1.10.0'],
    [['--version=~1.2'], '1.2.3'],
    [['--version=^1.0.0'], '1.10.0'],
    [['--devel'], NEXT],
  ]
  for (const [range, chosen] of versions) {
    const shown = await shows(world, 'chart', `${host}/${APP}`, ...range)
    assert.match(shown, new RegExp(`^version: ${chosen.replaceAll(/[.+]/g, '\\$&')}$`, 'm'))
  }
  await refused(
    shows(world, 'chart', `${host}/${APP}`, '--version=^9'),
    /[Cc]ould not locate a version/,
  )
}

/** A chart that is made of another: helm fetches it, and packs it in. */
async function depends(world: World, host: string): Promise<void> {
  const chart = join(world.directory, 'whole')
  await mkdir(chart)
  const lines = ['apiVersion: v2', 'name: whole', 'version: 1.0.0', 'dependencies:']
  const other = [`  - name: app`, `    version: ^1`, `    repository: oci://${host}/helm`]
  await writeFile(join(chart, 'Chart.yaml'), [...lines, ...other, ''].join('\n'))
  await run(world, 'dependency', 'update', ...plainHttp(world.host, '--plain-http'), 'whole')
  const fetched = await readFile(join(chart, 'charts', 'app-1.10.0.tgz'))
  assert.ok(fetched.equals(await readFile(archive(world, '1.10.0'))))
}

/** It makes no index, but takes the chart out of one. */
async function pullsFromIndex(world: World): Promise<void> {
  const { bytes } = await clientOf(world).manifest(APP, '1.2.3')
  const index = indexOf([piece(bytes, OCI_IMAGE_MANIFEST)])
  await clientOf(world).putManifest(APP, index.digest, index)
  await pulls(world, `${world.host}/${APP}@${index.digest}`, '1.2.3', [])
}
