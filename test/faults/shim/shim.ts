import { spawnSync } from 'node:child_process'
import { closeSync, openSync, readSync, writeFileSync, writeSync } from 'node:fs'
import { constants } from 'node:os'
import { join } from 'node:path'

/** Kinds of calls, as bits; shim.c has the same. */
export const CALLS = {
  open: 1,
  create: 2,
  write: 4,
  sync: 8,
  rename: 16,
  unlink: 32,
  read: 64,
  mkdir: 128,
  truncate: 256,
  list: 512,
} as const
export type CallKind = keyof typeof CALLS

/** What a disk says when it fails. */
export type DiskError = 'ENOSPC' | 'EIO' | 'EMFILE' | 'EACCES' | 'EROFS'

/** Which call is the one. */
export interface Aim {
  readonly calls: readonly CallKind[]
  /** Only calls whose path below the data directory has this in it. */
  readonly path?: string
  /** The first call is 1. */
  readonly at: number
}

const ACTIONS = { fail: 1, killBefore: 2, killAfter: 3 } as const
/** Offsets in `struct control`. */
const AT = { action: 0, hits: 20, calls: 24, clock: 28, path: 32, hit: 128 }
const PATH_BYTES = 96
const COMPILER = process.env['CC'] ?? 'cc'
const SIZE = 256

/** What a daemon is started with. */
export interface ShimOptions {
  /** A file for everything that changes on the disk. */
  readonly trace?: string
  /** Sabotage: nothing is ever synced, */
  readonly noSync?: boolean
  /** writes that fail say that all is well, */
  readonly noError?: boolean
  /** or logs whose path has this in it are never written. */
  readonly lose?: string
}

/** Why there is no shim here. */
export class NoShim extends Error {}

/**
 * What stands between a daemon and its disk: a small library (shim.c) that the daemon is started with, and the page of
 * memory through which we tell it what to do while it runs.
 */
export class Shim implements Disposable {
  readonly #library: string
  readonly #control: string
  readonly #fd: number

  private constructor(library: string, control: string) {
    this.#library = library
    this.#control = control
    writeFileSync(control, Buffer.alloc(SIZE))
    this.#fd = openSync(control, 'r+')
  }

  /**
   * Compiles it.
   *
   * @param directory where it and its page may be; not in the data directory
   * @throws NoShim where it cannot be had: it needs Linux with glibc, and a C compiler
   */
  static build(directory: string): Shim {
    if (process.platform !== 'linux') throw new NoShim('files are intercepted on Linux only')
    const library = join(directory, 'shim.so')
    const source = join(import.meta.dirname, 'shim.c')
    const flags = ['-O1', '-fPIC', '-shared', '-o', library, source, '-ldl', '-lpthread']
    const { error, status, stderr } = spawnSync(COMPILER, flags, { encoding: 'utf8' })
    if (error !== undefined)
      throw new NoShim('there is no C compiler (cc): apt-get install gcc libc6-dev')
    if (status !== 0) throw new NoShim(`shim.c does not compile here:\n${stderr}`)
    return new Shim(library, join(directory, 'control'))
  }

  /** The environment of a daemon that is to be under it. */
  environment(data: string, more: ShimOptions = {}): Record<string, string> {
    return {
      LD_PRELOAD: this.#library,
      FAULT_ROOT: data,
      FAULT_CONTROL: this.#control,
      ...(more.trace === undefined ? {} : { FAULT_TRACE: more.trace }),
      ...(more.noSync === true ? { FAULT_NO_SYNC: '1' } : {}),
      ...(more.noError === true ? { FAULT_NO_ERROR: '1' } : {}),
      ...(more.lose === undefined ? {} : { FAULT_LOSE: more.lose }),
    }
  }

  /** From now on the call that is aimed at fails, and with `sticky` all those after it. */
  fail(aim: Aim, error: DiskError, { sticky = false }: { sticky?: boolean } = {}): void {
    this.#arm(
      ACTIONS.fail,
      aim,
      constants.errno[error as keyof typeof constants.errno] ?? 5,
      sticky,
    )
  }

  /** The process dies at the call that is aimed at. */
  kill(aim: Aim, when: 'before' | 'after'): void {
    this.#arm(when === 'before' ? ACTIONS.killBefore : ACTIONS.killAfter, aim, 0, false)
  }

  /** Nothing fails any more. */
  disarm(): void {
    this.#write(AT.action, uint32(0))
  }

  /** How many calls failed since it was last aimed, and the last of them. */
  get hits(): { count: number; last: string } {
    const page = Buffer.alloc(SIZE)
    readSync(this.#fd, page, 0, SIZE, 0)
    const [kinds = '', ...path] = page.subarray(AT.hit).toString().replace(/\0.*$/s, '').split(' ')
    const names = Object.entries(CALLS).filter(([, bit]) => (Number(kinds) & bit) !== 0)
    const last = `${names.map(([name]) => name).join('+')} ${path.join(' ')}`
    return { count: page.readUInt32LE(AT.hits), last }
  }

  /** How many calls of the kind there were since it was last aimed. */
  get calls(): number {
    const page = Buffer.alloc(SIZE)
    readSync(this.#fd, page, 0, SIZE, 0)
    return page.readUInt32LE(AT.calls)
  }

  /** From now on the clock on the wall is wrong by so many seconds. */
  set clock(seconds: number) {
    const value = Buffer.alloc(4)
    value.writeInt32LE(seconds)
    this.#write(AT.clock, value)
  }

  [Symbol.dispose](): void {
    closeSync(this.#fd)
  }

  #arm(action: number, { calls, path = '', at }: Aim, error: number, sticky: boolean): void {
    this.disarm()
    const kinds = calls.reduce((bits, kind) => bits | CALLS[kind], 0)
    this.#write(4, Buffer.concat([kinds, at, error, sticky ? 1 : 0, 0, 0].map(uint32)))
    const text = Buffer.alloc(PATH_BYTES)
    text.write(path)
    this.#write(AT.path, text)
    this.#write(AT.hit, Buffer.alloc(SIZE - AT.hit))
    this.#write(AT.action, uint32(action)) // last: what it goes by is in place
  }

  #write(at: number, bytes: Uint8Array): void {
    writeSync(this.#fd, bytes, 0, bytes.length, at)
  }
}

function uint32(value: number): Buffer {
  const bytes = Buffer.alloc(4)
  bytes.writeUInt32LE(value)
  return bytes
}
