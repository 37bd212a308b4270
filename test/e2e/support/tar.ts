/** A file, directory or symbolic link in an archive. */
export interface TarEntry {
  path: string
  content?: Uint8Array | string
  /** Where a symbolic link points to. */
  link?: string
  /** Permissions; 0644, or 0755 for a directory, if not given. */
  mode?: number
}

const BLOCK = 512

/** An archive in the ustar format (POSIX.1-1988), the same bytes for the same entries: owner root, time zero. */
export function tar(entries: readonly TarEntry[]): Uint8Array {
  const parts = entries.flatMap((entry) => {
    const content = Buffer.from(entry.content ?? '')
    return [header(entry, content.length), content, Buffer.alloc(-content.length & (BLOCK - 1))]
  })
  return Buffer.concat([...parts, Buffer.alloc(2 * BLOCK)])
}

function header({ path, link, mode }: TarEntry, size: number): Buffer {
  const isDirectory = path.endsWith('/')
  const block = Buffer.alloc(BLOCK)
  block.write(path, 0, 100)
  block.write(octal(mode ?? (isDirectory ? 0o755 : 0o644), 7), 100)
  block.write(octal(0, 7), 108)
  block.write(octal(0, 7), 116)
  block.write(octal(size, 11), 124)
  block.write(octal(0, 11), 136)
  block.write(' '.repeat(8), 148) // the checksum is made with blanks in its place
  block.write(link !== undefined ? '2' : isDirectory ? '5' : '0', 156)
  block.write(link ?? '', 157, 100)
  block.write('ustar\0' + '00', 257)
  const sum = block.reduce((total, byte) => total + byte, 0)
  block.write(`${octal(sum, 6)}\0 `, 148)
  return block
}

function octal(value: number, digits: number): string {
  return value.toString(8).padStart(digits, '0')
}
