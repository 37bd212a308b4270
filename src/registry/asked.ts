import type { Conditions } from '../oci/conditions.ts'
import type { Rights } from './rights.ts'

/** Every asynchronous call can be given up. */
export interface Abortable {
  signal?: AbortSignal | undefined
}

/** A request of somebody. */
export interface Asked extends Abortable {
  /** Who it is; `undefined`: the registry itself, which may do everything. */
  by?: Rights | undefined
}

/** A request that may be for one state only of what it changes. */
export interface Conditional {
  /** Checked where it is changed, so nobody can come in between. */
  conditions?: Conditions | undefined
}
