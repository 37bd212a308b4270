import { statfs } from 'node:fs/promises'

/** What a disk has. */
export interface DiskSpace {
  /** Bytes that we may take. */
  readonly free: number
  readonly total: number
  /** Files that can still be made; `Infinity` on a file system that does not count them. */
  readonly freeFiles: number
}

/** How the disk stands on which something is. */
export async function diskSpace(path: string): Promise<DiskSpace> {
  const { bavail, blocks, bsize, files, ffree } = await statfs(path)
  return {
    free: bavail * bsize,
    total: blocks * bsize,
    freeFiles: files === 0 ? Infinity : ffree,
  }
}
