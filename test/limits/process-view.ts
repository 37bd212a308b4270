import { readFile, readdir } from 'node:fs/promises'

/** What a process holds. */
export interface Held {
  /** Bytes of memory. */
  readonly resident: number
  readonly files: number
}

/** Looks at a process from outside (Linux). */
export async function heldBy(pid: number): Promise<Held> {
  const status = await readFile(`/proc/${pid}/status`, 'latin1')
  const kilobytes = Number(/^VmRSS:\s+(\d+) kB$/m.exec(status)?.[1])
  return { resident: kilobytes * 1024, files: (await readdir(`/proc/${pid}/fd`)).length }
}
