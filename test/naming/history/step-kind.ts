import type { World } from './world.ts'

/** Something that happens in a history. */
export interface StepKind {
  readonly name: string
  /** How often, beside the others. */
  readonly weight: number
  /** Does it; what it was about, for the transcript. */
  run(world: World): Promise<string>
}
