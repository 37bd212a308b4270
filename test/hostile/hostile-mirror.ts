import type { CID } from 'multiformats/cid'
import { MUTATIONS } from './mutations/all.ts'
import { Blocks } from './trees/blocks.ts'
import { Dice, NothingToPick } from './trees/dice.ts'
import { draw } from './trees/draft.ts'
import { makeRegistry, treeOf } from './trees/registry.ts'
import type { Case } from './case.ts'
import type { Scene } from './mutations/scene.ts'
import type { HonestRegistry } from './trees/registry.ts'

/** A tree that was drawn. */
export interface Drawn {
  readonly root: CID
  readonly blocks: Blocks
}

/** The two mirrors of a case. */
export interface Mirrors {
  readonly registry: HonestRegistry
  readonly honest: Drawn
  readonly hostile: Drawn
  /** Names of the changes that could be made. */
  readonly changes: readonly string[]
  readonly suggest: readonly string[]
}

/** Draws both trees of a case. @param salt as in {@link makeRegistry} */
export async function drawMirrors(
  { plan, styles, changes, isAlone }: Case,
  salt: string,
): Promise<Mirrors> {
  const registry = makeRegistry(plan, salt)
  const nothing = { names: [], manifests: [], blobs: [] }
  const honest = await drawn(treeOf(isAlone ? nothing : registry, styles.honest))
  const scene: Scene = { registry, root: treeOf(registry, styles.hostile), spoil: [], suggest: [] }
  const made = changes.filter(({ name, dice }) => {
    const mutation = MUTATIONS.get(name)
    if (mutation === undefined) throw new Error(`there is no change "${name}"`)
    try {
      mutation.apply(scene, new Dice(dice))
      return true
    } catch (error) {
      if (error instanceof NothingToPick) return false
      throw error
    }
  })
  const hostile = await drawn(scene.root)
  for (const spoil of scene.spoil) spoil(hostile.blocks, hostile.root)
  return {
    registry,
    honest,
    hostile,
    changes: made.map(({ name }) => name),
    suggest: scene.suggest,
  }
}

async function drawn(tree: Parameters<typeof draw>[1]): Promise<Drawn> {
  const blocks = new Blocks()
  const { cid } = await draw(blocks, tree)
  return { root: cid, blocks }
}
