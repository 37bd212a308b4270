import { join } from 'node:path'
import { pathToFileURL } from 'node:url'

/** What a part of the daemon is replaced by, so that a campaign has something to find. */
const HOOKS = ['not-found', 'hash'] as const

/** Options of a daemon that is sabotaged, where it takes more than the shim. */
export function sabotageOptions(sabotage: string | undefined): { nodeOptions?: string[] } {
  if (!HOOKS.some((hook) => hook === sabotage)) return {}
  const url = pathToFileURL(join(import.meta.dirname, `${sabotage}.ts`)).href
  return { nodeOptions: [`--import=${url}`] }
}
