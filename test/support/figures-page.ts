import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'

const PAGE = join(import.meta.dirname, '../../docs/network.md')

/**
 * Puts what a run has measured into docs/network.md, between `<!-- run: <name> -->` and `<!-- end: <name> -->`, under
 * the command and the day.
 *
 * @throws when the page has no such place
 */
export async function writeFigures(
  name: string,
  command: string,
  lines: readonly string[],
): Promise<void> {
  const page = await readFile(PAGE, 'utf8')
  const [begin, end] = [`<!-- run: ${name} -->`, `<!-- end: ${name} -->`]
  const from = page.indexOf(begin)
  const to = page.indexOf(end)
  if (from === -1 || to < from) throw new Error(`${PAGE} has no ${begin} … ${end}`)
  const day = new Date().toISOString().slice(0, 10)
  const text = [begin, `\`${command}\`, ${day}`, '', ...lines, ''].join('\n')
  await writeFile(PAGE, page.slice(0, from) + text + page.slice(to))
}
