import { readFile } from 'node:fs/promises'

/**
 * The fenced blocks of a page that have a name. The line above each gives it, where a reader does not see it:
 * `<!-- example: docker push -->`.
 *
 * @throws when two blocks have one name
 */
export async function readExamples(page: string): Promise<Map<string, string>> {
  const examples = new Map<string, string>()
  const text = await readFile(page, 'utf8')
  for (const match of text.matchAll(/^<!-- example: (.+) -->\n```\w+\n([\s\S]*?)^```$/gm)) {
    const [, name = '', block = ''] = match
    if (examples.has(name)) throw new Error(`${page} has two blocks called ${name}`)
    examples.set(name, block)
  }
  return examples
}
