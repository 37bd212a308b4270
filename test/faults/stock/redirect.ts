import { registerHooks } from 'node:module'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'

/**
 * Whatever of the daemon imports a file of `src/` gets one of this directory instead; that one may import what it
 * stands for. Only for a daemon that is started with it (`--import`).
 */
export function redirect(file: string, to: string): void {
  const url = pathToFileURL(join(import.meta.dirname, to)).href
  registerHooks({
    resolve(specifier, context, next) {
      const found = next(specifier, context)
      const isOurs = context.parentURL?.includes('/src/') === true
      return isOurs && found.url.endsWith(file) ? { ...found, url } : found
    },
  })
}
