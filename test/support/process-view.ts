import { readFile, readdir } from 'node:fs/promises'

/** What a process holds. */
export interface Held {
  /** Bytes of memory in RAM that are its own, and not of files that it maps: those are the system's to take back. */
  readonly own: number
  readonly files: number
}

/** Looks at a process from outside (Linux). */
export async function heldBy(pid: number): Promise<Held> {
  const status = await readFile(`/proc/${pid}/status`, 'latin1')
  const kilobytes = Number(/^RssAnon:\s+(\d+) kB$/m.exec(status)?.[1])
  return { own: kilobytes * 1024, files: (await readdir(`/proc/${pid}/fd`)).length }
}

/** Bytes of memory that the system holds for all TCP connections of this machine, of which it counts pages of 4 KiB (Linux). */
async function heldByTcp(): Promise<number> {
  const text = await readFile('/proc/net/sockstat', 'latin1')
  return Number(/^TCP: .* mem (\d+)$/m.exec(text)?.[1]) * 4096
}

/** Looks at a process again and again, and remembers the most it held. */
export class Peak implements Disposable {
  readonly #pid: number
  readonly #timer: NodeJS.Timeout
  #most: Held
  #tcp = 0

  constructor(pid: number, before: Held, everyMs = 1000) {
    this.#pid = pid
    this.#most = before
    this.#timer = setInterval(() => void this.#look(), everyMs)
  }

  get most(): Held {
    return this.#most
  }

  /** What the system held for connections, in bytes. */
  get tcp(): number {
    return this.#tcp
  }

  [Symbol.dispose](): void {
    clearInterval(this.#timer)
  }

  async #look(): Promise<void> {
    const now = await heldBy(this.#pid)
    this.#most = {
      own: Math.max(now.own, this.#most.own),
      files: Math.max(now.files, this.#most.files),
    }
    this.#tcp = Math.max(this.#tcp, await heldByTcp())
  }
}
