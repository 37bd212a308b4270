import { clientOf, mirrored } from '../support/content.ts'
import { pushable } from '../support/images.ts'
import type { Image } from '../../e2e/support/image.ts'
import type { World } from '../client.ts'

/** A registry that an example pulls through: the one that was pushed to, or a mirror of its IPNS name. */
export interface Through {
  readonly what: string
  readonly host: (world: World) => string
}

export const THROUGH: readonly Through[] = [
  { what: 'from the registry', host: ({ host }) => host },
  { what: 'from a mirror by IPNS key', host: ({ mirror }) => mirror },
]

/** Puts an image into the first registry, and waits until the mirror has it. */
export async function provide(world: World, name: string, image: Image): Promise<void> {
  await clientOf(world).pushImage(name, pushable(image), { tag: 'v1' })
  await mirrored(world, name, 'v1')
}
