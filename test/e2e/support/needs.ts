import { constants } from 'node:fs'
import { access, open } from 'node:fs/promises'
import { delimiter, join } from 'node:path'

/** Programs that the specs run, and the Debian package that brings each. */
const PROGRAMS: readonly [name: string, debianPackage: string][] = [
  ['dockerd', 'docker.io'],
  ['docker', 'docker.io (from Debian 13 on: docker-cli)'],
  ['docker-registry', 'docker-registry'],
  ['skopeo', 'skopeo'],
]

/** Goes into the images: a program that needs no libraries. */
export const BUSYBOX = '/bin/busybox'

/** What is missing here for the end-to-end specs, one line each with the way to get it; empty when nothing is. */
export async function missingNeeds(): Promise<string[]> {
  const missing: string[] = []
  if (process.platform !== 'linux')
    missing.push('Linux: the specs run a Docker engine on this machine')
  if (process.getuid?.() !== 0) missing.push('root, which a Docker engine needs: use sudo')
  for (const [name, debianPackage] of PROGRAMS) {
    if (!(await isOnPath(name))) missing.push(`${name}: apt-get install ${debianPackage}`)
  }
  const busybox = await missingBusybox()
  if (busybox !== undefined) missing.push(busybox)
  return missing
}

/** What to do when {@link BUSYBOX} is not what goes into images; `undefined` when it is. */
export async function missingBusybox(): Promise<string | undefined> {
  if (await isStatic(BUSYBOX)) return undefined
  return `a static ${BUSYBOX}: apt-get install busybox-static`
}

async function isOnPath(name: string): Promise<boolean> {
  for (const directory of (process.env['PATH'] ?? '').split(delimiter)) {
    try {
      await access(join(directory, name), constants.X_OK)
      return true
    } catch {
      // Not in this one, whatever the reason.
    }
  }
  return false
}

/** Whether it is a program that names no loader for shared libraries (ELF's `PT_INTERP`), as `ld-linux` or `ld-musl`. */
async function isStatic(path: string): Promise<boolean> {
  try {
    await using file = await open(path)
    const { buffer, bytesRead } = await file.read(Buffer.alloc(4096), 0, 4096, 0)
    return !buffer.subarray(0, bytesRead).includes('/ld-')
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return false
    throw error
  }
}
