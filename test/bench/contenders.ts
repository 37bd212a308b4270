import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DaemonProcess } from '../support/daemon-process.ts'
import { distributionConfiguration, startPeer, zotConfiguration } from '../support/peer-registry.ts'
import { howToGet } from '../tools/catalog.ts'
import { findTool } from '../tools/find.ts'
import { growDistribution } from './seed/distribution.ts'
import { growHeliport } from './seed/heliport.ts'
import { growZot } from './seed/zot.ts'
import type { PeerRegistry } from '../support/peer-registry.ts'
import type { ToolName } from '../tools/catalog.ts'
import type { Shape } from './seed/shape.ts'

export type ContenderId =
  | 'heliport'
  | 'distribution'
  | 'distribution-debian'
  | 'zot'
  | 'zot-commit'
  /** No registry; for what is measured between two IPFS nodes. */
  | 'kubo'

/** A registry that runs, and nobody else uses. */
export interface Running extends PeerRegistry {
  /** Where Heliport has its data. */
  readonly data?: string
}

/** A registry that is measured. */
export interface Contender {
  readonly id: ContenderId
  readonly title: string
  /** What is on disk when it says 201: seen with `strace -y -e trace=fsync,fdatasync`. */
  readonly durability: string
  /** The program, unless it is this repository's. */
  readonly program?: ToolName
  /** @param seed what it holds when it starts; without it, it is empty */
  start(seed?: Shape): Promise<Running>
}

const SYNCS_ALL = 'content, links and directories are synced before the 201'
const SYNCS_FILES = 'files are synced, directories are not'

const distribution = (id: ContenderId, program: ToolName, title: string, durability: string) => ({
  id,
  program,
  title,
  durability,
  start: (seed?: Shape) =>
    startPeer(program, {
      configuration: distributionConfiguration(),
      fill: seed && ((data) => growDistribution(data, seed)),
    }),
})

const zot = (id: ContenderId, title: string, durability: string, commit: boolean) => ({
  id,
  program: 'zot-minimal' as const,
  title,
  durability,
  start: (seed?: Shape) =>
    startPeer('zot-minimal', {
      configuration: zotConfiguration(commit ? { commit } : {}),
      fill: seed && ((data) => growZot(data, seed)),
    }),
})

export const CONTENDERS: readonly Contender[] = [
  {
    id: 'heliport',
    title: 'Heliport',
    durability: SYNCS_ALL,
    start: (seed) => startHeliport({ seed }),
  },
  distribution(
    'distribution',
    'registry',
    'Distribution 3.1.2',
    'content, links and their directories are synced; the directory that the content is moved to is not',
  ),
  distribution('distribution-debian', 'docker-registry', 'Distribution (Debian)', SYNCS_FILES),
  zot(
    'zot',
    'zot 2.1.20',
    'nothing is synced but its database of duplicates; a power cut loses what was acknowledged',
    false,
  ),
  zot('zot-commit', 'zot 2.1.20, storage.commit', SYNCS_FILES, true),
]

/** Who is measured when nobody says otherwise: Debian's Distribution stands in where the newest is not here. */
export async function usualContenders(): Promise<ContenderId[]> {
  const isHere = async (name: ToolName) => (await findTool(name)) !== undefined
  const newest = await isHere('registry')
  return ['heliport', newest ? 'distribution' : 'distribution-debian', 'zot']
}

/**
 * Those of them that are on this machine, and of the others the way to get them.
 *
 * @param profile where Heliport's CPU profiles go
 */
export async function findContenders(
  ids: readonly ContenderId[],
  profile?: string,
): Promise<{ here: Contender[]; missing: string[] }> {
  const [here, missing]: [Contender[], string[]] = [[], []]
  for (const contender of CONTENDERS.filter(({ id }) => ids.includes(id))) {
    const { program, title } = contender
    if (program === undefined)
      here.push({ ...contender, start: (seed) => startHeliport({ seed, profile }) })
    else if ((await findTool(program)) !== undefined) here.push(contender)
    else missing.push(`${title} (${program}): ${howToGet(program)}`)
  }
  return { here, missing }
}

/** How our own daemon is started. */
export interface HeliportOptions {
  readonly seed?: Shape | undefined
  /** A data directory that is there already, and stays; without it a new one. */
  readonly data?: string | undefined
  /** More of its configuration. */
  readonly config?: Readonly<Record<string, unknown>> | undefined
  /** Where its CPU profile goes when it ends. */
  readonly profile?: string | undefined
}

export async function startHeliport(options: HeliportOptions): Promise<Running> {
  const { seed, data, profile } = options
  const directory = await mkdtemp(join(tmpdir(), 'heliport-bench-'))
  const remove = () => rm(directory, { recursive: true, force: true })
  const path = data ?? join(directory, 'data')
  const nodeOptions = profile === undefined ? [] : ['--cpu-prof', `--cpu-prof-dir=${profile}`]
  try {
    if (seed !== undefined) await growHeliport(path, seed)
    const config = { log: { level: 'error' }, ...options.config }
    const daemon = await DaemonProcess.start({ data: path, config, nodeOptions })
    return {
      host: daemon.host,
      pid: daemon.pid,
      readyAfter: daemon.readyAfter,
      data: path,
      [Symbol.asyncDispose]: async () => {
        await daemon.stop()
        await daemon.remove()
        await remove()
      },
    }
  } catch (error) {
    await remove()
    throw error
  }
}
