import { execFile } from 'node:child_process'
import { readFile } from 'node:fs/promises'
import { promisify } from 'node:util'

/** What a process has in RAM, in bytes. */
export interface Memory {
  /** All of it. */
  readonly all: number
  /** Without pages of files, which the kernel takes back when it needs them; only Linux tells them apart. */
  readonly own: number
  /** What its JavaScript holds, buffers and all, once all garbage is collected; where that was done. */
  readonly live?: number
}

/** Reads it. @throws when there is no such process */
export async function memoryOf(pid: number): Promise<Memory> {
  if (process.platform !== 'linux') {
    const { stdout } = await promisify(execFile)('ps', ['-o', 'rss=', '-p', String(pid)])
    const all = Number(stdout) * 1024
    return { all, own: all }
  }
  // proc(5)
  const status = await readFile(`/proc/${pid}/status`, 'utf8')
  const bytes = (name: string): number => {
    const kilobytes = new RegExp(`^${name}:\\s+(\\d+) kB$`, 'm').exec(status)?.[1]
    if (kilobytes === undefined) throw new Error(`process ${pid} has no ${name}`)
    return Number(kilobytes) * 1024
  }
  return { all: bytes('VmRSS'), own: bytes('RssAnon') }
}

/** In mebibytes, for people. */
export function mebibytes(bytes: number): string {
  return `${Math.round(bytes / 2 ** 20)} MiB`
}
