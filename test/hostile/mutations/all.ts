import { CLAIMS } from './claims.ts'
import { GAPS } from './gaps.ts'
import { KINDS_OF_NODES } from './kinds.ts'
import { MAPS } from './maps.ts'
import { HOSTILE_NAMES } from './names.ts'
import { FOLDERS } from './shapes.ts'
import { SIZES } from './sizes.ts'
import type { Mutation } from './scene.ts'

/** Every way in which a tree may be hostile, by its name. */
export const MUTATIONS: ReadonlyMap<string, Mutation> = new Map(
  [...MAPS, ...SIZES, ...FOLDERS, ...HOSTILE_NAMES, ...KINDS_OF_NODES, ...CLAIMS, ...GAPS].map(
    (mutation) => [mutation.name, mutation],
  ),
)
