import { readFile, writeFile } from 'node:fs/promises'

/** The most memory a process had in RAM, in bytes (`VmHWM`, proc(5)), since its start or {@link resetPeak}. Linux only. */
export async function peakMemory(pid: number): Promise<number> {
  const status = await readFile(`/proc/${pid}/status`, 'utf8')
  const kilobytes = /^VmHWM:\s+(\d+) kB$/m.exec(status)?.[1]
  if (kilobytes === undefined) throw new Error(`process ${pid} has no VmHWM`)
  return Number(kilobytes) * 1024
}

/** Begins a new peak: what the process has now. */
export async function resetPeak(pid: number): Promise<void> {
  await writeFile(`/proc/${pid}/clear_refs`, '5')
}
