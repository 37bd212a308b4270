import { DaemonProcess } from '../../support/daemon-process.ts'
import { clientOf, mirrored } from '../support/content.ts'
import { plainImage, pushable } from '../support/images.ts'
import { provide } from './demo.ts'
import type { Image } from '../../e2e/support/image.ts'
import type { DaemonStatus } from '../../support/daemon-process.ts'
import type { World } from '../client.ts'

/**
 * What is kept in two namespaces, by the name there. Without their namespaces the names are those of other images: who
 * does not look at `ns` gets the wrong one.
 */
export function inNamespaces(): Record<string, Image> {
  return {
    'docker.io/library/demo': plainImage('of docker.io'),
    'quay.io/team/app': plainImage('of quay.io'),
  }
}

/** A daemon with more configuration, which serves what is {@link inNamespaces}. */
interface Namespaced {
  readonly what: string
  start(world: World, config: Record<string, unknown>): Promise<DaemonProcess>
}

export const NAMESPACED: readonly Namespaced[] = [
  {
    what: 'from the registry',
    async start(_, config) {
      const daemon = await DaemonProcess.start({ config })
      for (const [name, image] of Object.entries(inNamespaces())) {
        await clientOf(daemon).pushImage(name, pushable(image), { tag: 'v1' })
        await pushDecoy(daemon, name)
      }
      return daemon
    },
  },
  {
    what: 'from a mirror by IPNS key',
    async start(world, config) {
      for (const [name, image] of Object.entries(inNamespaces())) {
        await provide(world, name, image)
        await pushDecoy(world, name)
      }
      const answer = await clientOf(world).expect(200, 'GET', '/api/v1/status')
      const { ipns, addresses } = answer.json() as DaemonStatus
      const mirrors = [ipns!.name]
      const daemon = await DaemonProcess.start({ config, mirrors, peers: addresses })
      for (const name of Object.keys(inNamespaces()))
        await mirrored({ ...world, mirror: daemon.host }, name, 'v1')
      return daemon
    },
  },
]

async function pushDecoy(at: { host: string }, name: string): Promise<void> {
  const decoy = pushable(plainImage(`not ${name}`))
  await clientOf(at).pushImage(name.replace(/^[^/]+\//, ''), decoy, { tag: 'v1' })
}
