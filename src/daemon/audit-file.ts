import { open, rename, stat } from 'node:fs/promises'
import { isNotFound } from '../blocks/files.ts'
import { StorageError } from '../blocks/storage-error.ts'
import type { FileHandle } from 'node:fs/promises'

/** How large the file may grow, in bytes, and how many earlier ones are kept. */
export interface AuditFileOptions {
  readonly maxSize: number
  readonly keep: number
}

const NEWLINE = 0x0a

/**
 * A file that only grows at its end. When it would grow beyond its size it becomes `<path>.1`, and what was that
 * `<path>.2` …; and when somebody else moves it (logrotate), the next line goes to a new one. One caller at a time.
 */
export class AuditFile {
  readonly #path: string
  readonly #options: AuditFileOptions
  #handle: FileHandle | undefined

  constructor(path: string, options: AuditFileOptions) {
    this.#path = path
    this.#options = options
  }

  /** Opens it, and makes it if it is not there. @throws the system's error; an Error when it is no file */
  async open(): Promise<void> {
    await this.#open()
  }

  /**
   * Adds whole lines. When that fails, none of them are there.
   *
   * @throws the system's error
   */
  async append(lines: string): Promise<void> {
    const bytes = Buffer.from(lines)
    let handle = await this.#current()
    let { size } = await handle.stat()
    if (size > 0 && size + bytes.length > this.#options.maxSize) {
      handle = await this.#rotate()
      ;({ size } = await handle.stat())
    }
    try {
      await writeAll(handle, bytes)
    } catch (error) {
      // On a full disk a part may have been written: half a line would be no JSON. Shortening a file needs no room.
      await handle.truncate(size).catch(() => this.close())
      throw error
    }
  }

  /** What was added survives the power failing. @throws the system's error */
  async sync(): Promise<void> {
    await this.#handle?.datasync()
  }

  async close(): Promise<void> {
    const handle = this.#handle
    this.#handle = undefined
    await handle?.close()
  }

  /** The file that has the name now. */
  async #current(): Promise<FileHandle> {
    const handle = this.#handle
    if (handle === undefined) return await this.#open()
    const [held, named] = await Promise.all([handle.stat(), statIfThere(this.#path)])
    if (named?.ino === held.ino && named.dev === held.dev) return handle
    await handle.datasync()
    await this.close()
    return await this.#open()
  }

  async #rotate(): Promise<FileHandle> {
    await this.sync()
    await this.close()
    for (let index = this.#options.keep - 1; index >= 1; index--)
      await renameIfThere(`${this.#path}.${index}`, `${this.#path}.${index + 1}`)
    await rename(this.#path, `${this.#path}.1`)
    return await this.#open()
  }

  async #open(): Promise<FileHandle> {
    // For reading too: only so can be seen how it ends.
    const handle = await open(this.#path, 'a+', 0o600)
    try {
      const info = await handle.stat()
      if (!info.isFile()) throw new StorageError('it is not a file', 'EINVAL', true)
      if (info.size > 0 && !(await endsWhole(handle, info.size))) await handle.write('\n')
    } catch (error) {
      await handle.close()
      throw error
    }
    this.#handle = handle
    return handle
  }
}

/** A process that was killed while it wrote has left half a line. */
async function endsWhole(handle: FileHandle, size: number): Promise<boolean> {
  const { buffer } = await handle.read(Buffer.alloc(1), 0, 1, size - 1)
  return buffer[0] === NEWLINE
}

async function writeAll(handle: FileHandle, bytes: Uint8Array): Promise<void> {
  for (let written = 0; written < bytes.length;)
    written += (await handle.write(bytes, written)).bytesWritten
}

async function statIfThere(path: string): Promise<{ ino: number; dev: number } | undefined> {
  try {
    return await stat(path)
  } catch (error) {
    if (isNotFound(error)) return undefined
    throw error
  }
}

async function renameIfThere(from: string, to: string): Promise<void> {
  try {
    await rename(from, to)
  } catch (error) {
    if (!isNotFound(error)) throw error
  }
}
