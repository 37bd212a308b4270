import { registerHooks } from 'node:module'

/** Changes the source of one file of the daemon as it is loaded. @throws Error when what is to be replaced is not in it */
export function replaceIn(file: string, what: string, by: string): void {
  registerHooks({
    load(url, context, next) {
      const loaded = next(url, context)
      if (!url.endsWith(file)) return loaded
      const source = Buffer.from(loaded.source as string | Uint8Array).toString()
      if (!source.includes(what)) throw new Error(`${file} has no ${what}`)
      return { ...loaded, source: source.replace(what, by) }
    },
  })
}
