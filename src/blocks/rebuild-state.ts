import { cp, open, readdir, rename, rm } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { ClassicLevel } from 'classic-level'
import { syncDirectory } from './files.ts'

/** Where LevelDB puts what it could not use; our copy has it too. */
const LEFT = 'lost'

/**
 * Rebuilds a state database that cannot be opened, from its tables and logs, as far as they can be read. A copy of it as it
 * was is kept beside it. It may be interrupted, and done again.
 *
 * @param now milliseconds since the epoch
 * @returns where the copy is
 * @throws what LevelDB says when nothing is left to rebuild it from
 */
export async function rebuildState(directory: string, now: number): Promise<string> {
  const stamp = new Date(now).toISOString().replace(/[:.]/g, '-')
  const copy = `${directory}.damaged-${stamp}`
  const unfinished = `${directory}.copy`
  await rm(unfinished, { recursive: true, force: true })
  await cp(directory, unfinished, { recursive: true })
  await syncAll(unfinished)
  await rename(unfinished, copy)
  await syncDirectory(dirname(directory))
  await ClassicLevel.repair(directory)
  await rm(join(directory, LEFT), { recursive: true, force: true })
  await syncAll(directory)
  return copy
}

async function syncAll(directory: string): Promise<void> {
  const entries = await readdir(directory, { withFileTypes: true })
  for (const entry of entries) if (entry.isFile()) await sync(join(directory, entry.name))
  await syncDirectory(directory)
}

async function sync(file: string): Promise<void> {
  const handle = await open(file, 'r+')
  try {
    await handle.sync()
  } finally {
    await handle.close()
  }
}
