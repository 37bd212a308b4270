import { join } from 'node:path'
import { pathToFileURL } from 'node:url'

/** What a part of the daemon is replaced by, so that a campaign has something to find. */
const HOOKS = ['not-found', 'as-404', 'hash', 'unbounded', 'leak'] as const

/** Options of a daemon that is sabotaged, where it takes more than the shim. */
export function sabotageOptions(...sabotages: (string | undefined)[]): { nodeOptions: string[] } {
  const hooks = HOOKS.filter((hook) => sabotages.includes(hook))
  const urls = hooks.map((hook) => pathToFileURL(join(import.meta.dirname, `${hook}.ts`)).href)
  return { nodeOptions: urls.map((url) => `--import=${url}`) }
}
