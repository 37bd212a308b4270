import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { World } from '../client.ts'

const DOCUMENT = join(import.meta.dirname, '../../../docs/clients.md')

/** Where the registry is in the documentation. */
const WRITTEN_HOST = '127.0.0.1:5000'
/** And another one. */
const WRITTEN_OTHER = '127.0.0.1:5001'

/**
 * The fenced blocks of docs/clients.md, by name. The line above each names it, where a reader does not see it:
 * `<!-- example: docker push -->`.
 *
 * @throws when a block has no name, or one that another has
 */
export async function readBlocks(): Promise<Map<string, string>> {
  const blocks = new Map<string, string>()
  const document = await readFile(DOCUMENT, 'utf8')
  for (const match of document.matchAll(/^(.*)\n```\w+\n([\s\S]*?)^```$/gm)) {
    const [, above = '', text = ''] = match
    const name = /^<!-- example: (.+) -->$/.exec(above)?.[1]
    if (name === undefined) throw new Error(`docs/clients.md: no name above this block:\n${text}`)
    if (blocks.has(name)) throw new Error(`docs/clients.md has two blocks called ${name}`)
    blocks.set(name, text)
  }
  return blocks
}

/** A block as it is used here: with the addresses of our daemons, and further replacements. */
export function filled(
  block: string,
  { host, other }: Pick<World, 'host' | 'other'>,
  more: Readonly<Record<string, string>> = {},
): string {
  let text = block
  for (const [from, to] of Object.entries({
    [WRITTEN_HOST]: host,
    [WRITTEN_OTHER]: other,
    ...more,
  }))
    text = text.replaceAll(from, to)
  return text
}
