import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import type { StockPart } from './stock/stock.ts'

/** What a part of the daemon is broken by, so that a campaign has something to find. */
const SABOTAGES = ['not-found', 'as-404', 'hash', 'unbounded', 'leak', 'wall']

/** What is not as it should be in a daemon. */
export interface Changed {
  /** What is broken on purpose. */
  readonly sabotage?: string | undefined
  /** The stock part in the place of ours. */
  readonly stock?: StockPart | undefined
}

/** Options of a daemon that is changed so, where it takes more than the shim. */
export function changedOptions(...changes: readonly Changed[]): { nodeOptions: string[] } {
  const files = changes.flatMap(({ sabotage, stock }) => [
    ...(sabotage !== undefined && SABOTAGES.includes(sabotage) ? [`sabotage/${sabotage}.ts`] : []),
    ...(stock === undefined ? [] : [`stock/${stock}.ts`]),
  ])
  const urls = files.map((file) => pathToFileURL(join(import.meta.dirname, file)).href)
  return { nodeOptions: urls.map((url) => `--import=${url}`) }
}
