import fc from 'fast-check'
import { MUTATIONS } from './mutations/all.ts'
import { MANNERS } from './peer/manners.ts'
import { RECORD_TRICKS } from './peer/records.ts'
import { registryPlan, treeStyle } from './trees/registry.ts'
import type { RegistryPlan, TreeStyle } from './trees/registry.ts'

/** A change of the tree, and the number that its choices follow from. */
export interface Change {
  readonly name: string
  readonly dice: number
}

/** One hostile mirror. */
export interface Case {
  /** What the honest mirror has, and the hostile one has before it is changed. */
  readonly plan: RegistryPlan
  readonly styles: { readonly honest: TreeStyle; readonly hostile: TreeStyle }
  readonly changes: readonly Change[]
  /** A record that is told after the good one. */
  readonly trick: string | undefined
  /** How the hostile peer gives out its blocks; honestly when there is none. */
  readonly manner: string | undefined
  /** The hostile mirror is the only one that has anything. */
  readonly isAlone: boolean
}

const names = (isSlow: boolean): string[] =>
  Object.entries(MANNERS).flatMap(([name, manner]) => (manner.isSlow === isSlow ? [name] : []))

const change: fc.Arbitrary<Change> = fc.record({
  name: fc.constantFrom(...MUTATIONS.keys()),
  dice: fc.nat(1_000_000),
})

export const cases: fc.Arbitrary<Case> = fc.record({
  plan: registryPlan,
  styles: fc.record({ honest: treeStyle, hostile: treeStyle }),
  changes: fc.array(change, { minLength: 1, maxLength: 3 }),
  trick: often(fc.constantFrom(...RECORD_TRICKS.map(({ name }) => name)), 6),
  manner: fc.oneof(
    { weight: 24, arbitrary: fc.constant(undefined) },
    { weight: 5, arbitrary: fc.constantFrom(...names(false)) },
    { weight: 1, arbitrary: fc.constantFrom(...names(true)) },
  ),
  isAlone: fc.constantFrom(false, false, false, false, true),
})

/** One in so many. */
function often<T>(arbitrary: fc.Arbitrary<T>, oneIn: number): fc.Arbitrary<T | undefined> {
  return fc.oneof(
    { weight: oneIn - 1, arbitrary: fc.constant(undefined) },
    { weight: 1, arbitrary },
  )
}
