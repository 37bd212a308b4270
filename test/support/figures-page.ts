import { readFile, writeFile } from 'node:fs/promises'
import { availableParallelism, loadavg } from 'node:os'
import { join } from 'node:path'

const DOCS = join(import.meta.dirname, '../../docs')

/** What the machine had to do besides when we began: others' work makes every figure worse. */
const LOAD = loadavg()[0] ?? 0

/**
 * Puts what a run has measured into a page of docs/, between `<!-- run: <name> -->` and `<!-- end: <name> -->`, under
 * the command, the day and the machine.
 *
 * @throws Error when the page has no such place
 */
export async function writeFigures(
  name: string,
  command: string,
  lines: readonly string[],
  file = 'network.md',
): Promise<void> {
  const path = join(DOCS, file)
  const day = new Date().toISOString().slice(0, 10)
  const machine = `${availableParallelism()} processors, load ${LOAD.toFixed(1)} when it began`
  const head = `\`${command}\` on ${day}, Node ${process.versions.node}, ${machine}:`
  const page = await readFile(path, 'utf8')
  await writeFile(path, replaced(page, name, [head, '', ...lines].join('\n')))
  console.log(`written: docs/${file}`)
}

/** The page with another text at its place. @throws Error when it has no such place */
export function replaced(page: string, name: string, text: string): string {
  const [begin, end] = [`<!-- run: ${name} -->`, `<!-- end: ${name} -->`]
  const [from, to] = [page.indexOf(begin), page.indexOf(end)]
  if (from === -1 || to < from) throw new Error(`the page has no ${begin} … ${end}`)
  return `${page.slice(0, from + begin.length)}\n\n${text}\n\n${page.slice(to)}`
}
