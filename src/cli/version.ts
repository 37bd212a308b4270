import { readFile } from 'node:fs/promises'
import { join } from 'node:path'

/** Heliport's own version, from the package.json beside `src` or `dist`. */
export async function version(): Promise<string> {
  const file = join(import.meta.dirname, '../../package.json')
  const manifest: unknown = JSON.parse(await readFile(file, 'utf8'))
  if (typeof manifest === 'object' && manifest !== null && 'version' in manifest)
    return String(manifest.version)
  throw new Error(`${file} names no version`)
}
