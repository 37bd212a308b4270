import { readFile, writeFile } from 'node:fs/promises'
import { availableParallelism, loadavg } from 'node:os'
import { join } from 'node:path'

const PAGE = join(import.meta.dirname, '../../../docs/network.md')

/** What the machine had to do besides, when a run begins: others' work makes every figure worse. */
export function loadNow(): number {
  return loadavg()[0] ?? 0
}

/**
 * Puts the figures of a run into docs/network.md, between `<!-- run: <what> -->` and `<!-- end: <what> -->`, in place of
 * the older ones.
 *
 * @param command as it can be typed again
 * @param load of the machine when the run began
 * @throws Error when the page has no such place
 */
export async function writeFigures(
  what: string,
  { command, load, text }: { command: string; load: number; text: string },
): Promise<void> {
  const date = new Date().toISOString().slice(0, 10)
  const machine = `${availableParallelism()} processors, load ${load.toFixed(1)} when it began`
  const head = `\`${command}\` on ${date}, Node ${process.versions.node}, ${machine}:`
  await writeFile(PAGE, replaced(await readFile(PAGE, 'utf8'), what, `${head}\n\n${text}`))
  console.log('written: docs/network.md')
}

/** The page with another text at its place. @throws Error when it has no such place */
export function replaced(page: string, what: string, text: string): string {
  const [begin, end] = [`<!-- run: ${what} -->`, `<!-- end: ${what} -->`]
  const [from, to] = [page.indexOf(begin), page.indexOf(end)]
  if (from === -1 || to < from) throw new Error(`the page has no ${begin} … ${end}`)
  return `${page.slice(0, from + begin.length)}\n\n${text}\n\n${page.slice(to)}`
}
