import { rm } from 'node:fs/promises'
import { join } from 'node:path'
import { DockerEngine } from '../../e2e/support/docker-engine.ts'
import { copy } from '../../e2e/support/skopeo.ts'
import { howToGet } from '../../tools/catalog.ts'
import { findTool } from '../../tools/find.ts'
import { inTurns } from '../in-turns.ts'
import { OTHERS } from '../scenario.ts'
import { blobsOf, bytesOf, nameOf } from './loads.ts'
import type { ToolName } from '../../tools/catalog.ts'
import type { Goal } from '../figures.ts'
import type { Scenario, Stage } from '../scenario.ts'
import type { BlobLoad } from './loads.ts'

const REPOSITORY = 'bench/image'
const AS_FAST: readonly Goal[] = [{ ratio: 1, than: OTHERS }]

/** Brings an image of `host` anew. */
type Bring = (image: string) => Promise<void>

const SKOPEO: BlobLoad = { count: 8, mib: 100 }
/** The engine copies every layer for the one above it. */
const DOCKER: BlobLoad = { count: 3, mib: 100 }

const skopeo: Scenario = {
  id: 'pull-skopeo',
  title: `Pull of an image of ${nameOf(SKOPEO)} by skopeo`,
  how: 'With `skopeo copy` into a directory; skopeo checks every digest.',
  goals: { time: AS_FAST },
  disk: ({ contenders }) => (contenders.length + 1) * bytesOf(SKOPEO),
  missing: () => missingTool('skopeo'),
  run: (stage) =>
    pullImages(stage, SKOPEO, async (image) => {
      const into = join(stage.directory, 'skopeo')
      await copy(`docker://${image}`, `dir:${into}`)
      await rm(into, { recursive: true })
    }),
}

const docker: Scenario = {
  id: 'pull-docker',
  title: `Pull of an image of ${nameOf(DOCKER)} by Docker`,
  how: 'With `docker pull` into an engine of its own, which unpacks it.',
  goals: { time: AS_FAST },
  disk: ({ contenders }) => (contenders.length + DOCKER.count + 1) * bytesOf(DOCKER),
  missing: async () => {
    if (process.getuid?.() !== 0) return 'root, which a Docker engine needs'
    return (await missingTool('dockerd')) ?? missingTool('docker')
  },
  async run(stage) {
    await using engine = await DockerEngine.start({ below: stage.directory, signal: stage.signal })
    const pulled = new Set<string>()
    return await pullImages(stage, DOCKER, async (image) => {
      if (pulled.has(image)) await engine.forget(image)
      pulled.add(image)
      await engine.docker('pull', '--quiet', image)
    })
  },
}

async function pullImages(stage: Stage, load: BlobLoad, bring: Bring) {
  const size = stage.quick ? { count: load.count, mib: 1 } : load
  // Layers of its own for each registry: an engine keeps what it has seen.
  const seeds = new Map(stage.contenders.map((contender, at) => [contender, at + 1]))
  return inTurns(stage, {
    async prepare({ contender, running: { host } }) {
      const blobs = blobsOf(size, seeds.get(contender) ?? 0, true)
      const order = { host, repository: REPOSITORY, blobs, atOnce: 3 }
      await stage.load.ask({ do: 'image', tag: 'v1', ...order })
      await bring(`${host}/${REPOSITORY}:v1`)
    },
    async turn({ running: { host } }) {
      const began = performance.now()
      await bring(`${host}/${REPOSITORY}:v1`)
      return [{ name: 'time', unit: 'ms', value: performance.now() - began }]
    },
  })
}

async function missingTool(name: ToolName): Promise<string | undefined> {
  return (await findTool(name)) === undefined ? `${name}: ${howToGet(name)}` : undefined
}

export const CLIENT_PULLS: readonly Scenario[] = [skopeo, docker]
