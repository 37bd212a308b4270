import { readFile } from 'node:fs/promises'

/** Where Linux says how much of the time something waited for a disk (Documentation/accounting/psi.rst there). */
const FILE = '/proc/pressure/io'

/** Part of the last ten seconds, beyond which the disk counts as busy. */
const BUSY = 0.1

/** Whether the machine's disks have enough to do; `false` where the system does not tell. */
export async function isDiskBusy(
  read: (path: string) => Promise<string> = readText,
): Promise<boolean> {
  let text
  try {
    text = await read(FILE)
  } catch {
    return false // another system, or a kernel that does not count it
  }
  const percent = /^some avg10=([\d.]+)/m.exec(text)?.[1]
  return percent !== undefined && Number(percent) / 100 > BUSY
}

function readText(path: string): Promise<string> {
  return readFile(path, 'utf8')
}
