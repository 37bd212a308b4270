import { readFile } from 'node:fs/promises'

/** One change of the disk, as shim.c wrote it down after it had happened; paths are below the data directory. */
export type Change =
  | { kind: 'create'; inode: bigint; path: string }
  | { kind: 'write' | 'truncate'; inode: bigint; number: number; data: Buffer }
  /** `path` is that of a directory; empty for a file. */
  | { kind: 'syncBegin' | 'syncEnd'; inode: bigint; path: string; number: number }
  | { kind: 'rename'; path: string; to: string }
  | { kind: 'unlink' | 'mkdir' | 'rmdir'; path: string }

const KINDS = [
  undefined,
  'create',
  'write',
  'truncate',
  'syncBegin',
  'syncEnd',
  'rename',
  'unlink',
  'mkdir',
  'rmdir',
] as const
/** Four numbers of 32 bits, two of 64. */
const HEAD = 32

/** Everything that was done, in its order; the last record may be missing, since its writer was killed. */
export async function readTrace(path: string): Promise<Change[]> {
  const file = await readFile(path)
  const changes: Change[] = []
  let at = 0
  while (at + HEAD <= file.length) {
    const [kind, ...lengths] = [0, 4, 8, 12].map((offset) => file.readUInt32LE(at + offset))
    const inode = file.readBigUInt64LE(at + 16)
    const number = Number(file.readBigUInt64LE(at + 24))
    const parts: Buffer[] = []
    at += HEAD
    for (const length of lengths) {
      parts.push(file.subarray(at, at + length))
      at += length
    }
    if (at > file.length) break
    changes.push(changeOf(kind ?? 0, inode, number, parts))
  }
  return changes
}

function changeOf(code: number, inode: bigint, number: number, parts: readonly Buffer[]): Change {
  const kind = KINDS[code]
  const [path = '', to = ''] = parts.map(String)
  const data = parts[2] ?? Buffer.alloc(0)
  switch (kind) {
    case undefined:
      throw new Error(`a record of kind ${code} in the trace`)
    case 'create':
      return { kind, inode, path }
    case 'write':
    case 'truncate':
      return { kind, inode, number, data }
    case 'syncBegin':
    case 'syncEnd':
      return { kind, inode, path, number }
    case 'rename':
      return { kind, path, to }
    default:
      return { kind, path }
  }
}
