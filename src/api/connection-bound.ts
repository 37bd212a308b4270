import { readFile } from 'node:fs/promises'

/** However many files there may be: an idle connection costs some 20 KB of memory. */
const MOST = 4096
/** However few: a client has several connections, and one more is needed to see what is wrong. */
const LEAST = 16

/**
 * How many connections may be open at once, so that files never run out: of those that this process may open, a third is
 * for connections, a third for the blocks that are read and written for them, and the rest for the databases and for other
 * nodes. Whoever comes when all are taken is told so (503), which says more than a failed read.
 *
 * @param limits where the system tells what a process may have
 */
export async function connectionBound(limits = '/proc/self/limits'): Promise<number> {
  const files = await openFiles(limits)
  return Math.max(LEAST, Math.min(MOST, Math.floor(files / 3)))
}

/** Elsewhere than on Linux nobody says, and more than enough is usual: Node raises the limit as far as it may. */
async function openFiles(limits: string): Promise<number> {
  try {
    const soft = /^Max open files\s+(\d+)/m.exec(await readFile(limits, 'latin1'))?.[1]
    return soft === undefined ? Infinity : Number(soft)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return Infinity
    throw error
  }
}
