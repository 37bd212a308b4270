import type { Arena } from './arena.ts'
import type { Id } from './rules.ts'

/** What is done, and looked at. */
export type Story = (arena: Arena) => Promise<void>

/** Where a fault is tested, when that is not here: a path below `test/`. */
export type Elsewhere = { readonly in: string }

/** A row of the table: its id, what is done to us, and how that is seen. */
export type Row =
  | readonly [id: Id, what: string, story: Story]
  | readonly [id: Id, what: string, elsewhere: Elsewhere]

export function isElsewhere(row: Row): row is Extract<Row, readonly [Id, string, Elsewhere]> {
  return typeof row[2] !== 'function'
}
